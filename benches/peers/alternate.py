"""Programs that are timed in turn: each stays alive and idles while the others run."""

import concurrent.futures
import json
import os
import subprocess
import tempfile
import time

import numpy as np

# Of the largest number. Peers of fewer bits are only said to differ by so much.
TOLERANCE = 1e-3
FEW_BITS = ("bf16", "int8", "8 bits")
# Threads that wait for work spin for a while before they sleep.
PAUSE = 0.15


class Side:
    """A process that answers lines by JSON: `examples/time_networks` or `networks/serve.py`."""

    def __init__(self, name, command, threads):
        self.name, self.command, self.threads = name, command, str(threads)
        self.seconds, self.error, self.prepared_in = [], None, None
        self.difference, self.peak_bytes = None, None

    def start(self):
        self.log = tempfile.TemporaryFile("w+")
        names = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
        environment = dict(os.environ, TF_NUM_INTEROP_THREADS="1", **dict.fromkeys(names, self.threads))
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            bufsize=1,
            env=environment,
        )
        self.prepared_in = self.answer().get("prepared_in")

    def answer(self):
        line = self.process.stdout.readline()
        if line.startswith("{"):
            return json.loads(line)
        self.log.seek(0)
        written = self.log.read().strip().splitlines()
        self.error = (written or ["it ended without a word"])[-1]
        return {}

    def ask(self, line):
        """The answer to a line; empty once the process has failed, and then `error` says why."""
        if self.error is not None:
            return {}
        try:
            self.process.stdin.write(line + "\n")
        except BrokenPipeError:
            pass
        return self.answer()

    def outputs(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "outputs")
            return np.fromfile(path, "<f4") if self.ask(f"outputs {path}") else None

    def turn(self, seconds):
        """Times it once; None if it has failed."""
        time.sleep(PAUSE)
        answer = self.ask(f"run {seconds}")
        self.seconds.append(answer["seconds"] / answer["iterations"] if answer else None)

    def close(self):
        self.peak_bytes = self.ask("memory").get("peak_bytes")
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def report(self):
        kept = ("name", "error", "prepared_in", "difference", "peak_bytes", "seconds")
        return {key: getattr(self, key) for key in kept if getattr(self, key) is not None}


def alternate(sides, rounds, seconds):
    """Starts all sides, compares what they answer with the first one's, and times those that agree, in turn.

    Returns whether all agree. Sides that fail to start are left out, but not the first."""
    try:
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(Side.start, sides))
        agree = compare(sides)
        for _ in range(rounds if agree else 0):
            for side in sides:
                if side.error is None:
                    side.turn(seconds)
        return agree
    finally:
        for side in sides:
            if hasattr(side, "process"):
                side.close()


def compare(sides):
    ours = sides[0].outputs()
    if ours is None:
        return False
    agree, seen = True, np.isfinite(ours)
    for side in sides[1:]:
        theirs = side.outputs()
        if theirs is None:
            continue
        if theirs.shape != ours.shape or (np.isfinite(theirs) != seen).any():
            side.error = "outputs of another shape, or masked elsewhere"
            agree = False
            continue
        side.difference = float(np.abs(theirs[seen] - ours[seen]).max() / np.abs(ours[seen]).max())
        if side.difference > TOLERANCE and not any(words in side.name for words in FEW_BITS):
            side.error = f"outputs differ by {side.difference:.2g} of the largest"
            agree = False
    return agree
