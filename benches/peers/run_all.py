#!/usr/bin/env python3
"""Times everything beside the peers, from one command.

    python benches/peers/run_all.py [--quick] [--only networks samplers …] [--corpora FOLDER]

Builds what is needed, times each network of ours and the peers' in turn (every side a process of its own that idles
while the others run; the outputs are compared first), then the programs that time training, samplers, reading and
tokenizers, and how cost grows with the work. Writes benches/runs/DATE-CPU.json and .md, and a picture a sweep below
benches/runs/growth. Run it on a machine that does nothing else; it takes about ten minutes, with --quick under three. Exit
status 1 if outputs do not agree or a program or a peer failed."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import machine
import table
from alternate import Side, alternate

ROOT = machine.ROOT
HERE = os.path.join(ROOT, "benches", "peers")
EXAMPLES = os.path.join("target", "release", "examples")
SHIPPED = os.path.join("deepcompose-models", "weights")

ALL = "every mode"
# name, title, kind, weights (None: drawn at the reference size), sequences, peers, peers with --quick
NETWORKS = [
    ("ar-cnn", "AR-CNN, reference size: one sampling iteration", "ar-cnn", None, 1, ALL, ["PyTorch eager", "PyTorch frozen"]),
    (
        "ar-cnn-shipped",
        "AR-CNN, shipped: one sampling iteration",
        "ar-cnn",
        "ar_cnn",
        1,
        ["PyTorch eager", "PyTorch frozen", "PyTorch compiled", "Keras predict", "TensorFlow function"],
        [],
    ),
    ("transformer", "Transformer, reference size: one token at context 512", "transformer", None, 1, ALL, ["PyTorch eager"]),
    (
        "transformer-8",
        "Transformer, reference size: one token for each of 8 sequences at context 512",
        "transformer",
        None,
        8,
        ["PyTorch eager", "PyTorch sdpa"],
        ["PyTorch eager"],
    ),
    (
        "transformer-shipped",
        "Transformer, shipped: one token at context 256",
        "transformer",
        "transformer",
        1,
        ["PyTorch eager", "PyTorch sdpa"],
        [],
    ),
    ("gan", "GAN, reference size: eight bars at once", "gan", None, 1, ALL, ["PyTorch eager", "PyTorch frozen"]),
    (
        "gan-shipped",
        "GAN, shipped: eight bars, two by two",
        "gan",
        "gan",
        1,
        ["PyTorch eager", "PyTorch frozen", "PyTorch compiled"],
        ["PyTorch eager"],
    ),
]
PEER_KINDS = {"ar-cnn": "ar-cnn", "transformer": "transformer-xl", "gan": "gan-generator"}
PROGRAMS = ("training", "samplers", "reading", "tokenizers", "growth")


def main():
    names = ["networks", *(network[0] for network in NETWORKS), *PROGRAMS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, peers and cases: a rehearsal")
    parser.add_argument("--only", nargs="+", choices=names, metavar="WHAT", help=", ".join(names))
    parser.add_argument("--corpora", help="a folder of folders of MIDI files, for reading and tokenizers")
    parser.add_argument("--rounds", type=int, help="default 5, with --quick 2")
    parser.add_argument("--seconds", type=float, help="a side and a round; default 0.5, with --quick 0.2")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", default=os.path.join(ROOT, "benches", "runs"), help="folder of the run's files")
    args = parser.parse_args()
    args.rounds = args.rounds or (2 if args.quick else 5)
    args.seconds = args.seconds or (0.2 if args.quick else 0.5)
    os.chdir(ROOT)

    def wanted(name, group=None):
        return not args.only or name in args.only or group in args.only

    start = time.time()
    run = {**machine.describe(), "threads": args.threads, "rounds": args.rounds, "networks": [], "programs": []}
    networks = [n for n in NETWORKS if wanted(n[0], "networks")]
    programs = [name for name in PROGRAMS if wanted(name)]
    build(networks, programs)
    with tempfile.TemporaryDirectory() as folder:
        for case in networks:
            peers = case[6] if args.quick else case[5]
            if peers:
                run["networks"].append(time_network(case, peers, folder, args))
    for name in programs:
        run["programs"] += time_program(name, args)
    run["took_seconds"] = round(time.time() - start)
    write(run, args.out)
    failed = [case["name"] for case in run["networks"] if not case["agree"]]
    sides = [(case["name"], side) for case in run["networks"] for side in case["sides"]]
    failed += [f"{name} ({side['name']})" for name, side in sides if "error" in side]
    failed += [program["title"] for program in run["programs"] if program["status"] != 0]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def build(networks, programs):
    cargo = ["cargo", "build", "--release"]
    if networks:
        subprocess.run([*cargo, "--example", "time_networks"], check=True)
    if "growth" in programs:
        subprocess.run([*cargo, "--example", "growth"], check=True)
    if "training" in programs and os.path.exists(os.path.join(HERE, "train_step.py")):
        subprocess.run([*cargo, "--example", "train_step"], check=True)
    if "samplers" in programs and os.path.exists(candle()):
        subprocess.run([*cargo, "--manifest-path", candle()], check=True)
    if {"reading", "tokenizers"} & set(programs):
        subprocess.run([*cargo, "-p", "deepcompose-midi", "--examples"], check=True)


def candle():
    return os.path.join(HERE, "candle", "Cargo.toml")


# The networks.


def time_network(case, peers, folder, args):
    name, title, kind, shipped, batch, _, _ = case
    ours = [os.path.join(EXAMPLES, "time_networks")]
    theirs = [sys.executable, os.path.join(HERE, "networks", "serve.py")]
    weights = os.path.join(SHIPPED, f"{shipped}.safetensors")
    if shipped is None:
        weights = os.path.join(folder, f"{kind}.safetensors")
        if not os.path.exists(weights):
            subprocess.run([*ours, "draw", kind, weights], check=True)
    if peers is ALL:
        peers = lines([*theirs, "modes", PEER_KINDS[kind]])

    def side(name, program, mode):
        command = [*program, "serve", weights, "--mode", mode, "--batch", str(batch)]
        return Side(name, command, args.threads)

    sides = [side(f"deepcompose {mode}", ours, mode) for mode in lines([*ours, "modes", kind])]
    sides += [side(mode, theirs, mode) for mode in peers]
    agree = alternate(sides, args.rounds, args.seconds)
    report = {"name": name, "title": title, "agree": agree, "sides": [side.report() for side in sides]}
    print(f"{title}\n\n{table.network(report)}", flush=True)
    return report


def lines(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


# Programs that time themselves and print a table.


def time_program(name, args):
    """Reports of the program's runs; none where it or what it needs is not there."""
    python = [sys.executable]
    rounds = ["--rounds", str(args.rounds)]
    if name == "training":
        script, example = os.path.join(HERE, "train_step.py"), os.path.join(EXAMPLES, "train_step")
        command = [*python, script, "{}", "--binary", example, "--rounds", str(min(args.rounds, 3)), "--threads", str(args.threads)]
        parts = [("training step, AR-CNN", "ar-cnn"), ("training step, Transformer", "transformer")]
        if not os.path.exists(script):
            return absent(name, script)
        return [time_one(title, [part.format(which) for part in command]) for title, which in parts]
    if name == "samplers":
        if not os.path.exists(candle()):
            return absent(name, candle())
        return [time_one("samplers beside candle", ["cargo", "run", "-q", "--release", "--manifest-path", candle()])]
    if name == "growth":
        command = [os.path.join(EXAMPLES, "growth"), "--out", os.path.relpath(os.path.join(args.out, "growth"))]
        return [time_one("growth", command + (["--quick"] if args.quick else []))]
    if not args.corpora:
        return absent(name, "--corpora")
    seconds, few = ("0.1", "20") if args.quick else ("0.25", "60")
    if name == "reading":
        binary = ["--throughput", os.path.join(EXAMPLES, "throughput"), "--seconds", seconds]
        command = [*python, os.path.join(HERE, "time_reading.py"), args.corpora, *binary, *rounds]
        return [time_one("reading MIDI files", command)]
    binary = ["--binary", os.path.join(EXAMPLES, "tokenize_throughput"), "--seconds", seconds, "--files", few]
    command = [*python, os.path.join(HERE, "time_tokenizers.py"), args.corpora, *binary, *rounds]
    return [time_one("tokenizers", command)]


def absent(name, what):
    print(f"{name}: left out, no {os.path.relpath(what, ROOT) if os.sep in what else what}", flush=True)
    return []


def time_one(title, command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    # Paths of this machine are nobody's business.
    shown = " ".join(os.path.relpath(part, ROOT) if part.startswith(ROOT) else part for part in command)
    shown = re.sub(r"^\S*python\S*", "python", re.sub(r"(?<= )/\S+", "CORPORA", shown))
    print(f"{title}\n\n{done.stdout}", flush=True)
    return {"title": title, "command": shown, "status": done.returncode, "output": done.stdout}


def write(run, folder):
    os.makedirs(folder, exist_ok=True)
    cpu = re.sub(r"[^a-z0-9]+", "-", run["machine"]["cpu"].lower()).strip("-")
    path = os.path.join(folder, f"{run['date']}-{cpu}-{run['machine']['cores']}-cores")
    with open(path + ".json", "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1)
        file.write("\n")
    with open(path + ".md", "w", encoding="utf-8") as file:
        file.write(table.whole(run))
    print(f"{path}.json, {path}.md: {run['took_seconds']} s")


if __name__ == "__main__":
    main()
