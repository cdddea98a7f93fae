#!/usr/bin/env python3
"""Compares the notes that this crate reads with those that symusic reads.

    python benches/peers/compare_notes.py FOLDER --notes target/release/examples/notes
    python benches/peers/compare_notes.py FOLDER --dump target/release/examples/dump_notes

Every .mid and .midi file below FOLDER is read by both sides. Their notes are compared as multisets of
(program, is_drum, pitch, velocity, onset tick, duration ticks) in the file's own ticks. Each difference
is given a cause, which is checked against the file's events as mido reads them; what has no cause is
"unexplained", and then the exit status is 1.

--notes is the example that prints one file's notes as CSV, started once a file. --dump is the one that
takes paths on standard input and prints all files in one go, which is faster; both give the same table.
--peers adds what mido and pretty_midi make of each file (slow: meant for folders of broken files).
"""

import argparse
import concurrent.futures
import csv
import io
import json
import os
import re
import subprocess
import sys
import warnings
from collections import Counter, defaultdict

import mido
import symusic

HEADER = "track,channel,program,is_drum,pitch,velocity,onset_tick,duration_ticks,onset_s,duration_s"

# A system exclusive message, a delta time of one byte, and a data byte where a status should be.
SYSEX_THEN_DATA = re.compile(rb"\xf0[\x00-\x7f]+\xf7[\x00-\x7f][\x00-\x7f]")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    side = parser.add_mutually_exclusive_group(required=True)
    side.add_argument("--notes", metavar="BINARY", help="prints the notes of one file as CSV")
    side.add_argument("--dump", metavar="BINARY", help="prints the notes of the files named on standard input")
    parser.add_argument("--examples", type=int, default=3, help="files named for each cause")
    parser.add_argument("--peers", action="store_true", help="also read with mido and pretty_midi")
    parser.add_argument("--json", metavar="FILE", help="every difference, as JSON")
    args = parser.parse_args()

    files = midi_files(args.folder)
    if not files:
        sys.exit(f"no .mid file below {args.folder}")
    ours = from_dump(args.dump, files) if args.dump else from_notes(args.notes, files)

    folders = defaultdict(Counter)
    causes = defaultdict(list)
    for path in files:
        short = os.path.relpath(path, args.folder)
        folder = short.split(os.sep)[0] if os.sep in short else "."
        theirs = with_symusic(path)
        found = compare(path, ours[path], theirs)
        folders[folder]["files"] += 1
        folders[folder]["same" if not found else "differ"] += 1
        if isinstance(ours[path], Counter):
            folders[folder]["notes"] += ours[path].total()
        for cause, detail in found:
            causes[cause].append((short, detail))

    print_folders(folders)
    print_causes(causes, args.examples)
    if args.peers:
        print_peers(args.folder, files, ours)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({cause: found for cause, found in sorted(causes.items())}, out, indent=1)
    sys.exit(1 if any(cause.startswith("unexplained") for cause in causes) else 0)


def midi_files(folder):
    return sorted(
        os.path.join(directory, name)
        for directory, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith((".mid", ".midi"))
    )


# Reading. A side gives a Counter of notes, or a string that says why it refuses the file.


def from_dump(binary, files):
    run = subprocess.run([binary], input="\n".join(files) + "\n", capture_output=True, text=True, check=True)
    sides, notes = {}, None
    for line in run.stdout.splitlines():
        if line.startswith("> "):
            path = line[2:]
            notes = sides[path] = Counter()
        elif line.startswith("! "):
            sides[path] = line[2:]
        elif not line.startswith("#"):
            notes[tuple(map(int, line.split(",")))] += 1
    return sides


def from_notes(binary, files):
    def one(path):
        run = subprocess.run([binary, path], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            return path, (run.stderr.strip().splitlines() or ["no message"])[-1]
        if run.stdout.split("\n", 1)[0] != HEADER:
            sys.exit(f"{binary} prints another header than {HEADER}")
        rows = csv.DictReader(io.StringIO(run.stdout))
        return path, Counter(
            (
                int(row["program"]),
                int(row["is_drum"] in ("1", "true")),
                int(row["pitch"]),
                int(row["velocity"]),
                int(row["onset_tick"]),
                int(row["duration_ticks"]),
            )
            for row in rows
        )

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(one, files))


def with_symusic(path):
    try:
        score = symusic.Score(path)
    except Exception as error:  # noqa: BLE001 (symusic raises RuntimeError, ValueError and others)
        return str(error).splitlines()[0]
    notes = Counter()
    for track in score.tracks:
        columns = track.notes.numpy()
        rows = zip(*(columns[name].tolist() for name in ("pitch", "velocity", "time", "duration")))
        head = (track.program, int(track.is_drum))
        notes.update(head + row for row in rows)
    return notes


# Causes.


def compare(path, ours, theirs):
    """A list of (cause, detail); empty if both sides have the same notes."""
    if isinstance(ours, str) and isinstance(theirs, str):
        return [("both refuse", f"ours: {ours}; symusic: {theirs}")]
    if isinstance(ours, str):
        return [("unexplained: only we refuse", f"{ours}; symusic has {theirs.total()} notes")]
    if isinstance(theirs, str):
        return [(f"only symusic refuses: {kind_of_refusal(theirs)}", f"{ours.total()} notes; {theirs}")]
    if ours == theirs:
        return []

    counts = f"{ours.total()} notes, symusic {theirs.total()}"
    events = Events(path)
    found = []
    ours_left, theirs_left = ours - theirs, theirs - ours
    # Notes that differ in the program only. (A Counter, because equal notes may be there twice.)
    bare = sans_program(ours_left) & sans_program(theirs_left)
    if bare:
        if events.readable and all(events.is_program_elsewhere(key) for key in bare):
            found.append(("program set by another file track", f"{bare.total()} of {counts}"))
        else:
            found.append(("unexplained: programs differ", f"{bare.total()} of {counts}"))
    ours_left, theirs_left = sans_program(ours_left) - bare, sans_program(theirs_left) - bare
    if ours_left or theirs_left:
        found += note_causes(events, ours_left, theirs_left, ours, theirs, counts)
    return found


def note_causes(events, ours_left, theirs_left, ours, theirs, counts):
    detail = f"{counts}; {ours_left.total()} only here, {theirs_left.total()} only there"
    if not events.readable:
        if events.sysex_running_status and not theirs_left:
            return [("running status after a system exclusive message: symusic stops there, in silence", detail)]
        return [("unexplained: notes differ, mido refuses", f"{detail}; {events.error}")]
    detail += f"; {events.note_ons} note-ons"
    if not all(events.is_unbalanced(key) for key in [*ours_left, *theirs_left]):
        return [("unexplained: notes differ where note-ons and note-offs balance", detail)]
    # The rule as symusic has it, applied by hand, must give what symusic gives.
    if sans_program(theirs) != events.first_on_first_off():
        return [("unexplained: symusic does not pair first on, first off", detail)]
    if ours.total() != events.note_ons:
        return [("unexplained: not a note for each note-on", detail)]
    return [("note-ons without note-off", detail)]


def kind_of_refusal(message):
    for words in ("Unknown or unsupported status byte", "Invalid chunk length", "Division type", "Unexpected EOF"):
        if words in message:
            return words.lower()
    return message


def sans_program(notes):
    out = Counter()
    for (_, is_drum, *note), count in notes.items():
        out[(is_drum, *note)] += count
    return out


class Events:
    """The events of a file as mido reads them."""

    def __init__(self, path):
        self.lines = defaultdict(list)  # (track, channel, pitch) -> [(tick, velocity)], 0 for an off
        self.programs = defaultdict(set)  # channel -> file tracks with a program change for it
        self.note_ons = 0
        self.error = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._read(mido.MidiFile(path, clip=True))
        except Exception as error:  # noqa: BLE001 (mido raises OSError, KeyError, EOFError and others)
            self.error = f"mido: {type(error).__name__}: {error}"
        with open(path, "rb") as file:
            self.sysex_running_status = SYSEX_THEN_DATA.search(file.read()) is not None
        self._ons = defaultdict(set)
        for line, events in self.lines.items():
            for tick, velocity in events:
                if velocity:
                    self._ons[(int(line[1] == 9), line[2], velocity, tick)].add(line)

    def _read(self, file):
        for index, track in enumerate(file.tracks):
            now = 0
            for message in track:
                now += message.time
                if message.type == "program_change":
                    self.programs[message.channel].add(index)
                elif message.type in ("note_on", "note_off"):
                    velocity = message.velocity if message.type == "note_on" else 0
                    self.lines[(index, message.channel, message.note)].append((now, velocity))
                    self.note_ons += velocity > 0

    @property
    def readable(self):
        return self.error is None

    def lines_of(self, key):
        return self._ons.get(key[:4], ())

    def is_program_elsewhere(self, key):
        """Whether a file track plays this note without a program change of its own, and another has one."""
        return any(
            track not in self.programs[channel] and self.programs[channel]
            for track, channel, _ in self.lines_of(key)
        )

    def is_unbalanced(self, key):
        """Whether this note's key has note-ons left over when each note-off has taken one."""
        for line in self.lines_of(key):
            sounding = 0
            for _, velocity in self.lines[line]:
                sounding = sounding + 1 if velocity else max(sounding - 1, 0)
            if sounding:
                return True
        return False

    def first_on_first_off(self):
        """Notes paired first on, first off; note-ons that are left over are dropped."""
        notes = Counter()
        for (_, channel, pitch), events in self.lines.items():
            waiting = []
            for tick, velocity in events:
                if velocity:
                    waiting.append((tick, velocity))
                elif waiting:
                    start, velocity = waiting.pop(0)
                    notes[(int(channel == 9), pitch, velocity, start, tick - start)] += 1
        return notes


# Tables.


def print_folders(folders):
    print("| folder | files | same notes | differ | notes |\n|---|--:|--:|--:|--:|")
    total = Counter()
    for folder, row in sorted(folders.items()):
        total += row
        print(f"| {folder} | {row['files']} | {row['same']} | {row['differ']} | {row['notes']} |")
    print(f"| all | {total['files']} | {total['same']} | {total['differ']} | {total['notes']} |\n")


def print_causes(causes, examples):
    print("| cause | files | for example |\n|---|--:|---|")
    for cause, found in sorted(causes.items(), key=lambda item: -len(item[1])):
        some = "; ".join(f"{short} ({detail})" for short, detail in found[:examples])
        print(f"| {cause} | {len(found)} | {some} |")
    print()


def print_peers(folder, files, ours):
    print("| file | ours | symusic | mido note-ons | pretty_midi |\n|---|---|---|---|---|")
    for path in files:
        mine, theirs, events, pretty = ours[path], with_symusic(path), Events(path), with_pretty_midi(path)
        cells = [
            str(mine.total()) if isinstance(mine, Counter) else mine,
            str(theirs.total()) if isinstance(theirs, Counter) else theirs,
            str(events.note_ons) if events.readable else events.error,
            pretty,
        ]
        mark = "" if len(set(cells)) == 1 else " *"
        print(f"| {os.path.relpath(path, folder)}{mark} | {' | '.join(cells)} |")


def with_pretty_midi(path):
    import pretty_midi

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = pretty_midi.PrettyMIDI(path)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return str(sum(len(instrument.notes) for instrument in file.instruments))


if __name__ == "__main__":
    main()
