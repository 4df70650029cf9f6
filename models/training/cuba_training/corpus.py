"""The training corpus: which sources, under which licence, with which weight, in which role.

A source that may not be shipped inside a permissively licensed model (share-alike, research only) is not in the
table, so it cannot get into a model by accident.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from . import clean, files, safety, templates

HUMAN, BACK, FORWARD, TECHNICAL = range(4)
"""Roles of a pair, given to the model as a learned vector added to its embeddings (see `model.py`)."""

DIRECTIONS = ("en-es", "es-en")


@dataclass(frozen=True)
class Source:
    """One source of pairs. `share` is the relative number of sentences drawn from it, per direction."""

    name: str
    licence: str
    share: float
    role: int = HUMAN


SOURCES = [
    Source("tatoeba-manythings", "CC BY 2.0 FR (tatoeba.org, manythings.org/anki)", 40),
    Source("storybooks", "CC BY 3.0 (globalstorybooks.net)", 0.8),
    Source("mintaka", "CC BY 4.0 (Amazon)", 1.2),
    Source("europarl-sample", "no known restriction (European Parliament)", 3),
    Source("sdg", "MIT (open-sdg)", 0.6),
    Source("vita-min", "MIT (Code for America)", 1.5),
    Source("mozilla-www", "MPL-2.0 (Mozilla)", 2),
    Source("justice-crt-portal", "public domain (US government)", 0.4),
    Source("refugee-phrasebook", "CC0 1.0", 1),
    Source("tico19-terms", "CC0 1.0 (TICO-19 terminologies)", 0.8),
    Source("osm-place-types", "ISC (OpenStreetMap iD)", 0.6),
    Source("cldr-names", "Unicode License v3", 0.5),
    Source("bible-web", "public domain", 1.5),
    Source("libreoffice-help", "MPL-2.0 (The Document Foundation)", 1.5, TECHNICAL),
    Source("php-manual", "CC BY 3.0 (PHP Documentation Group)", 1, TECHNICAL),
    Source("python-docs", "translations CC0, original PSF", 2, TECHNICAL),
]
"""Parallel sources for en-es. login-gov and login-gov-help are left out on purpose: they are the unseen domain on
which adaptation to a user's own sentences is measured."""

# Monolingual sources and the share of their synthetic pairs. The language is the one a person wrote.
MONOLINGUAL = {
    "es-commonvoice": ("CC0 1.0 (Mozilla Common Voice)", 3.0),
    "es-ancora-news": ("CC BY 4.0 (UD AnCora)", 2.0),
    "es-spaccc-clinical": ("CC BY 4.0 (SPACCC)", 3.5),
    "es-novels-eltec": ("texts public domain, mark-up CC BY 4.0 (ELTeC)", 6.0),
    "es-opensource-guide": ("CC BY 4.0 (GitHub)", 0.8),
    "en-commonvoice": ("CC0 1.0 (Mozilla Common Voice)", 9.0),
    "en-medquad": ("CC BY 4.0 (MedQuAD; NIH and CDC text)", 9.0),
    "en-govuk-smart-answers": ("MIT (GOV.UK)", 0.8),
    "en-queries-polyai": ("CC BY 4.0 (PolyAI)", 2.0),
    "en-queries-clinc150": ("CC BY 3.0 (CLINC150)", 1.5),
    "en-self-dialogues": ("BSD-3-Clause (Self-dialogue Corpus)", 6.0),
    "en-openstax-anatomy": ("CC BY 4.0 (OpenStax, revision before the licence change)", 3.0),
    "en-openstax-psychology": ("CC BY 4.0 (OpenStax, revision before the licence change)", 2.5),
    "en-canada-digital-service": ("MIT (Canadian Digital Service)", 2.5),
    "en-taskmaster": ("CC BY 4.0 (Google Taskmaster)", 1.5),
}
FORWARD_FACTOR = 0.4
"""A forward pair teaches the teacher's mistakes along with its words: drawn less often than a back-translated one."""


def read_pairs(path: Path):
    for line in files.lines_of(path):
        en, _, es = line.partition("\t")
        if en and es:
            yield en, es


def write_pairs(path: Path, pairs) -> int:
    rows = [f"{en}\t{es}\n" for en, es in pairs]
    files.replace_text(path, "".join(rows))
    return len(rows)


def prepare(data: Path, work: Path) -> dict:
    """Clean every source into `work/corpus`, and write `mixture.json` and `counts.json` beside them."""
    wall = clean.EvaluationWall.from_folder(data / "eval", also=[s.source for d in DIRECTIONS for s in safety.load(d)])
    corpus, mixture, counts = work / "corpus", [], {"evaluation lines": len(wall)}
    for source in SOURCES:
        tally: dict[str, int] = {}
        pairs = clean.clean_pairs(read_pairs(data / "train" / source.name / "en-es.tsv"), wall, tally)
        write_pairs(corpus / f"{source.name}.tsv", pairs)
        counts[source.name] = tally
        add_entry(mixture, source.name, source.licence, {d: (source.share, source.role) for d in DIRECTIONS})
    tally = {}
    write_pairs(corpus / "templates.tsv", clean.clean_pairs(templates.all_pairs(), wall, tally))
    counts["templates"] = tally
    add_entry(mixture, "templates", "CC0 1.0 (written for Cuba)", {d: (8.0, HUMAN) for d in DIRECTIONS})
    for name, (licence, share) in MONOLINGUAL.items():
        prepare_synthetic(name, licence, share, work, wall, mixture, counts)
    files.replace_text(corpus / "counts.json", json.dumps(counts, indent=1))
    files.replace_text(corpus / "mixture.json", json.dumps(mixture, indent=1))
    return counts


def prepare_synthetic(name, licence, share, work, wall, mixture, counts) -> None:
    """Back-translated pairs for the direction into the human side, forward pairs for the other one."""
    path = work / "synthetic" / f"{name}.tsv"
    if not path.exists():
        return
    rows = [line.split("\t") for line in files.lines_of(path)]
    rows = [r for r in rows if len(r) == 4]
    into, out_of = ("es-en", "en-es") if name.startswith("en-") else ("en-es", "es-en")
    for suffix, chosen, direction, role, factor in (
        ("back", rows, into, BACK, 1.0),
        ("forward", [r for r in rows if r[2] == "1"], out_of, FORWARD, FORWARD_FACTOR),
    ):
        tally: dict[str, int] = {}
        entry = f"{name}.{suffix}"
        size = write_pairs(work / "corpus" / f"{entry}.tsv", clean.clean_pairs(((r[0], r[1]) for r in chosen), wall, tally))
        counts[entry] = tally
        if size:
            # A source of few sentences must not be repeated more often than it can bear.
            add_entry(mixture, entry, licence + ", other side by Apertium", {direction: (min(share, size / 2000) * factor, role)})


def add_entry(mixture: list, name: str, licence: str, use: dict) -> None:
    mixture.append({"name": name, "file": f"{name}.tsv", "licence": licence,
                    "use": {d: {"share": share, "role": role} for d, (share, role) in use.items()}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and eval/ (README.md says how to get it)")
    parser.add_argument("--work", type=Path, default=files.default_work())
    args = parser.parse_args()
    for name, tally in prepare(args.data, args.work).items():
        print(name, tally, file=sys.stderr)


if __name__ == "__main__":
    main()
