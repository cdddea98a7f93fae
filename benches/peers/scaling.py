#!/usr/bin/env python3
"""How corpus preparation scales over threads, and how much memory reading takes.

    python benches/peers/scaling.py FOLDER --tokenize target/release/examples/tokenize_throughput \\
        --dump target/release/examples/dump_notes

Threads: the files below FOLDER are read and tokenized (REMI) by 1, 2, … threads, in turn, some rounds; printed are
files a second and the ratio to one thread. Memory: the largest files, and files of up to a million notes made
here, are read one a process; printed is the largest resident set of the process less that of one that reads
nothing, by file size.
"""

import argparse
import os
import statistics
import tempfile

import miditok

from common import fields, midi_files, run, spread


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--tokenize", metavar="BINARY", required=True)
    parser.add_argument("--dump", metavar="BINARY", required=True)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--largest", type=int, default=5, help="how many of the largest files")
    args = parser.parse_args()
    files = midi_files(args.folder)
    with tempfile.TemporaryDirectory() as folder:
        threads(args, files, folder)
        memory(args, files, folder)


def threads(args, files, folder):
    config = os.path.join(folder, "tokenizer.json")
    miditok.REMI(miditok.TokenizerConfig(use_programs=True)).save(config)
    rates = {count: [] for count in args.threads}
    for _ in range(args.rounds):
        for count in args.threads:
            line = run(args.tokenize, config, "--from-files", "--seconds", "0", "--threads", str(count), lines=files)
            rates[count].append(fields(line)["files_per_second"])
    print("| threads | files | files/s | times one thread |\n|--:|--:|--:|--:|")
    first = rates[args.threads[0]]
    for count in args.threads:
        ratios = [a / b for a, b in zip(rates[count], first)]
        print(f"| {count} | {len(files)} | {statistics.median(rates[count]):.0f} | {spread(ratios)} |")
    print()


def memory(args, files, folder):
    largest = sorted(files, key=os.path.getsize)[-args.largest :]
    made = [make(folder, notes) for notes in (10_000, 100_000, 1_000_000)]
    nothing = peak(args.dump, None)
    print("| file | bytes | peak RSS, bytes | times the file |\n|---|--:|--:|--:|")
    for path in largest + made:
        size = os.path.getsize(path)
        used = peak(args.dump, path) - nothing
        print(f"| {os.path.basename(path)} | {size} | {used} | {used / size:.1f} |")


def peak(binary, path):
    """The largest resident set, in bytes, of a process that reads one file, or none."""
    printed = run(binary, "--peak", lines=[path] if path else [])
    assert "\n! " not in printed, f"{path} is refused"
    return int(printed.splitlines()[-1].removeprefix("# peak "))


def make(folder, notes):
    """A type 0 file of so many notes, eight bytes each."""
    body = bytearray()
    for i in range(notes):
        pitch = 36 + i * 7 % 48
        body += bytes((i % 3, 0x90, pitch, 80, 1 + i % 100, 0x80, pitch, 64))
    body += b"\0\xff\x2f\0"
    path = os.path.join(folder, f"{notes} notes.mid")
    with open(path, "wb") as file:
        file.write(b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk" + len(body).to_bytes(4, "big") + body)
    return path


if __name__ == "__main__":
    main()
