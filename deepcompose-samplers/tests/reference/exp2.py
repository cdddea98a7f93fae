"""Coefficients for src/softmax/exp2.rs, and exact values to test it with.

Needs mpmath. Prints the coefficients; writes exp2.json beside this file: [x, y, e], where y is the
float next to 2^x, and 2^x - y is e times the distance from y to the next float.
"""

import json
import math
import pathlib
import random

import mpmath
from mpmath import mp, mpf

mp.prec = 300
DEGREE = 10
# What is left of x after the nearest whole number has been taken off.
HALF = mpf(1) / 2


def wanted(r):
    """2^r = 1 + r q(r)."""
    return (mpf(2) ** r - 1) / r if abs(r) > mpf(2) ** -99 else mpmath.log(2)


def chebyshev_fit():
    """The polynomial through q at the Chebyshev nodes, rounded coefficient by coefficient."""
    count = DEGREE + 1
    nodes = [HALF * mpmath.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
    matrix = mp.matrix(count, count)
    for row, node in enumerate(nodes):
        for column in range(count):
            matrix[row, column] = node**column
    return [float(c) for c in mp.lu_solve(matrix, mp.matrix([wanted(node) for node in nodes]))]


def truncation_error(coefficients):
    worst = mpf(0)
    for k in range(-4001, 4002, 2):
        r = HALF * k / 4001
        value = 1 + r * sum(mpf(c) * r**j for j, c in enumerate(coefficients))
        worst = max(worst, abs(value / mpf(2) ** r - 1))
    return worst


def arguments():
    rng = random.Random(5)
    yield from (0.0, -(2.0**-60), -(2.0**-30), -1.0, -0.5, -10.0, -1020.9, -1021.0)
    # Where the reduction changes from one n to the next.
    for n in (0, 1, 2, 3, 10, 100, 500, 1000, 1020):
        middle = n + 0.5
        yield from (-middle, -middle * (1 - 2.0**-52), -middle * (1 + 2.0**-52))
    for scale in (0.1, 0.5, 1.0, 5.0, 60.0, 1021.0):
        yield from (-rng.random() * scale for _ in range(60))


def rows():
    for x in arguments():
        exact = mpf(2) ** mpf(x)
        near = float(exact)
        yield [x, near, float((exact - mpf(near)) / mpf(math.ulp(near)))]


if __name__ == "__main__":
    fit = chebyshev_fit()
    for c in fit:
        print(repr(c))
    print("error", mpmath.nstr(truncation_error(fit), 3))
    lines = ",\n".join(json.dumps(row) for row in rows())
    pathlib.Path(__file__).with_name("exp2.json").write_text(f"[\n{lines}\n]\n")
