#!/usr/bin/env python3
"""Scores translations of test sets: chrF and BLEU of an engine, beside Apertium on the same lines in the same run.

    scripts/eval translate --data DIR --lines 200 --pairs en-es,es-en --engine llm --pack gemma-3-270m --apertium

Needs nothing but Python's standard library; `--apertium` uses the `apertium` command where it is installed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Set name in the table -> folder under DIR/eval. Tatoeba's folder depends on the pair.
SETS = {"tatoeba": "tatoeba-test-v2021-08-07-{pair}", "flores": "flores200-devtest", "tico": "tico19-dev"}
TATOEBA_PAIRS = ["en-es", "en-fr", "en-pt", "fr-es"]
# Apertium's modes by pair; pairs without a mode of their own go through Spanish.
APERTIUM = {
    "en-es": ["eng-spa"],
    "es-en": ["spa-eng"],
    "en-fr": ["eng-spa", "es-fr"],
    "fr-en": ["fr-es", "spa-eng"],
    "fr-es": ["fr-es"],
    "es-fr": ["es-fr"],
}


def folder(data: Path, name: str, pair: str) -> Path | None:
    a, b = pair.split("-")
    for candidate in (f"{a}-{b}", f"{b}-{a}"):
        if name != "tatoeba" or candidate in TATOEBA_PAIRS:
            return data / "eval" / SETS[name].format(pair=candidate)
    return None


def read_lines(path: Path, limit: int) -> list[str]:
    # Not splitlines(): it also breaks at U+2028 and other characters that lines of these sets contain.
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return lines[:limit] if limit else lines


def translate(command: list[str], lines: list[str]) -> tuple[list[str], float]:
    started = time.monotonic()
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    out = done.stdout.split("\n")[:-1]
    if len(out) != len(lines):
        sys.exit(f"{' '.join(command)}: {len(lines)} lines in, {len(out)} out")
    return out, time.monotonic() - started


def apertium(pair: str, lines: list[str]) -> list[str] | None:
    if pair not in APERTIUM or not shutil.which("apertium"):
        return None
    for mode in APERTIUM[pair]:
        # Empty lines between keep sentences apart and their final stop in place; -u leaves out the marks of unknown words.
        text = "".join(line + "\n\n" for line in lines)
        done = subprocess.run(["apertium", "-u", mode], input=text, capture_output=True, text=True, check=True)
        lines = done.stdout.split("\n")[: 2 * len(lines) : 2]
    return lines


def score(program: str, hypotheses: list[str], references: list[str]) -> dict:
    with tempfile.TemporaryDirectory() as place:
        paths = []
        for name, lines in (("hypotheses", hypotheses), ("references", references)):
            paths.append(Path(place, name))
            paths[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run([program, *map(str, paths)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cuba", required=True)
    parser.add_argument("--score", required=True)
    parser.add_argument("--pairs", default="en-es,es-en,en-fr,fr-en")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--lines", type=int, default=200, help="first N lines of each set; 0 for all")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--pack")
    parser.add_argument("--apertium", action="store_true")
    parser.add_argument("--save", type=Path, help="keep the translations in this folder")
    args = parser.parse_args()

    rows = []
    for pair in args.pairs.split(","):
        source, target = pair.split("-")
        for name in args.sets.split(","):
            where = folder(args.data, name, pair)
            if where is None or not (where / f"{target}.txt").exists():
                continue
            lines = read_lines(where / f"{source}.txt", args.lines)
            references = read_lines(where / f"{target}.txt", args.lines)
            command = [args.cuba, "translate", "--from", source, "--to", target, "--engine", args.engine]
            if args.pack:
                command += ["--pack", args.pack]
            hypotheses, seconds = translate(command, lines)
            if args.save:
                args.save.mkdir(parents=True, exist_ok=True)
                out = args.save / f"{name}.{pair}.{args.pack or args.engine}.txt"
                out.write_text("\n".join(hypotheses) + "\n", encoding="utf-8")
            row = {"pair": pair, "set": name, "lines": len(lines), "engine": args.pack or args.engine}
            row |= score(args.score, hypotheses, references)
            row["words_per_second"] = round(sum(len(line.split()) for line in lines) / seconds, 1)
            rows.append(row)
            if args.apertium and (peer := apertium(pair, lines)) is not None:
                peer_row = {"pair": pair, "set": name, "lines": len(lines), "engine": "apertium"}
                rows.append(peer_row | score(args.score, peer, references))
            print(f"{pair} {name}: chrF {row['chrf']:.1f} BLEU {row['bleu']:.1f}", file=sys.stderr)

    if not rows:
        sys.exit(f"{args.data} has none of these sets: give the folder that holds eval/ with --data")
    print("| pair | set | lines | engine | chrF | BLEU | words/s |\n| --- | --- | ---: | --- | ---: | ---: | ---: |")
    for row in rows:
        speed = row.get("words_per_second", "")
        print(
            f"| {row['pair']} | {row['set']} | {row['lines']} | {row['engine']} "
            f"| {row['chrf']:.1f} | {row['bleu']:.1f} | {speed} |"
        )
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
