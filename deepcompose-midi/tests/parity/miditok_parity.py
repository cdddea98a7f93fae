"""Makes miditok_parity.json: MIDI files, configurations, and what MidiTok makes of them.

    pip install miditok==3.1.0 symusic==0.6.0
    python miditok_parity.py                       # writes miditok_parity.json beside this file
    python miditok_parity.py --corpus DIR N [--sorted] > corpus.tsv
                                                   # N files of each folder by some configurations
    DEEPCOMPOSE_MIDITOK=corpus.tsv cargo test -p deepcompose-midi --test miditok -- --nocapture

The MIDI files are written here, byte by byte, from a seed. Each is tokenized by a tokenizer that was
loaded from the configuration file that MidiTok saved, so that both sides begin with the same text.
"""

import base64
import json
import random
import struct
import sys
import tempfile
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import miditok  # noqa: E402
from miditok import TokenizerConfig  # noqa: E402
from symusic import Score  # noqa: E402

FILES = 150
FULL = 2  # files whose ids are kept as they are
CORRUPTED = 3  # corrupted sequences a configuration


# --- MIDI files ---------------------------------------------------------------------------------


def variable_length(n):
    out = [n & 127]
    while n := n >> 7:
        out.insert(0, n & 127 | 128)
    return bytes(out)


def chunk(events):
    out, now = b"", 0
    for tick, _, data in sorted(events, key=lambda e: (e[0], e[1])):
        out += variable_length(tick - now) + data
        now = tick
    out += b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(out)) + out


def meta(kind, data):
    return bytes([0xFF, kind, len(data)]) + data


def conductor(r, tpq, length):
    """Tempos, time signatures and key signatures; no two equal ones in a row."""
    events = []
    last = 500_000
    for tick in [0] * r.randint(0, 1) + sorted(r.sample(range(length), r.randint(0, 5))):
        micros = r.choice([300_000, 400_000, 461_538, 500_000, 521_739, 666_667, 1_000_000, r.randint(230_000, 1_600_000)])
        if not events and tick > 0:
            # A score does not tell a missing tempo from 120, so this one should be in no bin with it.
            micros = 300_000
        if micros != last:
            events.append((tick, 0, meta(0x51, micros.to_bytes(3, "big"))))
        last = micros
    signature = (4, 4)
    for tick in [0] * r.randint(0, 1) + sorted(r.sample(range(length), r.choice([0, 0, 1, 2, 4]))):
        if r.random() < 0.6:
            # On a beat, as a rule.
            tick = tick // tpq * tpq
        new = r.choice([(4, 2), (3, 2), (6, 3), (2, 2), (5, 2), (12, 3), (6, 2), (3, 3), (7, 3), (2, 1), (5, 4)])
        if new != signature and not any(t == tick and d[1] == 0x58 for t, _, d in events):
            events.append((tick, 0, meta(0x58, bytes([new[0], new[1], 24, 8]))))
        signature = new
    key = None
    for tick in sorted(r.sample(range(length), r.choice([0, 0, 1, 3]))):
        new = (r.randint(-7, 7), r.randint(0, 1))
        if new != key:
            events.append((tick, 0, meta(0x59, struct.pack(">bB", *new))))
        key = new
    return events


def pitches(r, low, high):
    root = r.randint(low, high)
    shape = r.choice([(0,), (0,), (0,), (0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 5, 9), (0, 2, 3, 5), (0, 4, 7, 10, 14), (0, 1)])
    return [root + s for s in shape if root + s < 128]


def notes(r, tpq, length, channel, low, high):
    """One part. A key is struck again only once it has been released, but for some that overlap."""
    events, busy = [], {}
    now = r.choice([0, 0, tpq, r.randint(0, 4 * tpq)])
    style = r.random()
    while now < length:
        grid = max(1, tpq // r.choice([1, 2, 2, 4, 4, 3, 8, 6]))
        for pitch in pitches(r, low, high):
            duration = r.choice([grid, grid, 2 * grid, max(1, grid // 2), r.randint(1, 3 * tpq)])
            if r.random() < 0.01:
                duration = r.choice([14 * tpq, 20 * tpq])
            if r.random() < 0.01:
                duration = 0
            start = now + (r.randint(0, max(1, tpq // 16)) if style < 0.3 else 0)
            if busy.get(pitch, -1) >= start and r.random() < 0.9:
                continue
            if busy.get(pitch, -1) > start + duration or any(
                t == start and d[0] >> 4 == 9 and d[1] == pitch for t, _, d in events
            ):
                continue
            busy[pitch] = max(busy.get(pitch, -1), start + duration)
            # Note-ons of one tick stand in the order of a score: by pitch, then by duration.
            events.append((start, 3 + pitch, bytes([0x90 | channel, pitch, r.randint(1, 127)])))
            events.append((start + duration, 2 if duration else 200, bytes([0x80 | channel, pitch, 0])))
        now += r.choice([0, grid, grid, grid, 2 * grid, tpq])
        if r.random() < 0.03:
            now += r.choice([3 * tpq, 9 * tpq, 26 * tpq + 1])
    # The same key twice at once, with lengths that differ.
    if events and r.random() < 0.4:
        tick = length + tpq
        for extra in range(r.randint(2, 3)):
            events.append((tick, 3 + low, bytes([0x90 | channel, low + 5, 40 + 9 * extra])))
            events.append((tick + (extra + 1) * tpq, 2, bytes([0x80 | channel, low + 5, 0])))
    return events


def controls(r, tpq, length):
    """On channel 1. Each begins after the first note has ended, so that it belongs to the track."""
    events = []
    if r.random() < 0.5:
        # Pressed and lifted in turn; symusic loses nothing of that on the first channel.
        now = r.randint(0, 2 * tpq)
        while now < length:
            events.append((now, 1, bytes([0xB0, 64, r.randint(64, 127)])))
            now += r.choice([tpq // 2 + 1, tpq, 2 * tpq, r.randint(1, 5 * tpq)])
            events.append((now, 1, bytes([0xB0, 64, r.randint(0, 63)])))
            now += r.choice([0, 1, tpq, 4 * tpq])
    if r.random() < 0.5:
        for _ in range(r.randint(1, 12)):
            tick, bend = r.choice([r.randrange(length), r.randrange(length) // tpq * tpq]), r.randint(0, 16383)
            events.append((tick, 1, bytes([0xE0, bend & 127, bend >> 7])))
    if r.random() < 0.5:
        for _ in range(r.randint(1, 12)):
            number = r.choice([1, 7, 7, 10, 11, 64, 65, 69, 91, 98, 3])
            if number == 64:
                continue
            events += [(r.randrange(length), 1, bytes([0xB0, number, r.randint(0, 127)]))] * r.choice([1, 1, 2])
    return events


def midi_file(seed):
    r = random.Random(seed)
    tpq = r.choice([480, 480, 96, 120, 220, 384, 960, 1024, 7, 33, 8, 16, 32, 1000, 24])
    length = r.choice([4, 8, 8, 16]) * 4 * tpq // r.choice([1, 2])
    tracks = [conductor(r, tpq, length)]
    for _ in range(r.choice([1, 1, 2, 3, 4, 5])):
        drums = r.random() < 0.2
        channel = 9 if drums else 0
        program = r.choice([0, 0, 0, 24, 33, 48, 56, r.randint(0, 127)])
        low, high = r.choice([(30, 60), (48, 84), (60, 100), (0, 127), (15, 30)])
        if drums:
            low, high = r.choice([(35, 59), (20, 95)])
        part = [(0, 0, bytes([0xC0 | channel, program]))] if not drums else []
        if r.random() < 0.93:
            part += notes(r, tpq, length, channel, low, high)
        if not drums and len(part) > 1:
            part += controls(r, tpq, length)
        tracks.append(part)
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), tpq) + b"".join(map(chunk, tracks))


# --- Configurations -----------------------------------------------------------------------------

MANY_SIGNATURES = {8: [3, 12, 6, 7], 4: [5, 6, 3, 2, 1, 4], 2: [2], 16: [5]}
ALL = dict(
    use_programs=True,
    use_tempos=True,
    use_time_signatures=True,
    use_key_signatures=True,
    use_sustain_pedals=True,
    use_pitch_bends=True,
    use_chords=True,
    use_rests=True,
    time_signature_range=MANY_SIGNATURES,
)
NO_LENGTHS = dict(use_note_duration_programs=[p for p in range(-1, 128) if p not in (0, -1)])

OPTIONS = {
    "default": {},
    "plain": dict(use_time_signatures=False, use_pitchdrum_tokens=False),
    "plus": dict(use_programs=True, use_tempos=True, time_signature_range=MANY_SIGNATURES),
    "all": ALL,
    "all, programs where they change": ALL | dict(program_changes=True, use_control_changes=False),
    "all, a sequence a track": ALL | dict(one_token_stream_for_programs=False),
    "a sequence a track, programs first": dict(
        use_programs=True, one_token_stream_for_programs=False, program_changes=True, use_rests=True, use_tempos=True
    ),
    "pedals with lengths": dict(use_sustain_pedals=True, sustain_pedal_duration=True, use_rests=True, use_chords=True),
    "pedals with lengths, programs": ALL | dict(sustain_pedal_duration=True, chord_tokens_with_root_note=True, chord_unknown=(3, 6)),
    "pedals, no programs": dict(use_sustain_pedals=True, use_pitch_bends=True, pitch_bend_range=(-4096, 4095, 9)),
    "controls": dict(use_control_changes=True, use_pitch_bends=True, use_programs=True, time_signature_range=MANY_SIGNATURES),
    "controls, few": dict(use_control_changes=True, control_change_numbers=[7, 10, 64, 65], control_change_n_bins=7, use_rests=True),
    "intervals": dict(use_pitch_intervals=True, max_pitch_interval=12, pitch_intervals_max_time_dist=2),
    "intervals, programs": dict(use_pitch_intervals=True, use_programs=True, pitch_intervals_max_time_dist=0.5, use_chords=True, time_signature_range=MANY_SIGNATURES),
    "no velocities": dict(use_velocities=False, use_programs=True, use_rests=True, use_tempos=True),
    "no lengths": NO_LENGTHS | dict(use_programs=True, default_note_duration=0.25),
    "no lengths, no velocities": dict(use_note_duration_programs=[], use_velocities=False, use_pitchdrum_tokens=False),
    "coarse": dict(
        beat_res={(0, 1): 4, (1, 2): 2, (2, 16): 1}, beat_res_rest={(0, 2): 2, (2, 8): 1}, use_rests=True, num_velocities=5,
        pitch_range=(40, 80), drums_pitch_range=(42, 60),
    ),
    "fine": dict(beat_res={(0, 2): 24, (2, 8): 12}, use_tempos=True, num_tempos=9, tempo_range=(50, 200), log_tempos=True, num_velocities=127),
    "thirds": dict(beat_res={(0, 4): 12, (4, 8): 5}, use_rests=True, beat_res_rest={(0, 1): 3, (1, 10): 2}, time_signature_range=MANY_SIGNATURES),
    "each note once": dict(
        remove_duplicated_notes=True, use_programs=True, use_tempos=True, delete_equal_successive_tempo_changes=True,
        delete_equal_successive_time_sig_changes=True, use_key_signatures=True, program_changes=True,
    ),
    "some programs": dict(use_programs=True, programs=[-1, 0, 6, 24, 33, 62], use_sustain_pedals=True, special_tokens=["PAD", "BOS", "EOS", "Some_Thing", "A_B_C"]),
}
REMI_ONLY = {
    "bar ends": dict(use_bar_end_tokens=True, use_rests=True, use_programs=True, program_changes=True),
    "trailing bars": dict(add_trailing_bars=True, use_tempos=True),
    "bars with numbers": dict(max_bar_embedding=400),
}


def configurations():
    with tempfile.TemporaryDirectory() as folder:
        for kind in ["REMI", "TSD", "MIDILike", "Structured"]:
            options = OPTIONS | (REMI_ONLY if kind == "REMI" else {})
            if kind == "Structured":
                # It has few options.
                options = {name: options[name] for name in ["default", "plus", "coarse", "no lengths, no velocities", "all, a sequence a track"]}
            for name, given in options.items():
                path = Path(folder) / "tokenizer.json"
                getattr(miditok, kind)(TokenizerConfig(**given)).save(path)
                yield f"{kind}: {name}", path.read_text(), getattr(miditok, kind)(params=path)


# --- What MidiTok makes of them -----------------------------------------------------------------


def fnv(values):
    """FNV-1a, 64 bits, of little-endian 32-bit numbers."""
    h = 0xCBF29CE484222325
    for value in values:
        for byte in struct.pack("<I", value & 0xFFFFFFFF):
            h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def sequences(tokenizer, score):
    out = tokenizer.encode(score)
    return [s.ids for s in out] if isinstance(out, list) else [out.ids]


def flat(ids):
    """Sequences one after the other, each after its length."""
    return [n for seq in ids for n in [len(seq), *seq]]


def decoded(tokenizer, ids):
    """What a decoded score holds, as numbers."""
    score = tokenizer.decode(ids if not tokenizer.one_token_stream else ids[0])
    out = [score.ticks_per_quarter]
    for changes in (
        [(t.time, t.mspq) for t in score.tempos],
        [(s.time, s.numerator, s.denominator) for s in score.time_signatures],
        [(k.time, k.key + 7, k.tonality) for k in score.key_signatures],
    ):
        # As a score has them: the last of each tick, and nothing that is already in force.
        last = None
        for change in {change[0]: change for change in changes}.values():
            if change[1:] != last:
                out += change
            last = change[1:]
    for track in score.tracks:
        out += [128 if track.is_drum else track.program]
        notes = sorted((n.time, n.pitch, n.duration, n.velocity) for n in track.notes)
        out += [n for note in notes for n in note]
        out += [n for b in track.pitch_bends for n in (b.time, b.value)]
        out += [n for c in track.controls for n in (c.time, c.number, c.value)]
    return out


def corrupted(r, tokenizer, ids):
    """Some ids, changed here and there, and how many errors MidiTok counts."""
    ids = list(ids[: r.randint(20, 120)])
    music = [i for t, i in tokenizer.vocab.items() if not t.split("_")[0] in ("PAD", "BOS", "EOS", "MASK", "Some", "A-B")]
    for _ in range(r.randint(0, 12)):
        at = r.randrange(len(ids))
        match r.randint(0, 3):
            case 0:
                ids[at] = r.choice(music)
            case 1:
                ids.insert(at, ids[at])
            case 2:
                del ids[at]
            case 3:
                ids[at] = r.choice(ids)
    return ids


def errors(tokenizer, ids):
    try:
        return tokenizer._tokens_errors(tokenizer._ids_to_tokens(ids))
    except KeyError:
        # A pitch or a program that MidiTok has no place for.
        return None


def graph(tokenizer):
    return {k: sorted(t for t in v if not t.endswith("_None")) for k, v in sorted(tokenizer.tokens_types_graph.items())}


def main():
    files = [midi_file(seed) for seed in range(FILES)]
    out = {"files": [base64.b64encode(data).decode() for data in files], "configurations": []}
    skipped = 0
    for number, (name, text, tokenizer) in enumerate(configurations()):
        entry = {"name": name, "file": json.dumps(json.loads(text), separators=(",", ":"))}
        entry["vocabulary"] = [len(tokenizer.vocab), f"{fnv(map(ord, chr(10).join(tokenizer.vocab))):016x}"]
        entry["graph"] = graph(tokenizer)
        entry.update(ids=[], decoded=[], full={}, corrupted=[])
        r = random.Random(number)
        for at, data in enumerate(files):
            try:
                # Read anew each time: MidiTok moves the time signatures of the score that it is given.
                ids = sequences(tokenizer, Score.from_midi(data))
            except (KeyError, IndexError):
                # MidiTok lacks the token.
                entry["ids"].append(None)
                entry["decoded"].append(None)
                skipped += 1
                continue
            entry["ids"].append(f"{fnv(flat(ids)):016x}")
            try:
                entry["decoded"].append(f"{fnv(decoded(tokenizer, ids)):016x}")
            except Exception:  # noqa: BLE001: it fails in many ways on empty sequences
                entry["decoded"].append(None)
            if at % 40 == number % 40 and len(entry["full"]) < FULL and sum(map(len, ids)) < 600:
                entry["full"][at] = ids
            longest = max(ids, key=len)
            if len(entry["corrupted"]) < CORRUPTED and len(longest) > 60 and r.random() < 0.1:
                changed = corrupted(r, tokenizer, longest)
                count = errors(tokenizer, changed)
                if count is not None:
                    entry["corrupted"].append([changed, count])
        out["configurations"].append(entry)
        print(name, sum(i is None for i in entry["ids"]), "not done by MidiTok,", sum(i is None for i in entry["decoded"]), "not decoded", [c for _, c in entry["corrupted"]])
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes, {skipped} cases that MidiTok fails on")


IN_CORPORA = {
    "REMI: default", "REMI: plus", "REMI: all", "REMI: all, a sequence a track", "REMI: controls", "TSD: plus",
    "TSD: all, programs where they change", "MIDILike: all", "MIDILike: each note once", "Structured: plus",
}


def corpus(folder, most, is_sorted):
    """One line a file and configuration: the configuration's number, the hash of the ids, the path.

    Sorted, notes of one onset are in the order of a score, whatever their order in the file.
    """
    tokenizers = [(n, tokenizer) for n, (name, _, tokenizer) in enumerate(configurations()) if name in IN_CORPORA]
    paths = []
    for sub in sorted(p for p in Path(folder).iterdir() if p.is_dir()):
        found = sorted(p for p in sub.rglob("*") if p.suffix.lower() == ".mid")
        paths += found[:: max(1, -(-len(found) // most))]
    for path in paths:
        data = path.read_bytes()
        for number, tokenizer in tokenizers:
            try:
                score = Score.from_midi(data)
                for track in score.tracks if is_sorted else []:
                    track.notes.sort(key=lambda n: (n.time, n.pitch, n.duration, n.velocity))
                print(number, f"{fnv(flat(sequences(tokenizer, score))):016x}", path, sep="\t")
            except Exception as error:
                print(number, type(error).__name__, path, sep="\t")


if __name__ == "__main__":
    if "--corpus" in sys.argv:
        rest = sys.argv[sys.argv.index("--corpus") + 1 :]
        corpus(rest[0], int(rest[1]), "--sorted" in rest)
    else:
        main()
