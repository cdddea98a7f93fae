"""Byte-pair vocabularies learnt by MidiTok, for tests/byte_pair.rs.

    pip install miditok==3.1.0
    python byte_pair.py > byte_pair.json

Makes a few pieces by random numbers, lets MidiTok learn on them, and writes what it was given (base tokens, in
segments), the notes, the file that it saved, and the tokens that it made of the pieces.
"""

import json
import random
import tempfile
from pathlib import Path

from miditok import REMI, TSD, TokenizerConfig
from symusic import Note, Score, TimeSignature, Track

SEED = 7


def piece(rng):
    score = Score(480)
    score.time_signatures.append(TimeSignature(0, 4, 4))
    track = Track("melody", 0, False)
    motif = [rng.choice([0, 2, 4, 5, 7, 9, 11]) for _ in range(6)]
    time = 0
    for _ in range(40):
        for step in motif if rng.random() < 0.7 else [rng.randrange(12)]:
            length = rng.choice([120, 240, 240, 480])
            track.notes.append(Note(time, length, 60 + step, rng.choice([64, 80, 80, 100])))
            time += length
    score.tracks.append(track)
    return score


def case(name, tokenization, split, size, folder):
    rng = random.Random(SEED)
    tokenizer = tokenization(TokenizerConfig(encode_ids_split=split, num_velocities=8))
    files = []
    for number in range(6):
        path = Path(folder) / f"{number}.mid"
        piece(rng).dump_midi(path)
        files.append(path)
    pieces, notes = [], []
    for path in files:
        (track,) = Score(path).tracks
        notes.append([[n.time, n.duration, n.pitch, n.velocity] for n in track.notes])
        (sequence,) = tokenizer(path, encode_ids=False)
        parts = {"bar": sequence.split_per_bars, "beat": sequence.split_per_beats, "no": lambda: [sequence]}[split]()
        pieces.append([part.ids for part in parts if part.ids])
    base = len(tokenizer)
    tokenizer.train(vocab_size=size, model="BPE", files_paths=files)
    saved = Path(folder) / "saved.json"
    tokenizer.save(saved)
    saved = json.loads(saved.read_text())
    return {
        "name": name,
        "split": split != "no",
        "base": base,
        "special": tokenizer.special_tokens_ids,
        "size": size,
        "pieces": pieces,
        "notes": notes,
        "file": json.dumps(saved),
        "encoded": [tokenizer(path)[0].ids for path in files],
    }


with tempfile.TemporaryDirectory() as folder:
    cases = [
        case("REMI, in bars", REMI, "bar", 420, folder),
        case("TSD, in beats", TSD, "beat", 400, folder),
        case("REMI, whole", REMI, "no", 450, folder),
    ]
print(json.dumps(cases, separators=(",", ":")))
