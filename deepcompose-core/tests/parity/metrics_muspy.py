"""Writes metrics_muspy.json: metrics of random pieces by MusPy 0.5.0 (pip install muspy).

The grid is MusPy's: 24 steps a quarter, 4/4. Two differences of definition are kept out of the
way. MusPy counts the end of a note as sounding in the bar that begins there, and one bar more than
there are where the piece ends on a bar line: no note here ends on a bar line. Its polyphony rate
counts steps with MORE than `threshold` pitches: 1 is passed for two or more.
"""

import json
import pathlib
import random

import muspy

RESOLUTION = 24
BAR = 4 * RESOLUTION


def piece(rng, notes, bars):
    out = []
    for _ in range(notes):
        start = rng.randrange(bars * BAR)
        if rng.random() < 0.5:
            start -= start % 12
        duration = rng.randrange(1, 2 * RESOLUTION)
        if (start + duration) % BAR == 0:
            duration += 1
        out.append((start, duration, rng.randrange(40, 90)))
    return sorted(out)


def measure(notes):
    music = muspy.Music(
        resolution=RESOLUTION,
        tracks=[muspy.Track(notes=[muspy.Note(t, p, d, 80) for t, d, p in notes])],
    )
    return {
        "notes": notes,
        "pitch_class_entropy": muspy.pitch_class_entropy(music),
        "n_pitches_used": muspy.n_pitches_used(music),
        "n_pitch_classes_used": muspy.n_pitch_classes_used(music),
        "d_major_in_scale_rate": muspy.pitch_in_scale_rate(music, 2, "major"),
        "c_minor_in_scale_rate": muspy.pitch_in_scale_rate(music, 0, "minor"),
        "scale_consistency": muspy.scale_consistency(music),
        "empty_measure_rate": muspy.empty_measure_rate(music, BAR),
        "polyphony_rate": muspy.polyphony_rate(music, 1),
        "groove_consistency": muspy.groove_consistency(music, BAR),
    }


rng = random.Random(20200713)
pieces = [measure(piece(rng, notes, bars)) for notes, bars in [(12, 16), (30, 8), (90, 12)]]
path = pathlib.Path(__file__).with_name("metrics_muspy.json")
path.write_text("[\n" + ",\n".join(json.dumps(p) for p in pieces) + "\n]\n")
