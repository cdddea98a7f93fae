"""What the timing scripts share."""

import os
import statistics
import subprocess
import time


def midi_files(folder):
    """The .mid files below a folder, in order."""
    return sorted(
        os.path.join(directory, name)
        for directory, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(".mid")
    )


def some(files, most):
    """At most so many of the files, evenly spread."""
    step = max(1, -(-len(files) // most))
    return files[::step]


def run(binary, *args, lines=()):
    """What a program prints, given these lines."""
    text = "".join(line + "\n" for line in lines)
    return subprocess.run([binary, *args], input=text, capture_output=True, text=True, check=True).stdout


def fields(line):
    """A line of key=value as a dictionary of numbers."""
    return {key: float(value) for key, value in (pair.split("=") for pair in line.split())}


def rate(work, seconds):
    """Calls `work` until so many seconds have passed; gives calls a second."""
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < seconds:
        work()
        calls += 1
    return calls / (time.perf_counter() - start)


def spread(values):
    """Median, smallest and largest, as text."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
