"""Times one training step beside PyTorch's, in turn: python train_step.py ar-cnn|transformer --binary EXAMPLE

The same networks, the same shapes of a batch, dropout, Adam; PyTorch eager and, with --compile, compiled. Data are
made up: PyTorch gets its batch ready, the trainers here cut, spoil or pack theirs within the step.
"""

import argparse
import os
import statistics
import subprocess
import time

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("network", choices=["ar-cnn", "transformer"])
parser.add_argument("--binary", required=True, help="target/release/examples/train_step")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--steps", type=int, default=2, help="steps of each side in a round")
parser.add_argument("--compile", action="store_true", help="time torch.compile too")
parser.add_argument("--channels-last", action="store_true", help="time PyTorch with channels last too (ar-cnn)")
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)

import torch  # noqa: E402
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402

from common import fields, spread  # noqa: E402

torch.set_num_threads(options.threads)
torch.manual_seed(1)


class UNet(nn.Module):
    """The AR-CNN with 16 filters and 4 levels."""

    def __init__(self, filters=16, levels=4, dropout=0.5):
        super().__init__()
        conv = lambda a, b: nn.Conv2d(a, b, 3, padding=1)
        two = lambda a, b: nn.Sequential(conv(a, b), nn.ReLU(), conv(b, b), nn.ReLU())
        width = [filters << level for level in range(levels + 1)]
        self.encoder, self.decoder, self.after, self.before = (nn.ModuleList() for _ in range(4))
        self.pool, self.dropout = nn.MaxPool2d(2), dropout
        for level in range(levels):
            self.encoder.append(two(1 if level == 0 else width[level - 1], width[level]))
            self.after.append(nn.BatchNorm2d(width[level]) if level < levels - 1 else nn.Identity())
        self.bottleneck = two(width[levels - 1], width[levels])
        for level in reversed(range(levels)):
            joined = width[level + 1] + width[level]
            self.before.append(nn.BatchNorm2d(joined) if level > 0 else nn.Identity())
            self.decoder.append(two(joined, width[level]))
        self.head = nn.Conv2d(filters, 1, 1)

    def forward(self, x):
        skips = []
        for level, (convs, norm) in enumerate(zip(self.encoder, self.after)):
            activation = convs(x)
            skips.append(activation)
            x = self.pool(activation)
            x = norm(F.dropout(x, self.dropout) if level > 0 else x)
        x = self.bottleneck(x)
        for level, (norm, convs) in enumerate(zip(self.before, self.decoder)):
            x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skips.pop()], 1)
            x = convs(norm(x))
            x = F.dropout(x, self.dropout) if level < len(self.decoder) - 1 else x
        return self.head(x)[:, 0]


class ArCnnStep:
    def __init__(self, mode):
        self.network = UNet()
        self.input = (torch.rand(8, 1, 128, 128) < 0.02).float()
        self.difference = (torch.rand(8, 128, 128) < 0.01).float()
        if mode == "channels last":
            self.network = self.network.to(memory_format=torch.channels_last)
            self.input = self.input.to(memory_format=torch.channels_last)
        self.adam = torch.optim.Adam(self.network.parameters(), 1e-3)
        self.forward = torch.compile(self.loss) if mode == "compiled" else self.loss

    def loss(self):
        log_p = F.log_softmax(self.network(self.input).flatten(1), 1)
        difference = self.difference.flatten(1)
        n = difference.sum(1)
        return (-(difference * log_p).sum(1) / n - n.log()).mean()

    def __call__(self):
        self.adam.zero_grad(set_to_none=True)
        loss = self.forward()
        loss.backward()
        self.adam.step()
        return loss.item()


class Layer(nn.Module):
    def __init__(self, d, inner, heads):
        super().__init__()
        self.heads, self.d_head = heads, d // heads
        self.qkv, self.positions = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.output = nn.Linear(d, d, bias=False)
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.expand, self.contract = nn.Linear(d, inner), nn.Linear(inner, d)

    def attend(self, x, memory, u, v, distances, mask):
        lanes, time, d = x.shape
        heads = lambda rows: rows.unflatten(-1, (self.heads, self.d_head)).transpose(-2, -3)
        query, key, value = self.qkv(x).split(d, -1)
        old_key, old_value = F.linear(memory, self.qkv.weight[d:]).split(d, -1)
        query = heads(query)
        key, value = heads(torch.cat([old_key, key], 1)), heads(torch.cat([old_value, value], 1))
        position = heads(self.positions(distances))
        scale = self.d_head**-0.5
        content = (query + u) * scale @ key.transpose(-1, -2)
        by_distance = (query + v) * scale @ position.transpose(-1, -2)
        # The shift of Dai et al. 2019, appendix B.
        keys = by_distance.shape[-1]
        shifted = F.pad(by_distance, (1, 0)).view(lanes, self.heads, keys + 1, time)[:, :, 1:].reshape(by_distance.shape)
        weights = torch.softmax(content + shifted + mask, -1)
        return self.output((weights @ value).transpose(1, 2).flatten(2))

    def forward(self, x, memory, u, v, distances, mask, rate):
        drop = lambda x: F.dropout(x, rate)
        norm = self.attention_norm
        x = x + drop(self.attend(norm(x), norm(memory), u, v, distances, mask))
        inner = drop(F.relu(self.expand(self.feed_forward_norm(x))))
        return x + drop(self.contract(inner))


class TransformerXl(nn.Module):
    """Width 256, 6 layers, 8 heads of 32, feed-forward 1024, memory 128, normalised before each part."""

    def __init__(self, d=256, layers=6, heads=8, inner=1024, vocabulary=310, memory=128, time=128):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(vocabulary, d) * d**-0.5)
        self.output_bias = nn.Parameter(torch.zeros(vocabulary))
        self.u = nn.Parameter(torch.zeros(heads, 1, d // heads))
        self.v = nn.Parameter(torch.zeros(heads, 1, d // heads))
        self.layers = nn.ModuleList(Layer(d, inner, heads) for _ in range(layers))
        self.last_norm = nn.LayerNorm(d)
        keys = memory + time
        frequencies = 10000.0 ** -(torch.arange(0, d, 2) / d)
        angles = torch.arange(keys - 1, -1, -1.0)[:, None] * frequencies
        self.register_buffer("distances", torch.cat([angles.sin(), angles.cos()], 1))
        age = (memory + torch.arange(time))[:, None] - torch.arange(keys)
        self.register_buffer("mask", torch.where((age >= 0) & (age <= memory), 0.0, -1e30))
        self.d = d

    def forward(self, tokens, memory, targets, rate=0.1):
        x = F.dropout(self.embedding[tokens] * self.d**0.5, rate)
        kept = []
        for layer, old in zip(self.layers, memory):
            kept.append(x.detach())
            x = layer(x, old, self.u, self.v, self.distances, self.mask, rate)
        x = F.dropout(self.last_norm(x), rate)
        logits = F.linear(x, self.embedding, self.output_bias)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten()), kept


class TransformerStep:
    def __init__(self, mode):
        self.network = TransformerXl()
        self.adam = torch.optim.AdamW(self.network.parameters(), 1e-3, weight_decay=0.01)
        self.tokens = torch.randint(0, 300, (16, 128))
        self.targets = torch.randint(0, 300, (16, 128))
        self.memory = [torch.zeros(16, 128, 256) for _ in self.network.layers]
        self.forward = torch.compile(self.network) if mode == "compiled" else self.network

    def __call__(self):
        self.adam.zero_grad(set_to_none=True)
        loss, self.memory = self.forward(self.tokens, self.memory, self.targets)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.adam.step()
        return loss.item()


class Ours:
    """The example `train_step`, which takes a step at each line."""

    def __init__(self):
        environment = dict(os.environ, RAYON_NUM_THREADS=str(options.threads))
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment)
        self.process = subprocess.Popen([options.binary, options.network], **pipes)

    def seconds(self, steps):
        self.process.stdin.write(f"{steps}\n")
        return fields(self.process.stdout.readline())["seconds"]


class Theirs:
    def __init__(self, mode):
        self.step = (ArCnnStep if options.network == "ar-cnn" else TransformerStep)(mode)

    def seconds(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        return (time.perf_counter() - start) / steps


modes = ["eager"]
if options.channels_last and options.network == "ar-cnn":
    modes.append("channels last")
if options.compile:
    modes.append("compiled")
sides = {"ours": Ours()} | {mode: Theirs(mode) for mode in modes}
for side in sides.values():
    side.seconds(2)
times = {name: [] for name in sides}
for _ in range(options.rounds):
    for name, side in sides.items():
        times[name].append(side.seconds(options.steps))
print(f"{options.network}, {options.threads} threads, PyTorch {torch.__version__}; seconds a step")
print(f"ours: {spread(times['ours'])}; fastest {min(times['ours']):.4f}")
for mode in modes:
    ratios = [theirs / ours for theirs, ours in zip(times[mode], times["ours"])]
    print(f"PyTorch {mode}: {spread(times[mode])}; fastest {min(times[mode]):.4f}")
    print(f"  rate of ours / rate of PyTorch {mode}: {spread(ratios)}")
