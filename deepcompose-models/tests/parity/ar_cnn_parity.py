"""Reference numbers for the AR-CNN: the U-Net, its loss and its gradients, written in PyTorch.

    pip install torch numpy safetensors
    python ar_cnn_parity.py

writes `ar_cnn.safetensors` (random weights of a small network, as a weights file) and `ar_cnn.json`
(inputs, logits, loss, gradients), which `src/ar_cnn/parity.rs` compares against. Computed in float64.
"""

import hashlib
import json
import struct

import numpy as np
import torch
from safetensors.numpy import save_file

STEPS, PITCHES, FILTERS, LEVELS, BATCH = 16, 8, 3, 2, 3
rng = np.random.default_rng(7)
weights = {}


def parameter(name, shape, scale, shift=0.0):
    weights[name] = (shift + scale * rng.standard_normal(shape)).astype(np.float32)


def convs(prefix, channels_in, channels_out):
    for name, c_in in (("conv1", channels_in), ("conv2", channels_out)):
        parameter(f"{prefix}.{name}.weight", (channels_out, c_in, 3, 3), (2.0 / (9 * c_in)) ** 0.5)
        parameter(f"{prefix}.{name}.bias", (channels_out,), 0.1)


def norm(prefix, channels):
    parameter(f"{prefix}.gamma", (channels,), 0.2, 1.0)
    parameter(f"{prefix}.beta", (channels,), 0.2)
    parameter(f"{prefix}.running_mean", (channels,), 0.3)
    weights[f"{prefix}.running_var"] = (0.5 + rng.random(channels)).astype(np.float32)


for level in range(LEVELS):
    width = FILTERS << level
    convs(f"encoder.{level}.convs", 1 if level == 0 else width // 2, width)
    if level < LEVELS - 1:
        norm(f"encoder.{level}.norm", width)
convs("bottleneck", FILTERS << (LEVELS - 1), FILTERS << LEVELS)
for index, level in enumerate(reversed(range(LEVELS))):
    joined = (FILTERS << (level + 1)) + (FILTERS << level)
    if level > 0:
        norm(f"decoder.{index}.norm", joined)
    convs(f"decoder.{index}.convs", joined, FILTERS << level)
parameter("head.weight", (1, FILTERS, 1, 1), 1.0)
parameter("head.bias", (1,), 0.1)

W = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in weights.items()}
F = torch.nn.functional


def two_convs(x, prefix):
    for name in ("conv1", "conv2"):
        x = F.relu(F.conv2d(x, W[f"{prefix}.{name}.weight"], W[f"{prefix}.{name}.bias"], padding=1))
    return x


def batch_norm(x, prefix, training):
    if f"{prefix}.gamma" not in W:
        return x
    stats = [W[f"{prefix}.running_mean"].detach().clone(), W[f"{prefix}.running_var"].detach().clone()]
    return F.batch_norm(x, *stats, W[f"{prefix}.gamma"], W[f"{prefix}.beta"], training=training, eps=1e-5)


def network(x, training):
    skips = []
    x = x[:, None]
    for level in range(LEVELS):
        a = two_convs(x, f"encoder.{level}.convs")
        skips.append(a)
        x = batch_norm(F.max_pool2d(a, 2), f"encoder.{level}.norm", training)
    x = two_convs(x, "bottleneck")
    for index, a in enumerate(reversed(skips)):
        x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), a], 1)
        x = two_convs(batch_norm(x, f"decoder.{index}.norm", training), f"decoder.{index}.convs")
    return F.conv2d(x, W["head.weight"], W["head.bias"])[:, 0]


def edit_loss(logits, difference):
    losses = []
    for logit, diff in zip(logits.flatten(1), difference.flatten(1)):
        if diff.sum() == 0:
            continue
        target = diff / diff.sum()
        losses.append(F.kl_div(F.log_softmax(logit, 0), target, reduction="sum"))
    return torch.stack(losses).mean()


clean = rng.random((BATCH, STEPS, PITCHES)) < 0.2
spoilt = clean ^ (rng.random(clean.shape) < 0.1)
spoilt[1] = clean[1]  # a sample in which nothing differs
inputs = torch.tensor(spoilt, dtype=torch.float64)
difference = torch.tensor(clean ^ spoilt, dtype=torch.float64)

with torch.no_grad():
    inference = network(inputs, False)
training = network(inputs, True)
loss = edit_loss(training, difference)
loss.backward()

names = ["encoder.0.convs.conv1.weight", "bottleneck.conv2.weight", "decoder.0.norm.gamma", "head.weight"]
flat = lambda t: [float(f"{v:.9g}") for v in t.detach().flatten().tolist()]
json.dump(
    {
        "input": spoilt.astype(int).flatten().tolist(),
        "difference": (clean ^ spoilt).astype(int).flatten().tolist(),
        "inference_logits": flat(inference),
        "training_logits": flat(training),
        "loss": loss.item(),
        "gradients": {name: flat(W[name].grad) for name in names},
    },
    open("ar_cnn.json", "w"),
)

sha = hashlib.sha256()
for name in sorted(weights):
    value = weights[name]
    kind = f"F32[{', '.join(str(n) for n in value.shape)}]"
    for part in (name.encode(), kind.encode(), value.tobytes()):
        sha.update(struct.pack("<Q", len(part)))
        sha.update(part)
config = {
    "steps": STEPS, "lowest_pitch": 40, "pitches": PITCHES, "filters": FILTERS, "levels": LEVELS, "dropout": 0.0,
}
metadata = {
    "format": "deepcompose",
    "version": "1",
    "model": "ar-cnn",
    "config": json.dumps(config),
    "sha256": sha.hexdigest(),
}
save_file(weights, "ar_cnn.safetensors", metadata)
