#!/usr/bin/env python3
"""What a user's own translations bring to a starter pack, and what they cost elsewhere: the table of docs/accuracy.md.

    scripts/eval train --data DIR
    scripts/eval train --data DIR --pair en-es --domain login-gov --sentences 1000 --seed 7

Draws sentences of a domain that no pack has learnt from (DIR/train/<domain>/<pair>.tsv) and lines of Tatoeba's test set as the
general ones, and runs `cuba train` on them in a home of its own. Needs Python's standard library.
"""

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

# Placeholders and mark-up of interface texts: nobody's own translations.
MARKUP = re.compile(r"%\{|%s|\{\{|<|>|&[a-z]+;|https?:|\*\*|_html")


def pairs_of(path: Path, first: str, wanted: str) -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")]
    rows = [row if first == wanted else row[::-1] for row in rows if len(row) == 2]
    return [(source, target) for source, target in rows if len(source.split()) >= 3 and not MARKUP.search(source + target)]


def general_of(data: Path, pair: str, files: list[str]) -> list[tuple[str, str]]:
    folder = data / "eval" / f"tatoeba-test-v2021-08-07-{pair}"
    sides = [(folder / f"{language}.txt").read_text(encoding="utf-8").split("\n") for language in files]
    return [(a, b) for a, b in zip(*sides) if a and b]


def write(path: Path, pairs: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cuba", required=True)
    parser.add_argument("--pair", default="en-es", help="the direction to teach")
    parser.add_argument("--domain", default="login-gov")
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--general", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()

    source, target = args.pair.split("-")
    stored = next((p for p in (args.pair, f"{target}-{source}") if (args.data / "train" / args.domain / f"{p}.tsv").exists()), None)
    if stored is None:
        sys.exit(f"{args.data} has no train/{args.domain}/{args.pair}.tsv: give the folder that holds it with --data")
    draw = random.Random(args.seed)
    own = pairs_of(args.data / "train" / args.domain / f"{stored}.tsv", stored.split("-")[0], source)
    general = general_of(args.data, stored, [source, target])
    own, general = (draw.sample(pairs, min(count, len(pairs))) for pairs, count in ((own, args.sentences), (general, args.general)))
    with tempfile.TemporaryDirectory() as place:
        memory, others = (write(Path(place, name), pairs) for name, pairs in (("memory.tsv", own), ("general.tsv", general)))
        command = [args.cuba, "train", "--from-memory", str(memory), "--pair", args.pair, "--general", str(others), "--json"]
        done = subprocess.run(command, env=dict(os.environ, CUBA_HOME=f"{place}/home"), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    report, used = json.loads(done.stdout), resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"| {args.pair}, {len(own)} sentences of {args.domain} | before | after | |\n| --- | ---: | ---: | --- |")
    for name, kind in (("kept back, chrF", "own"), (f"{len(general)} everyday sentences, chrF", "general")):
        before, after = report[f"{kind}_chrf_before"], report[f"{kind}_chrf_after"]
        print(f"| {name} | {before:.1f} | {after:.1f} | {after - before:+.1f} |")
    print(f"\n{used.ru_utime + used.ru_stime:.0f} s of processor time, {used.ru_maxrss / 1024:.0f} MB at most")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
