#!/usr/bin/env python3
"""Times encoding beside MidiTok, and compares the token ids.

    python benches/peers/time_tokenizers.py FOLDER --binary target/release/examples/tokenize_throughput

The same files, a sample of those below FOLDER, and the same configuration on both sides: MidiTok writes it, ours
reads it. Both sides encode scores that are in memory, on one thread, in turn. Printed are tokens a second and, of
the ratio ours / MidiTok, the median over the rounds and its range; and how many files have the same ids.
"""

import argparse
import os
import statistics
import tempfile

import miditok
import symusic

from common import fields, midi_files, rate, run, some, spread


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--files", type=int, default=200, help="how many files, evenly spread")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="a side and a round")
    parser.add_argument("--skip", nargs="*", default=["messy"])
    args = parser.parse_args()

    files = [f for f in midi_files(args.folder) if not set(f.split(os.sep)) & set(args.skip)]
    files = some(files, args.files)
    scores = [symusic.Score(path) for path in files]
    print("| tokenizer | files | same ids | ours, tokens/s | MidiTok, tokens/s | ratio |\n|---|--:|--:|--:|--:|--:|")
    for name in ("REMI", "TSD", "MIDILike"):
        tokenizer = getattr(miditok, name)(configuration())
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "tokenizer.json")
            tokenizer.save(config)
            time_one(name, tokenizer, config, files, scores, args)


def configuration():
    return miditok.TokenizerConfig(use_programs=True, use_tempos=True, use_time_signatures=True, use_rests=True)


def time_one(name, tokenizer, config, files, scores, args):
    ids = [encode(tokenizer, score) for score in scores]
    ours = run(args.binary, config, "--ids", lines=files).splitlines()
    same = sum(a == [int(i) for i in b.split()] for a, b in zip(ids, ours))
    tokens = sum(map(len, ids))

    def once():
        for score in scores:
            tokenizer.encode(score)

    our_rates, their_rates = [], []
    for _ in range(args.rounds):
        line = run(args.binary, config, "--seconds", str(args.seconds), lines=files)
        our_rates.append(fields(line)["tokens_per_second"])
        their_rates.append(rate(once, args.seconds) * tokens)
    ratios = [a / b for a, b in zip(our_rates, their_rates)]
    print(
        f"| {name} | {len(files)} | {same} | {statistics.median(our_rates):.0f} | "
        f"{statistics.median(their_rates):.0f} | {spread(ratios)} |",
        flush=True,
    )


def encode(tokenizer, score):
    sequences = tokenizer.encode(score)
    sequences = sequences if isinstance(sequences, list) else [sequences]
    return [token for sequence in sequences for token in sequence.ids]


if __name__ == "__main__":
    main()
