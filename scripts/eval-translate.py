#!/usr/bin/env python3
"""The table of docs/accuracy.md: chrF and BLEU of packs and engines, beside Apertium on the same lines in the same run, then
what others have published.

    scripts/eval translate --data DIR                                   # the starter packs
    scripts/eval translate --data DIR --engines nmt,gemma-3-270m,qwen2.5-coder-1.5b --pairs en-es,es-en --random 11

Needs nothing but Python's standard library; Apertium's rows need its `apertium` command.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Set name in the table -> folder under DIR/eval. Tatoeba's folder depends on the pair.
SETS = {"tatoeba": "tatoeba-test-v2021-08-07-{pair}", "flores": "flores200-devtest", "tico": "tico19-dev"}
PUBLISHED = Path(__file__).resolve().parent.parent / "models" / "training" / "published.tsv"
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


def read_lines(path: Path) -> list[str]:
    # Not splitlines(): it also breaks at U+2028 and other characters that lines of these sets contain.
    lines = path.read_text(encoding="utf-8").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


NOT_INSTALLED = 3


def translate(command: list[str], lines: list[str]) -> tuple[list[str], float] | None:
    """Translations and seconds; none where the engine does not have the pair."""
    started = time.monotonic()
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    if done.returncode == NOT_INSTALLED:
        return None
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


def engine_options(engine: str) -> list[str]:
    """`nmt` is whatever translation pack the command takes by itself; any other name is a language model's pack."""
    return ["--engine", "nmt"] if engine == "nmt" else ["--engine", "llm", "--pack", engine]


def sample(source: list[str], target: list[str], count: int, seed: int | None) -> tuple[list[str], list[str]]:
    """The first `count` lines (all if 0), or as many random ones in their order."""
    places = range(len(source))
    if count and count < len(source):
        places = places[:count] if seed is None else sorted(random.Random(seed).sample(places, count))
    return [source[i] for i in places], [target[i] for i in places]


def measure(args, pair: str, name: str, where: Path) -> list[dict]:
    """A row for every engine and for Apertium, all on the same lines."""
    source, target = pair.split("-")
    files = [read_lines(where / f"{language}.txt") for language in (source, target)]
    lines, references = sample(*files, args.lines, args.random)
    rows = []
    for engine in args.engines.split(","):
        command = [args.cuba, "translate", "--from", source, "--to", target, *engine_options(engine)]
        if (answer := translate(command, lines)) is None:
            print(f"{pair}: {engine} is not installed for it", file=sys.stderr)
            continue
        hypotheses, seconds = answer
        if args.save:
            args.save.mkdir(parents=True, exist_ok=True)
            (args.save / f"{name}.{pair}.{engine}.txt").write_text("\n".join(hypotheses) + "\n", encoding="utf-8")
        row = {"pair": pair, "set": name, "lines": len(lines), "engine": engine, **score(args.score, hypotheses, references)}
        rows.append(row | {"words_per_second": round(sum(len(line.split()) for line in lines) / seconds, 1)})
    if (peer := apertium(pair, lines)) is not None:
        rows.append({"pair": pair, "set": name, "lines": len(lines), "engine": "apertium", **score(args.score, peer, references)})
    for row in rows:
        print(f"{pair} {name} {row['engine']}: chrF {row['chrf']:.1f} BLEU {row['bleu']:.1f}", file=sys.stderr)
    return rows


def table(rows: list[dict]) -> str:
    head = "| pair | set | lines | engine | chrF | BLEU | words/s |\n| --- | --- | ---: | --- | ---: | ---: | ---: |"
    return "\n".join([head] + [
        f"| {row['pair']} | {row['set']} | {row['lines']} | {row['engine']} "
        f"| {row['chrf']:.1f} | {row['bleu']:.1f} | {row.get('words_per_second', '')} |"
        for row in rows
    ])


def published(pairs: list[str]) -> str:
    """What others have published: other lines, other runs."""
    rows = ["| pair | engine | FLORES-200 devtest, chrF | BLEU | source |", "| --- | --- | ---: | ---: | --- |"]
    for line in PUBLISHED.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pair, engine, bleu, chrf, source = line.split("\t")
            if pair in pairs:
                rows.append(f"| {pair} | {engine} | {chrf} | {bleu} | {source} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cuba", required=True)
    parser.add_argument("--score", required=True)
    parser.add_argument("--pairs", default="en-es,es-en,en-fr,fr-en")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--lines", type=int, default=200, help="first N lines of each set; 0 for all")
    parser.add_argument("--random", type=int, metavar="SEED", help="random lines instead of the first ones")
    parser.add_argument("--engines", default="nmt", help="nmt (the packs that the command takes by itself) and packs of language models")
    parser.add_argument("--save", type=Path, help="keep the translations in this folder")
    args = parser.parse_args()

    if not shutil.which("apertium"):
        print("apertium is not installed: its rows are left out", file=sys.stderr)
    rows, pairs = [], args.pairs.split(",")
    for pair in pairs:
        for name in args.sets.split(","):
            where = folder(args.data, name, pair)
            if where is not None and all((where / f"{language}.txt").exists() for language in pair.split("-")):
                rows += measure(args, pair, name, where)
    if not rows:
        sys.exit(f"{args.data} has none of these sets: give the folder that holds eval/ with --data")
    print(f"{table(rows)}\n\n{published(pairs)}")
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
