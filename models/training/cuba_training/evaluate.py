"""Every pack and Apertium on every set: the same lines in the same run, BLEU and chrF of sacreBLEU.

Sets: Tatoeba (a fixed random sample: its first lines are sorted and untypical), TICO-19 dev, FLORES-200 devtest,
and the safety sets. Apertium's answers are cached per set, since it does not change. `--engine COMMAND` adds any
program that reads sentences and writes translations, line by line.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import sacrebleu

from . import clean, export, files, reference, safety, synthesise, vocab
from .sources import CHAINS, directions

SETS = {"tatoeba": "tatoeba-test-v2021-08-07-{pair}", "tico19": "tico19-dev", "flores": "flores200-devtest"}
SEED = 11


def load_set(data: Path, name: str, pair: str, lines: int) -> tuple[list[str], list[str]]:
    """Up to `lines` random source and target lines of a set, the same ones every time."""
    folder = data / "eval" / SETS[name].format(pair="-".join(sorted(pair.split("-"))))
    source, target = (list(files.lines_of(folder / f"{language}.txt")) for language in pair.split("-"))
    if len(source) != len(target):
        raise ValueError(f"{folder}: the two sides have {len(source)} and {len(target)} lines")
    chosen = sorted(random.Random(SEED).sample(range(len(source)), min(lines, len(source))))
    return [source[i] for i in chosen], [target[i] for i in chosen]


def score(translations: list[str], targets: list[str]) -> dict:
    return {"bleu": round(sacrebleu.corpus_bleu(translations, [targets]).score, 1),
            "chrf": round(sacrebleu.corpus_chrf(translations, [targets]).score, 1)}


class PackEngine:
    """An exported pack, run by the NumPy reference."""

    def __init__(self, folder: Path, pair: str):
        int8_name, _, vocab_name = export.file_names(pair)
        self.engine, self.spm = reference.Reference.load(folder / int8_name), vocab.load(folder / vocab_name)

    def __call__(self, sentences: list[str]) -> list[str]:
        return self.engine.translate(self.spm, [clean.normalise(s) for s in sentences])


class ApertiumEngine:
    """Apertium with its answers kept in `cache`."""

    def __init__(self, pair: str, cache: Path):
        self.chain, self.cache = CHAINS[tuple(pair.split("-"))], cache

    def __call__(self, sentences: list[str]) -> list[str]:
        known = json.loads(self.cache.read_text()) if self.cache.exists() else {}
        missing = [s for s in sentences if s not in known]
        if missing:
            known |= zip(missing, (t.replace("*", "") for t in synthesise.translate(self.chain, missing)))
            files.replace_text(self.cache, json.dumps(known, ensure_ascii=False))
        return [known[s] for s in sentences]


class CommandEngine:
    """A program that translates standard input to standard output, a sentence a line."""

    def __init__(self, command: str):
        self.command = shlex.split(command)

    def __call__(self, sentences: list[str]) -> list[str]:
        answer = subprocess.run(self.command, input="\n".join(sentences) + "\n", capture_output=True, text=True, check=True)
        lines = answer.stdout.splitlines()
        if len(lines) != len(sentences):
            raise RuntimeError(f"{self.command[0]} gave {len(lines)} lines for {len(sentences)} sentences")
        return lines


def evaluate(engines: dict, data: Path, pair: str, lines: int, outputs: Path | None) -> list[dict]:
    """One row per engine and set."""
    rows = []
    sets = {name: load_set(data, name, pair, lines) for name in SETS}
    for engine_name, engine in engines.items():
        for name, (source, target) in sets.items():
            begin = time.monotonic()
            translations = engine(source)
            row = {"pair": pair, "engine": engine_name, "set": name, "lines": len(source), **score(translations, target)}
            row["seconds"] = round(time.monotonic() - begin, 1)
            rows.append(row)
            if outputs:
                keep(outputs / f"{pair}.{engine_name}.{name}.tsv", source, translations, target)
        sentences = safety.load(pair)
        if not sentences:
            continue
        verdict = safety.judge(sentences, engine([s.source for s in sentences]))
        failures = verdict.pop("failures")
        rows.append({"pair": pair, "engine": engine_name, "set": "safety", "lines": verdict.pop("sentences"), **verdict})
        if outputs:
            files.replace_text(outputs / f"{pair}.{engine_name}.safety.json", json.dumps(failures, ensure_ascii=False, indent=1))
    return rows


def keep(path: Path, *columns: list[str]) -> None:
    files.replace_text(path, "".join("\t".join(row) + "\n" for row in zip(*columns)))


def table(rows: list[dict]) -> str:
    """Markdown: BLEU/chrF per set; kept / lost / dangerous words of the safety set."""
    names = [*SETS, "safety"]
    cells: dict[tuple, dict] = {}
    sizes = {}
    for row in rows:
        sizes[row["set"]] = row["lines"]
        cell = f"{row['bleu']}/{row['chrf']}" if "chrf" in row else f"{row['kept']} / {row['lost']} / {row['dangerous']}"
        cells.setdefault((row["pair"], row["engine"]), {})[row["set"]] = cell
    head = [f"{n} ({sizes[n]})" for n in names if n in sizes]
    lines = ["| direction | engine | " + " | ".join(head) + " |", "|---|---|" + "---|" * len(head)]
    for (pair, engine), row in cells.items():
        lines.append(f"| {pair} | {engine} | " + " | ".join(row.get(n, "") for n in names if n in sizes) + " |")
    return "\n".join(lines)


def published(pairs: tuple[str, ...]) -> str:
    """The scores others have published, as a table of their own: other lines, other runs."""
    path = Path(__file__).resolve().parent.parent / "published.tsv"
    lines = ["| direction | engine | FLORES-200 devtest, BLEU/chrF, as published | source |", "|---|---|---|---|"]
    for line in files.lines_of(path):
        if line and not line.startswith("#"):
            pair, engine, bleu, chrf, source = line.split("\t")
            if pair in pairs:
                lines.append(f"| {pair} | {engine} | {bleu}/{chrf} | {source} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--packs", type=Path, help="folder with en-es/ and es-en/ (default: WORK/export)")
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--pair", default="en-es", help="both directions of this pair are evaluated")
    parser.add_argument("--engine", action="append", default=[], metavar="PAIR=COMMAND", help="another engine, e.g. en-es='cuba translate --to es'")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--outputs", type=Path, help="also write every translation into this folder")
    args = parser.parse_args()
    rows: list[dict] = []
    for pair in directions(args.pair):
        if (packs_of(args) / pair).exists():
            rows += evaluate(engines_for(pair, args), args.data, pair, args.lines, args.outputs)
    if args.json:
        files.replace_text(args.json, json.dumps(rows, indent=1))
    print(table(rows))
    print(f"\n{published(directions(args.pair))}")


def packs_of(args) -> Path:
    return args.packs or args.work / "export"


def engines_for(pair: str, args) -> dict:
    engines: dict = {"cuba": PackEngine(packs_of(args) / pair, pair)}
    if shutil.which("apertium"):
        engines["apertium"] = ApertiumEngine(pair, args.work / f"apertium-{pair}.json")
    else:
        print("apertium is not installed: its rows are left out", file=sys.stderr)
    for number, option in enumerate(args.engine):
        direction, _, command = option.partition("=")
        if direction == pair:
            engines[Path(shlex.split(command)[0]).name + (f"-{number}" if number else "")] = CommandEngine(command)
    return engines


if __name__ == "__main__":
    main()
