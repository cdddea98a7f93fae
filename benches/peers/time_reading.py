#!/usr/bin/env python3
"""Times reading MIDI files beside symusic.

    python benches/peers/time_reading.py FOLDER --throughput target/release/examples/throughput

For each folder in FOLDER, both sides read its files over and over, from memory and on one thread, in turn:
ours, theirs, ours, theirs. Printed are files a second and, of the ratio ours / symusic, the median over the
rounds and its range; in the end the ratio over all folders. Folders named by --skip are left out; symusic
refuses some of their files.
"""

import argparse
import os
import re
import statistics

import symusic

from common import midi_files, rate, run, spread


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--throughput", metavar="BINARY", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="a side, a folder and a round")
    parser.add_argument("--skip", nargs="*", default=["messy"])
    args = parser.parse_args()

    print("| folder | files | ours, files/s | symusic, files/s | ratio |\n|---|--:|--:|--:|--:|")
    # Seconds for all files once, by side and round.
    ours_all, theirs_all = [0.0] * args.rounds, [0.0] * args.rounds
    total = 0
    for name in sorted(os.listdir(args.folder)):
        folder = os.path.join(args.folder, name)
        files = midi_files(folder) if os.path.isdir(folder) and name not in args.skip else []
        if not files:
            continue
        ours, theirs = [], []
        contents = [read(path) for path in files]
        for i in range(args.rounds):
            ours.append(of_ours(args.throughput, folder, args.seconds, len(files)))
            theirs.append(of_symusic(contents, args.seconds))
            ours_all[i] += len(files) / ours[-1]
            theirs_all[i] += len(files) / theirs[-1]
        total += len(files)
        row(name, len(files), ours, theirs)
    row("all", total, [total / s for s in ours_all], [total / s for s in theirs_all])


def row(name, files, ours, theirs):
    ratios = [a / b for a, b in zip(ours, theirs)]
    print(
        f"| {name} | {files} | {statistics.median(ours):.0f} | {statistics.median(theirs):.0f} | {spread(ratios)} |",
        flush=True,
    )


def read(path):
    with open(path, "rb") as file:
        return file.read()


def of_ours(binary, folder, seconds, files):
    printed = run(binary, folder, "--seconds", str(seconds))
    count, per_second = re.search(r"(\d+) files, (\d+) files/s", printed).groups()
    assert int(count) == files, f"{folder}: {count} of {files} files read"
    return float(per_second)


def of_symusic(contents, seconds):
    def once():
        for content in contents:
            symusic.Score.from_midi(content)

    return rate(once, seconds) * len(contents)


if __name__ == "__main__":
    main()
