"""Writes gan_parity.json: what PyTorch makes of the GAN on small fixed weights, in float64.

    python gan_parity.py > gan_parity.json        (torch 2.15, numpy not needed)

The networks are written here from the description alone, with PyTorch's own convolutions, batch
norm and double backward. Weights and inputs come from an integer hash of their name and index, so
that the JSON holds results only.
"""

import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
MASK = 0xFFFFFFFF


def salt(name):
    h = 2166136261
    for byte in name.encode():
        h = ((h ^ byte) * 16777619) & MASK
    return h


def uniform(name, count):
    """`count` numbers in [-1, 1)."""
    out, s = [], salt(name)
    for i in range(count):
        x = (i * 2654435761 + s) & MASK
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            x = ((x ^ (x >> shift)) * factor) & MASK
        x ^= x >> 16
        out.append(x / 2**31 - 1)
    return torch.tensor(out)


def filled(name, shape, kind):
    n = 1
    for d in shape:
        n *= d
    u = uniform(name, n).reshape(shape)
    fan_in = {4: lambda: n // shape[0], 2: lambda: shape[0]}.get(len(shape), lambda: 1)()
    return {
        "weight": lambda: u * (3 / fan_in) ** 0.5,
        "bias": lambda: 0.3 * u,
        "gamma": lambda: 1 + 0.3 * u,
        "beta": lambda: 0.3 * u,
        "running_mean": lambda: 0.2 * u,
        "running_var": lambda: 1 + 0.5 * u,
    }[kind]()


class Parameters(dict):
    def __init__(self, prefix):
        super().__init__()
        self.prefix = prefix

    def new(self, name, shape):
        kind = name.rsplit(".", 1)[1]
        self[name] = filled(self.prefix + name, shape, kind)
        if not kind.startswith("running"):
            self[name].requires_grad_(True)

    def conv(self, name, i, o):
        self.new(name + ".weight", (o, i, 4, 4))
        self.new(name + ".bias", (o,))

    def norm(self, name, c):
        for kind in ("gamma", "beta", "running_mean", "running_var"):
            self.new(f"{name}.{kind}", (c,))


def linear(p, name, x):
    return x @ p[name + ".weight"]


def halve(p, name, x):
    return F.conv2d(x, p[name + ".weight"], p[name + ".bias"], stride=2, padding=1)


def keep(p, name, x):
    return F.conv2d(F.pad(x, (1, 2, 1, 2)), p[name + ".weight"], p[name + ".bias"])


def norm(p, name, x, training):
    # Batch statistics are used as they are: running averages are left alone here.
    mean = None if training else p[name + ".running_mean"]
    var = None if training else p[name + ".running_var"]
    return F.batch_norm(x, mean, var, p[name + ".gamma"], p[name + ".beta"], training, 0.0, 1e-5)


def generator_parameters(c):
    f = [c["filters"] << level for level in range(4)]
    p = Parameters("generator.")
    inputs = 1 + (2 if c["chords"] else 0) + (c["tracks"] if c["previous"] else 0)
    for level in range(4):
        p.conv(f"down.{level}.conv", inputs if level == 0 else f[level - 1], f[level])
        if level > 0:
            p.norm(f"down.{level}.norm", f[level])
    n = c["attributes"]
    top = f[3] + c["latent_channels"] + (c["attribute_channels"] if n else 0)
    for block, level in enumerate((2, 1, 0)):
        p.conv(f"up.{block}.conv", top if block == 0 else 2 * f[level + 1], f[level])
        p.norm(f"up.{block}.norm", f[level])
    p.conv("head", 2 * f[0], c["tracks"])
    cells = c["steps"] * c["pitches"]
    if n:
        p.new("attributes.weight", (n, c["attribute_channels"] * cells // 256))
        p.new("output_map.weight", (n, c["tracks"] * cells))
    return p


def rolls(condition):
    parts = [condition["melody"], condition["chords"], condition["previous"]]
    return torch.cat([x for x in parts if x is not None], 1)


def generator_logits(p, c, condition, latent, training):
    skips, x = [], rolls(condition)
    for level in range(4):
        x = F.leaky_relu(halve(p, f"down.{level}.conv", x), 0.2)
        if level > 0:
            x = norm(p, f"down.{level}.norm", x, training)
        skips.append(x)
    parts = [x, latent]
    b, rows, columns = x.shape[0], x.shape[2], x.shape[3]
    if c["attributes"]:
        a = linear(p, "attributes", condition["attributes"])
        parts.append(a.reshape(b, c["attribute_channels"], rows, columns))
    x = torch.cat(parts, 1)
    for block, skip in enumerate(reversed(skips[:3])):
        x = keep(p, f"up.{block}.conv", F.interpolate(x, scale_factor=2, mode="nearest"))
        x = F.relu(norm(p, f"up.{block}.norm", x, training))
        x = torch.cat([x, skip], 1)
    x = keep(p, "head", F.interpolate(x, scale_factor=2, mode="nearest"))
    if c["attributes"]:
        x = x + linear(p, "output_map", condition["attributes"]).reshape(x.shape)
    return x


def critic_parameters(c):
    f = [c["filters"] << level for level in range(4)]
    p = Parameters("critic.")
    inputs = c["tracks"] + 1 + (2 if c["chords"] else 0) + (c["tracks"] if c["previous"] else 0)
    for level in range(4):
        p.conv(f"convs.{level}", inputs if level == 0 else f[level - 1], f[level])
    features = f[3] * c["steps"] * c["pitches"] // 256
    p.new("head.weight", (features, 1))
    p.new("head.bias", (1,))
    if c["attributes"]:
        p.new("attributes.weight", (c["attributes"], f[0]))
        p.new("projection.weight", (c["attributes"], features))
    return p


def critic(p, c, tracks, condition):
    x = torch.cat([tracks, rolls(condition)], 1)
    for level in range(4):
        x = halve(p, f"convs.{level}", x)
        if level == 0 and c["attributes"]:
            x = x + linear(p, "attributes", condition["attributes"])[:, :, None, None]
        x = F.leaky_relu(x, 0.2)
    x = x.flatten(1)
    score = (linear(p, "head", x) + p["head.bias"])[:, 0]
    if c["attributes"]:
        score = score + (x * linear(p, "projection", condition["attributes"])).sum(1)
    return score


def penalty(p, c, x, condition):
    x = x.detach().requires_grad_(True)
    score = critic(p, c, x, condition).sum()
    (g,) = torch.autograd.grad(score, x, create_graph=True)
    return ((g.flatten(1).norm(dim=1) - 1) ** 2).mean()


def digest(x):
    """Enough of a tensor to tell it from any other: every value counts in `dot`."""
    flat = x.detach().flatten()
    step = max(1, flat.numel() // 24)
    return {
        "shape": list(x.shape),
        "largest": flat.abs().max().item(),
        "norm": flat.norm().item(),
        "dot": (flat * uniform("digest", flat.numel())).sum().item(),
        "samples": flat[::step].tolist(),
    }


def gradients(p, loss):
    # A parameter that the loss does not depend on has gradient zero.
    names = [n for n in p if p[n].requires_grad]
    grads = torch.autograd.grad(loss, [p[n] for n in names], allow_unused=True)
    return {n: digest(torch.zeros(()) if g is None else g) for n, g in zip(names, grads) if g is not None}


def case(c):
    b, t, s, n = c["batch"], c["tracks"], c["steps"], c["pitches"]
    sparse = lambda name, shape: torch.where(uniform(name, shape[0] * shape[1] * s * n) > 0.8, 1.0, -1.0).reshape(
        shape
    )
    attributes = None
    if c["attributes"]:
        attributes = (uniform("attributes", b * c["attributes"]) > 0).double().reshape(b, -1)
    condition = {
        "melody": sparse("melody", (b, 1, s, n)),
        "chords": sparse("chords", (b, 2, s, n)) if c["chords"] else None,
        "previous": sparse("previous", (b, t, s, n)) if c["previous"] else None,
        "attributes": attributes,
    }
    real = sparse("real", (b, t, s, n))
    latent = 1.5 * uniform("latent", b * c["latent_channels"] * s * n // 256).reshape(b, -1, s // 16, n // 16)
    mix = (uniform("mix", b) + 1) / 2

    g, d = generator_parameters(c), critic_parameters(c)
    out = {"config": c}
    logits = {mode: generator_logits(g, c, condition, latent, mode == "train") for mode in ("eval", "train")}
    for mode, x in logits.items():
        out[f"tracks_{mode}"] = digest(x.tanh())
    fake = logits["train"].tanh()
    out["scores_real"] = critic(d, c, real, condition).tolist()
    out["scores_fake"] = critic(d, c, fake, condition).tolist()

    mixed = mix[:, None, None, None] * real + (1 - mix[:, None, None, None]) * fake.detach()
    gp = penalty(d, c, mixed, condition)
    out["penalty"] = gp.item()
    out["penalty_gradients"] = gradients(d, gp)
    x = mixed.clone().requires_grad_(True)
    out["input_gradient"] = digest(torch.autograd.grad(critic(d, c, x, condition).sum(), x)[0])

    scores = lambda x: critic(d, c, x, condition).mean()
    loss = scores(fake.detach()) - scores(real) + 10 * penalty(d, c, mixed, condition)
    out["critic_loss"] = loss.item()
    out["critic_gradients"] = gradients(d, loss)

    adversarial = -scores(logits["train"].tanh())
    out["generator_loss"] = adversarial.item()
    bce = F.binary_cross_entropy_with_logits(
        2 * logits["train"], (real + 1) / 2, pos_weight=torch.tensor(c["positive_weight"])
    )
    out["reconstruction_loss"] = bce.item()
    out["generator_gradients"] = gradients(g, adversarial + 3 * bce)
    return out


COMMON = {"batch": 3, "steps": 32, "tracks": 4, "positive_weight": 2.5}
COMMON |= {"chords": False, "attribute_channels": 2}
plain = {"filters": 2, "latent_channels": 5, "pitches": 128, "attributes": 0, "genres": 0, "previous": False}
conditioned = {"filters": 3, "latent_channels": 2, "pitches": 32, "attributes": 7, "genres": 3, "previous": True}
chords = {**conditioned, "chords": True}
cases = [case({**COMMON, **c}) for c in (plain, conditioned, chords)]


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.9g}")
    if isinstance(x, dict):
        return {k: rounded(v) for k, v in x.items()}
    return [rounded(v) for v in x] if isinstance(x, list) else x


print(json.dumps(rounded(cases), separators=(",", ":")))
