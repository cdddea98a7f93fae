"""Loads deepcompose's weights in PyTorch, compares logits with ours, and writes weights files.

    python load_in_pytorch.py WEIGHTS.safetensors [LOGITS.json] [--export OUT.safetensors]

WEIGHTS is a safetensors file of one of three of the library's networks, AR-CNN, Transformer-XL or GAN generator, in any
precision. LOGITS is what `cargo run --release --example weights -- logits WEIGHTS LOGITS.json` writes. Both sides are
compared relative to the largest of our logits; --tolerance says how far apart they may be. --export writes the PyTorch
model back in the library's format, with 32-bit floats, so that a model trained here can be used there.
"""

import argparse
import hashlib
import json
import math
import struct
import sys

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F


# --- The networks. Attributes have the names that the file has. ---


class TwoConvs(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x))))


class ArCnnLevel(nn.Module):
    def __init__(self, inputs, outputs, normed, dropout):
        super().__init__()
        self.convs = TwoConvs(inputs, outputs)
        self.norm = nn.BatchNorm2d(normed) if normed else nn.Identity()
        self.dropout = nn.Dropout(dropout)


class ArCnn(nn.Module):
    """Rolls [batch, steps, pitches] of 0 and 1 to logits of the same shape."""

    def __init__(self, c):
        super().__init__()
        levels, dropout = c["levels"], lambda level: c["dropout"] if level else 0.0
        f = [c["filters"] << level for level in range(levels + 1)]
        self.encoder = nn.ModuleList(
            ArCnnLevel(f[l - 1] if l else 1, f[l], f[l] if l < levels - 1 else 0, dropout(l)) for l in range(levels)
        )
        self.bottleneck = TwoConvs(f[levels - 1], f[levels])
        self.decoder = nn.ModuleList(
            ArCnnLevel(f[l + 1] + f[l], f[l], f[l + 1] + f[l] if l else 0, dropout(l)) for l in reversed(range(levels))
        )
        self.head = nn.Conv2d(f[0], 1, 1)

    def forward(self, rolls):
        x, skips = rolls[:, None], []
        for level in self.encoder:
            skips.append(level.convs(x))
            x = level.norm(level.dropout(F.max_pool2d(skips[-1], 2)))
        x = self.bottleneck(x)
        for level, skip in zip(self.decoder, reversed(skips)):
            x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skip], 1)
            x = level.dropout(level.convs(level.norm(x)))
        return self.head(x)[:, 0]


class Down(nn.Module):
    def __init__(self, inputs, outputs, normed):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(outputs) if normed else nn.Identity()

    def forward(self, x):
        return self.norm(F.leaky_relu(self.conv(x), 0.2))


def double_then(conv, x):
    return conv(F.pad(F.interpolate(x, scale_factor=2, mode="nearest"), (1, 2, 1, 2)))


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 4)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.norm(double_then(self.conv, x)))


class Harmony(nn.Module):
    """Features of a half bar from each root, [b, 12, 207], to logits of the major and the minor triad on it, [b, 12, 2]."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(207, 64), nn.Linear(64, 64), nn.Linear(64, 2)

    def forward(self, x):
        return self.last(F.relu(self.second(F.relu(self.first(x)))))


class Generator(nn.Module):
    """Melody [b, 1, steps, pitches], chords [b, 2, steps, pitches] and previous tracks [b, rolls, steps, pitches] of +1 and
    -1, latent [b, channels, steps / 16, pitches / 16], attributes [b, genres + tracks] to logits [b, rolls, steps,
    pitches]: a roll a track, and with `onsets` another one for each but the first.
    `harmony`, which chooses chords, and `styles`, latents to draw near, are not run here."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        f = [c["filters"] << level for level in range(4)]
        attributes = c["genres"] + (c["tracks"] if c["track_mask"] else 0)
        rolls = 2 * c["tracks"] - 1 if c.get("onsets") else c["tracks"]
        inputs = [1 + (2 if c["chords"] else 0) + (rolls if c["previous"] else 0)] + f
        self.down = nn.ModuleList(Down(inputs[l], f[l], l > 0) for l in range(4))
        top = f[3] + c["latent_channels"] + (c["attribute_channels"] if attributes else 0)
        self.up = nn.ModuleList(Up(i, o) for i, o in ((top, f[2]), (2 * f[2], f[1]), (2 * f[1], f[0])))
        self.head = nn.Conv2d(2 * f[0], rolls, 4)
        cells = c["steps"] * c["pitches"]
        if attributes:
            self.attributes = nn.Linear(attributes, c["attribute_channels"] * cells // 256, bias=False)
        if c["output_map"]:
            self.output_map = nn.Linear(attributes, rolls * cells, bias=False)
        if c["chords"]:
            self.harmony = Harmony()
        if c["styles"]:
            latent = c["latent_channels"] * cells // 256
            self.styles = nn.Parameter(torch.zeros(max(c["genres"], 1) * c["styles"], latent))

    def forward(self, melody, latent, chords=None, previous=None, attributes=None):
        x, skips = torch.cat([roll for roll in (melody, chords, previous) if roll is not None], 1), []
        for down in self.down:
            x = down(x)
            skips.append(x)
        parts = [skips.pop(), latent]
        if attributes is not None:
            parts.append(self.attributes(attributes).reshape(len(x), -1, *x.shape[2:]))
        x = torch.cat(parts, 1)
        for up in self.up:
            x = torch.cat([up(x), skips.pop()], 1)
        x = double_then(self.head, x)
        return x + self.output_map(attributes).reshape(x.shape) if self.c["output_map"] else x


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["heads"] * c["d_head"]
        self.qkv = nn.Linear(c["d_model"], 3 * width, bias=False)
        self.positions = nn.Linear(c["d_model"], width, bias=False)
        self.output = nn.Linear(width, c["d_model"], bias=False)

    def forward(self, x, memory, model):
        """x [b, time, d_model] attends to memory and itself, each position to `memory` ones before it."""
        c, (batch, time, _) = model.c, x.shape
        everything = x if memory is None else torch.cat([memory, x], 1)
        keys = everything.shape[1]
        heads = lambda rows: rows.reshape(len(rows), -1, c["heads"], c["d_head"]).transpose(1, 2)
        query, key, value = (heads(part) for part in self.qkv(everything).chunk(3, -1))
        query = query[:, :, keys - time :]
        relative = heads(self.positions(sinusoids(keys, c["d_model"], x))[None])
        content = (query + model.content_bias[:, None]) @ key.transpose(2, 3)
        by_distance = (query + model.position_bias[:, None]) @ relative.transpose(2, 3)
        distance = torch.arange(keys - time, keys)[:, None] - torch.arange(keys)[None]
        index = distance.clamp(min=0).expand(batch, c["heads"], time, keys)
        scores = (content + by_distance.gather(3, index)) / math.sqrt(c["d_head"])
        scores = scores.masked_fill((distance < 0) | (distance > c["memory"]), -math.inf)
        mixed = torch.softmax(scores, -1) @ value
        return self.output(mixed.transpose(1, 2).reshape(batch, time, -1))


def sinusoids(count, width, like):
    """Of the distances 0..count: sines, then cosines."""
    frequencies = 10000.0 ** (-torch.arange(0, width, 2, dtype=like.dtype) / width)
    angles = torch.arange(count, dtype=like.dtype)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention = Attention(c)
        self.attention_norm = nn.LayerNorm(c["d_model"])
        self.expand = nn.Linear(c["d_model"], c["d_inner"])
        self.contract = nn.Linear(c["d_inner"], c["d_model"])
        self.feed_forward_norm = nn.LayerNorm(c["d_model"])

    def forward(self, x, memory, model):
        drop = model.dropout
        inner = lambda x: drop(self.contract(drop(F.relu(self.expand(x)))))
        if model.c["pre_norm"]:
            memory = None if memory is None else self.attention_norm(memory)
            x = x + drop(self.attention(self.attention_norm(x), memory, model))
            return x + inner(self.feed_forward_norm(x))
        x = self.attention_norm(x + drop(self.attention(x, memory, model)))
        return self.feed_forward_norm(x + inner(x))


class TransformerXl(nn.Module):
    """Tokens [b, time] and the memory of the segment before to logits [b, time, vocabulary] and a memory."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embedding = nn.Parameter(torch.empty(c["vocabulary"], c["d_model"]))
        self.output_bias = nn.Parameter(torch.empty(c["vocabulary"]))
        self.content_bias = nn.Parameter(torch.empty(c["heads"], c["d_head"]))
        self.position_bias = nn.Parameter(torch.empty(c["heads"], c["d_head"]))
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["layers"]))
        self.last_norm = nn.LayerNorm(c["d_model"]) if c["pre_norm"] else nn.Identity()
        self.dropout = nn.Dropout(c["dropout"])

    def forward(self, tokens, memory=None):
        x = self.dropout(self.embedding[tokens] * math.sqrt(self.c["d_model"]))
        kept = []
        for index, layer in enumerate(self.layers):
            before = None if memory is None else memory[index]
            everything = x if before is None else torch.cat([before, x], 1)
            kept.append(everything[:, -self.c["memory"] :].detach())
            x = layer(x, before, self)
        return self.dropout(self.last_norm(x)) @ self.embedding.T + self.output_bias, kept


MODELS = {"ar-cnn": ArCnn, "gan-generator": Generator, "transformer-xl": TransformerXl}


# --- The file. ---


def hash_parts(parts):
    sha = hashlib.sha256()
    for part in parts:
        sha.update(struct.pack("<Q", len(part)))
        sha.update(part)
    return sha.hexdigest()


KINDS = {np.dtype("float32"): "F32", np.dtype("float16"): "F16", np.dtype("int8"): "I8"}


def hash_tensors(tensors):
    """`sha256` of the metadata: name, type and shape, data of each tensor, in order of their names."""
    parts = []
    for name, value in sorted(tensors.items(), key=lambda item: item[0].encode()):
        parts += [name.encode(), f"{KINDS[value.dtype]}{list(value.shape)}".encode(), value.tobytes()]
    return hash_parts(parts)


def hash_metadata(metadata):
    """`metadata_sha256`: every other key and its value, in order of the keys."""
    others = sorted((k.encode(), v.encode()) for k, v in metadata.items() if k != "metadata_sha256")
    return hash_parts(part for pair in others for part in pair)


def read(path):
    """The metadata, and the tensors as float32 arrays under their names."""
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
        tensors = {name: np.ascontiguousarray(file.get_tensor(name)) for name in file.keys()}
    if metadata.get("format") != "deepcompose" or metadata.get("version") != "1":
        sys.exit(f"{path}: not a weights file of deepcompose, version 1")
    if hash_tensors(tensors) != metadata["sha256"]:
        sys.exit(f"{path}: the tensors do not have the hash that the file gives")
    if hash_metadata(metadata) != metadata.get("metadata_sha256", hash_metadata(metadata)):
        sys.exit(f"{path}: the metadata does not have the hash that the file gives")
    floats = {}
    for name, value in tensors.items():
        if value.dtype == np.int8:
            scale = tensors[f"{name}.scale"]
            floats[name] = value.astype(np.float32) * scale.reshape([-1] + [1] * (value.ndim - 1))
        elif not (name.endswith(".scale") and tensors.get(name[:-6], value).dtype == np.int8):
            floats[name] = value.astype(np.float32)
    return metadata, floats


def names(model):
    """Each tensor of the model: its name in PyTorch, its name in the file, whether it is stored transposed."""
    for prefix, module in model.named_modules():
        tensors = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, _ in tensors:
            if name == "num_batches_tracked":
                continue
            ours = name
            if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
                ours = {"weight": "gamma", "bias": "beta"}.get(name, name)
            dot = prefix + "." if prefix else ""
            yield dot + name, dot + ours, isinstance(module, nn.Linear) and name == "weight"


def load(path):
    """The model in evaluation mode, and the file's metadata."""
    metadata, tensors = read(path)
    if metadata.get("model") not in MODELS:
        sys.exit(f"{path}: model is {metadata.get('model')}: {', '.join(MODELS)} are accepted")
    model = MODELS[metadata["model"]](json.loads(metadata["config"]))
    state = {}
    for theirs, ours, transposed in names(model):
        value = torch.from_numpy(tensors.pop(ours))
        state[theirs] = value.T.contiguous() if transposed else value
    if tensors:
        sys.exit(f"{path}: {sorted(tensors)} belong nowhere")
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), missing
    return model.eval(), metadata


def save(model, metadata, path):
    """Writes the model with 32-bit floats. `metadata` needs `model`, `config` and, for a Transformer, `vocabulary`."""
    state, tensors = model.state_dict(), {}
    for theirs, ours, transposed in names(model):
        value = state[theirs].T if transposed else state[theirs]
        tensors[ours] = np.ascontiguousarray(value.float().cpu().numpy())
    kept = {key: metadata[key] for key in ("model", "config", "vocabulary") if key in metadata}
    metadata = {"format": "deepcompose", "version": "1", **kept, "sha256": hash_tensors(tensors)}
    metadata["metadata_sha256"] = hash_metadata(metadata)
    save_file(tensors, path, metadata)


# --- The comparison. ---


def tensor(array):
    return torch.tensor(array["values"], dtype=torch.float64).reshape(array["shape"])


@torch.no_grad()
def logits(model, numbers):
    """The model's answers to the input that came with our logits, in float64."""
    model = model.double()
    if isinstance(model, ArCnn):
        return [model(tensor(numbers["rolls"]))]
    if isinstance(model, Generator):
        inputs = {k: tensor(numbers[k]) for k in ("melody", "latent", "chords", "previous", "attributes") if k in numbers}
        return [model(**inputs)]
    memory, answers = None, []
    for segment in numbers["segments"]:
        answer, memory = model(torch.tensor([segment]), memory)
        answers.append(answer)
    return answers


def main():
    parser = argparse.ArgumentParser(description="Load deepcompose's weights in PyTorch.")
    parser.add_argument("weights", help="a safetensors file of deepcompose")
    parser.add_argument("logits", nargs="?", help="JSON from `weights logits`, to compare with")
    parser.add_argument("--tolerance", type=float, default=2e-5, help="of the largest logit (default 2e-5)")
    parser.add_argument("--export", metavar="OUT", help="write the PyTorch model as a weights file")
    options = parser.parse_args()
    model, metadata = load(options.weights)
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{options.weights}: {metadata['model']}, {count} trainable numbers")
    if options.export:
        save(model, metadata, options.export)
        print(f"wrote {options.export}")
    if options.logits:
        numbers = json.load(open(options.logits))
        if numbers["sha256"] != metadata["sha256"]:
            sys.exit(f"{options.logits}: the logits are of other weights")
        ours = [tensor(array) for array in numbers["logits"]]
        difference = max((a - b).abs().max().item() for a, b in zip(ours, logits(model, numbers), strict=True))
        largest = max(a.abs().max().item() for a in ours)
        print(f"largest difference {difference:.3g}, largest logit {largest:.4g}: {difference / largest:.2g} of it")
        if not difference <= options.tolerance * largest:
            sys.exit(f"over the tolerance of {options.tolerance:g}")


if __name__ == "__main__":
    main()
