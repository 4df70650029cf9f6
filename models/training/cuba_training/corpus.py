"""The training corpus: every source of `sources.py`, cleaned, walled off from the evaluation sets, and weighted."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import clean, files, safety, sources, templates
from .sources import BACK, FORWARD, HUMAN

FORWARD_FACTOR = 1.0
"""A forward pair teaches the teacher's mistakes along with its words, but its text is long and of many subjects, which
everyday sentences are not: drawn as often as a back-translated one."""
TEMPLATE_SHARE = 8.0


def read_pairs(path: Path):
    """(first language, second language) of each line."""
    for line in files.lines_of(path):
        first, _, second = line.partition("\t")
        if first and second:
            yield first, second


def write_pairs(path: Path, pairs) -> int:
    rows = [f"{first}\t{second}\n" for first, second in pairs]
    files.replace_text(path, "".join(rows))
    return len(rows)


def read_mixture(folder: Path) -> tuple[str, list[dict]]:
    """The language pair and the entries of a prepared corpus."""
    path = folder / "mixture.json"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run `python -m cuba_training.corpus` first")
    mixture = json.loads(path.read_text())
    return mixture["pair"], mixture["entries"]


def write_mixture(folder: Path, pair: str, entries: list[dict]) -> None:
    files.replace_text(folder / "mixture.json", json.dumps({"pair": pair, "entries": entries}, indent=1))


def prepare(data: Path, work: Path, pair: str, only: set[str] | None = None) -> dict:
    """Clean every source (or `only` those named) into `work/corpus`, and write `mixture.json` and `counts.json` beside them."""
    both = sources.directions(pair)
    wall = clean.EvaluationWall.from_folder(data / "eval", also=[s.source for d in both for s in safety.load(d)])
    corpus, entries, counts = work / "corpus", [], {"evaluation lines": len(wall)}
    for source in sources.PARALLEL[pair]:
        if only is not None and source.name not in only:
            continue
        tally: dict[str, int] = {}
        pairs = clean.clean_pairs(read_pairs(data / "train" / source.name / f"{pair}.tsv"), wall, tally)
        write_pairs(corpus / f"{source.name}.tsv", pairs)
        counts[source.name] = tally
        add_entry(entries, source.name, source.licence, {d: (source.share, source.role) for d in both})
    tally = {}
    if write_pairs(corpus / "templates.tsv", clean.clean_pairs(templates.all_pairs(pair), wall, tally)):
        counts["templates"] = tally
        add_entry(entries, "templates", "CC0 1.0 (written for Cuba)", {d: (TEMPLATE_SHARE, HUMAN) for d in both})
    for source in sources.MONOLINGUAL[pair]:
        prepare_synthetic(source, pair, work, wall, entries, counts)
    files.replace_text(corpus / "counts.json", json.dumps(counts, indent=1))
    write_mixture(corpus, pair, entries)
    return counts


def prepare_synthetic(source: sources.Monolingual, pair: str, work: Path, wall, entries: list, counts: dict) -> None:
    """Back-translated pairs for the direction into the human side; forward pairs for the other one, those of a larger model apart."""
    human = 0 if source.language == pair[:2] else 1
    found, covered = {}, set()
    for teacher in ("qwen-", "own-", ""):
        # The better teacher's pair replaces the others'.
        rows = read_synthetic(work / "synthetic" / f"{teacher}{source.language}-{source.name}.tsv")
        found[teacher] = [r for r in rows if r[human] not in covered]
        covered |= {r[human] for r in rows}
    out_of, into = sources.directions(pair) if human == 0 else sources.directions(pair)[::-1]
    for suffix, chosen, direction, role, factor in (
        ("back", [r for rows in found.values() for r in rows], into, BACK, 1.0),
        ("forward", [r for r in found[""] if r[2] == "1"], out_of, FORWARD, FORWARD_FACTOR),
        ("taught", [r for r in found["qwen-"] if r[2] == "1"], out_of, FORWARD, 1.0),
    ):
        tally: dict[str, int] = {}
        entry = f"{source.language}-{source.name}.{suffix}"
        size = write_pairs(work / "corpus" / f"{entry}.tsv", clean.clean_pairs(((r[0], r[1]) for r in chosen), wall, tally))
        counts[entry] = tally
        if size:
            # A source of few sentences must not be repeated more often than it can bear.
            share = min(source.share, size / 2000) * factor
            add_entry(entries, entry, source.licence + ", other side by machine (Qwen, the reverse model or Apertium)", {direction: (share, role)})


def roles(entry: dict) -> set[int]:
    """What the pairs of an entry of the mixture are, in each of their directions."""
    return {use["role"] for use in entry["use"].values()}


def read_synthetic(path: Path) -> list[list[str]]:
    """Rows of `synthesise.py`: both sides, whether good for forward use, source."""
    if not path.exists():
        return []
    return [row for row in (line.split("\t") for line in files.lines_of(path)) if len(row) == 4]


def add_entry(entries: list, name: str, licence: str, use: dict) -> None:
    entries.append({"name": name, "file": f"{name}.tsv", "licence": licence,
                    "use": {d: {"share": share, "role": role} for d, (share, role) in use.items()}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and eval/ (README.md says how to get it)")
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--pair", choices=sorted(sources.PARALLEL), default="en-es")
    args = parser.parse_args()
    for name, tally in prepare(args.data, args.work, args.pair).items():
        print(name, tally, file=sys.stderr)


if __name__ == "__main__":
    main()
