"""Reference numbers for the Transformer-XL, from an implementation of its own in PyTorch, in float64.

Run: python3 transformer_parity.py > transformer_parity.json   (PyTorch 2.x, CPU)

The attention here is written out pair by pair of positions from the formula of Dai et al. 2019, section
3.3, with no relative shift, so that it shares no trick with the code under test. Parameter paths are those
of the Rust module; matrices are stored [inputs, outputs].
"""

import json
import math

import torch

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)

SIZES = dict(layers=2, heads=2, d_model=8, d_head=3, d_inner=12, vocabulary=11, segment=5, memory=6)
PAD = 10


def parameters(pre_norm):
    d, width = SIZES["d_model"], SIZES["heads"] * SIZES["d_head"]
    shapes = {
        "embedding": (SIZES["vocabulary"], d),
        "output_bias": (SIZES["vocabulary"],),
        "content_bias": (SIZES["heads"], SIZES["d_head"]),
        "position_bias": (SIZES["heads"], SIZES["d_head"]),
    }
    for i in range(SIZES["layers"]):
        shapes |= {
            f"layers.{i}.attention.qkv.weight": (d, 3 * width),
            f"layers.{i}.attention.positions.weight": (d, width),
            f"layers.{i}.attention.output.weight": (width, d),
            f"layers.{i}.attention_norm.gamma": (d,),
            f"layers.{i}.attention_norm.beta": (d,),
            f"layers.{i}.expand.weight": (d, SIZES["d_inner"]),
            f"layers.{i}.expand.bias": (SIZES["d_inner"],),
            f"layers.{i}.contract.weight": (SIZES["d_inner"], d),
            f"layers.{i}.contract.bias": (d,),
            f"layers.{i}.feed_forward_norm.gamma": (d,),
            f"layers.{i}.feed_forward_norm.beta": (d,),
        }
    if pre_norm:
        shapes |= {"last_norm.gamma": (d,), "last_norm.beta": (d,)}
    made = {}
    for path, shape in shapes.items():
        value = 0.4 * torch.randn(shape) + (1.0 if path.endswith("gamma") else 0.0)
        # What is written down is exactly what is computed with.
        made[path] = (value * 1e4).round() / 1e4
    return {path: value.requires_grad_() for path, value in made.items()}


def norm(p, path, x):
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * p[path + ".gamma"] + p[path + ".beta"]


def encode(distance):
    d = SIZES["d_model"]
    angles = [distance / 10000 ** (2 * k / d) for k in range(d // 2)]
    return torch.tensor([math.sin(a) for a in angles] + [math.cos(a) for a in angles])


def attention(p, path, x, everything, remembered):
    """One lane: x [time, d], everything [keys, d]."""
    d_head, width = SIZES["d_head"], SIZES["heads"] * SIZES["d_head"]
    weight = p[path + ".qkv.weight"]
    out = []
    for i in range(x.shape[0]):
        at = remembered + i
        heads = []
        for h in range(SIZES["heads"]):
            part = lambda which: slice(which * width + h * d_head, which * width + (h + 1) * d_head)
            query = x[i] @ weight[:, part(0)]
            scores, values = [], []
            for j in range(max(0, at - SIZES["memory"]), at + 1):
                key = everything[j] @ weight[:, part(1)]
                relative = encode(at - j) @ p[path + ".positions.weight"][:, part(0)]
                score = query @ key + query @ relative
                score = score + p["content_bias"][h] @ key + p["position_bias"][h] @ relative
                scores.append(score / math.sqrt(d_head))
                values.append(everything[j] @ weight[:, part(2)])
            heads.append(torch.softmax(torch.stack(scores), 0) @ torch.stack(values))
        out.append(torch.cat(heads) @ p[path + ".output.weight"])
    return torch.stack(out)


def forward(p, pre_norm, tokens, memory):
    """One lane: logits [time, vocabulary], and the new memory, one [positions, d] a layer."""
    x = p["embedding"][tokens] * math.sqrt(SIZES["d_model"])
    remembered = 0 if memory is None else memory[0].shape[0]
    kept = []
    for i in range(SIZES["layers"]):
        path = f"layers.{i}"
        everything = x if memory is None else torch.cat([memory[i], x])
        kept.append(everything[-SIZES["memory"]:].detach())
        if pre_norm:
            normed = norm(p, path + ".attention_norm", everything)
            x = x + attention(p, path + ".attention", normed[remembered:], normed, remembered)
        else:
            x = norm(p, path + ".attention_norm", x + attention(p, path + ".attention", x, everything, remembered))
        entering = norm(p, path + ".feed_forward_norm", x) if pre_norm else x
        inner = torch.relu(entering @ p[path + ".expand.weight"] + p[path + ".expand.bias"])
        x = x + inner @ p[path + ".contract.weight"] + p[path + ".contract.bias"]
        if not pre_norm:
            x = norm(p, path + ".feed_forward_norm", x)
    if pre_norm:
        x = norm(p, "last_norm", x)
    return x @ p["embedding"].T + p["output_bias"], kept


def case(pre_norm):
    p = parameters(pre_norm)
    segments = [torch.randint(0, PAD, (2, 5)) for _ in range(3)]
    targets = torch.randint(0, PAD, (2, 5))
    targets[0, 4] = PAD
    targets[1, 1] = PAD
    memories, logits = [None, None], []
    for segment in segments:
        lanes = [forward(p, pre_norm, lane, memory) for lane, memory in zip(segment, memories)]
        logits.append(torch.stack([lane[0] for lane in lanes]))
        memories = [lane[1] for lane in lanes]
    chosen = torch.log_softmax(logits[-1], -1).gather(-1, targets[..., None])[..., 0]
    counted = targets != PAD
    loss = -(chosen * counted).sum() / counted.sum()
    loss.backward()
    numbers = lambda t: [round(v, 9) for v in t.detach().flatten().tolist()]
    return {
        "pre_norm": pre_norm,
        "parameters": {k: {"shape": list(v.shape), "values": numbers(v)} for k, v in p.items()},
        "segments": [s.tolist() for s in segments],
        "targets": targets.tolist(),
        "logits": [numbers(step) for step in logits],
        "loss": round(loss.item(), 12),
        "gradients": {k: numbers(v.grad) for k, v in p.items()},
    }


cases = [case(False), case(True)]
lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
print('{"sizes":%s,"pad":%d,"cases":[\n%s\n]}' % (json.dumps(SIZES), PAD, lines))
