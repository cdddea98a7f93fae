#!/usr/bin/env python3
"""Where the time of each network goes.

    cargo build --release --example time_networks
    python benches/profile.py flame [--only ar-cnn …] [--mode MODE …]          needs perf
    python benches/profile.py instructions [--only ar-cnn …] [--mode MODE …]   needs valgrind

`flame` samples each network at the reference size while it iterates, on all cores: the functions at the top by their
own share, as a table, and a flame graph, benches/runs/profile/NETWORK-MODE.svg. Frames that were inlined are part of the one
around them. `instructions` counts those of one iteration of the shipped networks under callgrind, on one thread, and the
functions that have them; valgrind knows no AVX-512, so it is the AVX2 kernels that are counted. Both write what they print to
benches/runs/profile/ too.
"""

import argparse
import html
import os
import re
import subprocess
import tempfile
import zlib
from collections import Counter

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.join("target", "release", "examples", "time_networks")
SHIPPED = {name: f"deepcompose-models/weights/{name.replace('-', '_')}.safetensors" for name in ("ar-cnn", "transformer", "gan")}
# From here on down, frames are the same for everything.
ROOTS = re.compile(r"time_networks::timed|rayon_core::registry::(ThreadBuilder::run|WorkerThread::wait_until)")

NETWORKS = re.compile(r"^<?(deepcompose|burn|time_networks)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["flame", "instructions"])
    parser.add_argument("--only", nargs="+", choices=SHIPPED, default=list(SHIPPED))
    parser.add_argument("--mode", nargs="+", help="as `time_networks modes` prints them; all of them if not given")
    parser.add_argument("--seconds", type=float, default=4.0, help="of sampling")
    parser.add_argument("--hertz", type=int, default=499, help="samples a second")
    parser.add_argument("--top", type=int, default=20, help="how many functions")
    parser.add_argument("--out", default=os.path.join(ROOT, "benches", "runs", "profile"))
    args = parser.parse_args()
    os.chdir(ROOT)
    os.makedirs(args.out, exist_ok=True)
    work = flame if args.what == "flame" else instructions
    printed = []
    with tempfile.TemporaryDirectory() as folder:
        for network in args.only:
            modes = subprocess.run([BINARY, "modes", network], capture_output=True, text=True, check=True).stdout.splitlines()
            for mode in args.mode or modes:
                if mode in modes:
                    printed.append(work(network, mode, folder, args))
                    print(printed[-1], flush=True)
    with open(os.path.join(args.out, f"{args.what}.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(printed))


# perf.


def flame(network, mode, folder, args):
    weights = os.path.join(folder, f"{network}.safetensors")
    if not os.path.exists(weights):
        subprocess.run([BINARY, "draw", network, weights], check=True)
    data = os.path.join(folder, "perf.data")
    server = subprocess.Popen(
        [BINARY, "serve", weights, "--mode", mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    server.stdout.readline()
    # Stacks by way of the unwinding tables: the build keeps no frame pointers.
    record = ["perf", "record", "-q", "-F", str(args.hertz), "--call-graph", "dwarf,16384", "-o", data]
    recorder = subprocess.Popen([*record, "-p", str(server.pid)], stderr=subprocess.DEVNULL)
    server.stdin.write(f"run {args.seconds}\n")
    server.stdout.readline()
    server.stdin.close()
    server.wait()
    recorder.wait()
    stacks = fold(subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym"], capture_output=True, text=True, check=True).stdout)
    svg = os.path.join(args.out, f"{network}-{mode}.svg".replace(" ", "-"))
    with open(svg, "w", encoding="utf-8") as file:
        file.write(draw(stacks, f"{network}, {mode}"))
    own, total = Counter(), sum(stacks.values())
    for stack, count in stacks.items():
        own[stack[-1]] += count
    rows = [(f"{100 * count / total:.1f} %", name) for name, count in own.most_common(args.top)]
    return heading(f"{network}, {mode}: {total} samples", rows, "own share")


def fold(script):
    """perf's stacks, from the outermost frame in, each with how often it was seen."""
    stacks = Counter()
    for sample in script.split("\n\n"):
        frames = [line.split(None, 1)[1] for line in sample.splitlines() if len(line.split(None, 1)) == 2]
        names = named(list(reversed(frames)))
        begin = max((i for i, frame in enumerate(reversed(frames)) if ROOTS.search(frame)), default=0)
        if names:
            stacks[tuple(names[begin:])] += 1
    return stacks


def named(frames):
    """The frames' names. What vectorises, maps or walks for others has the name of the nearest frame of a network too."""
    names, nearest = [], ""
    for frame in frames:
        name = short(frame)
        if NETWORKS.search(frame):
            nearest = name
        elif nearest:
            name = f"{name}, for {nearest}"
        names.append(name)
    return names


def short(name):
    """A function's name without hashes, arguments of types, and the path of crates."""
    name = re.sub(r"(::h[0-9a-f]{16})?(\+0x[0-9a-f]+)?$", "", name.strip())
    while (shorter := re.sub(r"<[^<>]*>", "", name)) != name:
        name = shorter
    name = re.sub(r"(::)+", "::", name.replace("{{closure}}", "closure")).strip(":")
    return "::".join(name.split("::")[-4:]) or "?"


WIDTH, ROW = 1200.0, 17


def draw(stacks, title):
    tree = {"count": 0, "parts": {}}
    for stack, count in sorted(stacks.items()):
        node = tree
        node["count"] += count
        for name in stack[:60]:
            node = node["parts"].setdefault(name, {"count": 0, "parts": {}})
            node["count"] += count
    boxes = []
    place(tree, 0.0, 0, WIDTH / max(tree["count"], 1), tree["count"], boxes)
    height = ROW * (2 + max((level for _, _, level, _, _ in boxes), default=0)) + 30
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="100%" fill="white"/><text x="6" y="18" font-size="14">{html.escape(title)}</text>',
    ]
    for x, width, level, name, share in boxes:
        y, hue = height - ROW * (level + 1) - 4, 15 + zlib.crc32(name.encode()) % 35
        label = html.escape(name[: int(width / 6.2)]) if width > 30 else ""
        out.append(
            f'<g><title>{html.escape(name)}: {share:.1%}</title>'
            f'<rect x="{x:.1f}" y="{y}" width="{max(width - 0.3, 0.2):.1f}" height="{ROW - 1}" fill="hsl({hue},80%,68%)"/>'
            f'<text x="{x + 3:.1f}" y="{y + 12}">{label}</text></g>'
        )
    return "\n".join([*out, "</svg>\n"])


def place(node, x, level, scale, total, boxes):
    """Boxes of the parts of a node, side by side, those that could not be seen left out."""
    for name, part in node["parts"].items():
        width = part["count"] * scale
        if width >= 1.5:
            boxes.append((x, width, level, name, part["count"] / total))
            place(part, x, level + 1, scale, total, boxes)
        x += width


# callgrind.


def instructions(network, mode, folder, args):
    # The difference of two runs, so that loading and preparing are not in it.
    once, thrice = (count(network, mode, iterations, folder) for iterations in (1, 3))
    each = Counter({name: (own - once[name]) / 2 for name, own in thrice.items()})
    total = sum(each.values())
    rows = [(f"{100 * own / total:.1f} %", name) for name, own in each.most_common(args.top) if own > 0]
    return heading(f"{network}, {mode}: {total / 1e6:.2f} million instructions an iteration", rows, "own share")


def count(network, mode, iterations, folder):
    """Instructions of a whole run by function."""
    out = os.path.join(folder, "callgrind.out")
    # What vectorises for others is told apart by who calls it.
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--separate-callers2=*vectorize*"]
    command = [*valgrind, BINARY, "serve", SHIPPED[network], "--mode", mode]
    subprocess.run(
        command,
        input=f"repeat {iterations}\n",
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ, RAYON_NUM_THREADS="1"),
    )
    annotate = ["callgrind_annotate", "--threshold=100", "--auto=no", out]
    listing = subprocess.run(annotate, capture_output=True, text=True, check=True).stdout
    found = Counter()
    for own, name in re.findall(r"^\s*([\d,]+) \([^)]*\)\s+\S*?:(.+?)(?: \[.*\])?$", listing, re.MULTILINE):
        parts = [short(part) for part in name.split("'") if not part.isdigit()]
        found[", for ".join(parts)] += int(own.replace(",", ""))
    return found


def heading(title, rows, share):
    lines = [f"### {title}", "", f"| {share} | function |", "|--:|---|"]
    return "\n".join([*lines, *(f"| {part} | `{name}` |" for part, name in rows), ""])


if __name__ == "__main__":
    main()
