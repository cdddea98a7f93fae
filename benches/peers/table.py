#!/usr/bin/env python3
"""Prints a run as Markdown: python benches/peers/table.py benches/runs/RUN.json [--short]

--short gives the one table that the README has."""

import argparse
import json
import statistics


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--short", action="store_true")
    args = parser.parse_args()
    with open(args.run, encoding="utf-8") as file:
        run = json.load(file)
    print(short(run) if args.short else whole(run), end="")


def whole(run):
    parts = [head(run)]
    for case in run["networks"]:
        parts.append(f"## {case['title']}\n\n{network(case)}")
    for section in run["programs"]:
        parts.append(f"## {section['title']}\n\n`{section['command']}`\n\n{section['output'].strip()}\n")
    return "\n".join(parts)


def head(run):
    machine, versions = run["machine"], run["versions"]
    caches = f", {', '.join(machine['caches'])}" if machine["caches"] else ""
    return (
        f"# {run['date']}: {machine['cpu']}, {machine['cores']} cores\n\n"
        f"{' '.join(machine['instructions'])}{caches}; {machine['memory_gib']} GiB; {machine['system']}; "
        f"load before the run {machine['load_before']:.2f}.\n\n"
        f"Commit {run['commit']}. {', '.join(f'{name} {version}' for name, version in versions.items())}.\n\n"
        f"{run['threads']} threads, {run['rounds']} rounds in turn. Times are medians of the rounds, with the shortest and "
        "the longest. Ratios are taken round by round, a peer's time by ours: over 1 we are faster. Differences are of "
        "the outputs from those of the first row, by the largest of them.\n"
    )


def network(case):
    ours = [side for side in case["sides"] if side["name"].startswith("deepcompose") and timed(side)]
    columns = [f"times {side['name'].removeprefix('deepcompose ')}" for side in ours]
    rows = [["", "ms", *columns, "differs by", "peak MB"]]
    for side in case["sides"]:
        if not timed(side):
            rows.append([side["name"], f"left out: {side.get('error', '')}", *[""] * (len(columns) + 2)])
            continue
        rows.append(
            [
                side["name"],
                spread([1e3 * s for s in timed(side)]),
                *(ratio(side, one) for one in ours),
                f"{side['difference']:.1e}" if "difference" in side else "",
                f"{side['peak_bytes'] / 1e6:.0f}" if side.get("peak_bytes") else "",
            ]
        )
    note = "" if case["agree"] else "\n**The outputs do not agree: nothing was timed.**\n"
    return table(rows) + note


def short(run):
    """A row a case: our fastest way, and the peers by their fastest eager and prepared ways."""
    rows = [["work", "ours", "PyTorch eager", "PyTorch at its best", "TensorFlow at its best"]]
    for case in run["networks"]:
        sides = {side["name"]: side for side in case["sides"] if timed(side)}
        ours = fastest(sides, lambda name: name.startswith("deepcompose"))
        if ours is None:
            continue
        row = [case["title"], f"{1e3 * median(ours):.3g} ms ({ours['name'].removeprefix('deepcompose ')})"]
        for chosen in (
            lambda name: name == "PyTorch eager",
            lambda name: name.startswith("PyTorch"),
            lambda name: name.startswith(("Keras", "TensorFlow")),
        ):
            side = fastest(sides, chosen)
            if side is None:
                row.append("")
                continue
            way = side["name"].split(" ", 1)[1]
            row.append(f"{1e3 * median(side):.3g} ms ({way}): **{median_ratio(side, ours):.2g} ×**")
        rows.append(row)
    return table(rows)


def timed(side):
    return [s for s in side.get("seconds", []) if s is not None]


def median(side):
    return statistics.median(timed(side))


def ratios(side, ours):
    pairs = zip(side["seconds"], ours["seconds"])
    return [theirs / mine for theirs, mine in pairs if theirs is not None and mine is not None]


def median_ratio(side, ours):
    return statistics.median(ratios(side, ours))


def ratio(side, ours):
    return "" if side is ours else spread(ratios(side, ours))


def fastest(sides, is_one):
    return min((side for name, side in sides.items() if is_one(name)), key=median, default=None)


def spread(values):
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def table(rows):
    align = ["---"] + ["--:"] * (len(rows[0]) - 1)
    return "".join(f"| {' | '.join(row)} |\n" for row in [rows[0], align, *rows[1:]])


if __name__ == "__main__":
    main()
