"""The model card of a pack: what it is, what it learnt from, under which licences, how well it does, where it fails.

Everything is read from the files of the run (`training.json`, `mixture.json`, `counts.json`, `scores.json`), so the
card cannot say what did not happen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from . import corpus, evaluate, export, files, model, pack, parent
from .sources import BACK, FORWARD, HUMAN, MONOLINGUAL, PARALLEL, TECHNICAL, directions

NAMES = {"en": "English", "es": "Spanish", "fr": "French"}
ROLES = {HUMAN: "human", BACK: "back-translated", FORWARD: "forward-translated", TECHNICAL: "human, technical"}


def parameters(c: model.Config) -> int:
    return sum(a * b for a, b in model.matrix_shapes(c).values()) + sum(n for n, _ in model.vector_shapes(c).values())


def data_table(pair: str, mixture: list, counts: dict, drawn: dict) -> str:
    lines = ["| source | kind | pairs | drawn | licence |", "|---|---|---:|---:|---|"]
    for entry in mixture:
        use = entry["use"].get(pair)
        if use:
            kept = counts[entry["name"]].get("kept", 0)
            lines.append(f"| {entry['name']} | {ROLES[use['role']]} | {kept:,} | {drawn.get(entry['name'], 0):,} | {entry['licence']} |")
    listed = {entry["name"] for entry in mixture}
    lines += [earlier(pair, name, count) for name, count in drawn.items() if count and name not in listed]
    return "\n".join(lines)


def earlier(pair: str, name: str, count: int) -> str:
    """A source that an earlier run of this network drew from and the last one had no more: it is owed its line all the same."""
    both = "-".join(sorted(pair.split("-")))
    text, _, way = name.partition(".")
    if way:
        role = BACK if way == "back" else FORWARD
        licence = next(s.licence for s in MONOLINGUAL[both] if f"{s.language}-{s.name}" == text) + ", other side by machine"
    else:
        role, licence = next((s.role, s.licence) for s in PARALLEL[both] if s.name == text)
    return f"| {name} | {ROLES[role]} | earlier runs | {count:,} | {licence} |"


def beginning(learnt: dict) -> str:
    parent = learnt.get("parent")
    if not parent:
        return "from nothing"
    source, target = (NAMES[language] for language in parent["pair"].split("-"))
    return f"from the network of the {source}-{target} packs (after {parent['tokens'] / 1e6:.1f} million target tokens; their cards say of what)"


def card(pair: str, folder: Path, work: Path, scores: list) -> str:
    about = json.loads((folder / "training.json").read_text())
    _, mixture = corpus.read_mixture(work / "corpus")
    counts = json.loads((work / "corpus" / "counts.json").read_text())
    learnt = parent.total(about)
    c, direction = model.Config(**about["config"]), directions(about["pair"]).index(pair)
    int8_name, _, vocab_name = export.file_names(pair)
    data = (folder / int8_name).read_bytes()
    source, target = (NAMES[language] for language in pair.split("-"))
    rows = [row for row in scores if row["pair"] == pair]
    return f"""# {source} to {target}

A Marian student of {parameters(c) / 1e6:.1f} million parameters: {c.enc_depth} transformer encoder layers and {c.dec_depth} SSRU decoder layers
of width {c.dim_emb} (feed-forward {c.dim_ffn}, {c.heads} heads), joint vocabulary of {c.vocab:,} pieces, int8. It was trained {beginning(learnt)} on CPUs,
together with the other direction: {learnt['step']:,} steps, {learnt['tokens'] / 1e6:.1f} million target tokens of both directions,
{learnt['seconds'] / 3600:.1f} hours of wall time, in runs that went on from each other's packs.

| file | bytes | SHA-256 |
|---|---:|---|
| `{int8_name}` | {len(data):,} | `{hashlib.sha256(data).hexdigest()}` |
| `{vocab_name}` | {(folder / vocab_name).stat().st_size:,} | `{hashlib.sha256((folder / vocab_name).read_bytes()).hexdigest()}` |

## Scores

BLEU/chrF (sacreBLEU), greedy (the engine searches with a beam of {pack.BEAM}), int8, beside Apertium on the same lines. Safety: marked words kept / lost / replaced by a
dangerous one.

{evaluate.table(rows)}

Reproduce: `python -m cuba_training.evaluate --data DATA --packs FOLDER`.

## Data

All pairs that share a side of two or more words with a line of any evaluation set were removed first. "Drawn" counts the sentences this
direction has seen.

{data_table(pair, mixture, counts, learnt["drawn"][direction])}

No share-alike and no research-only text. The licence of the weights: CC BY 4.0, with the attributions of this table.

## Limits

- Names, numbers and rare words can be lost or replaced. Where health or safety depends on it, have a person check.
- Sentences of more than about 60 words were not in the training; split long text into sentences.
- It has seen mostly everyday, health, travel and public-service text; the forward-translated part carries mistakes of its rule-based teacher.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--packs", type=Path, help="folder with en-es/ and es-en/ (default: WORK/export)")
    parser.add_argument("--scores", type=Path, help="rows written by evaluate --json (default: PACKS/scores.json)")
    args = parser.parse_args()
    packs = args.packs or args.work / "export"
    scores = json.loads((args.scores or packs / "scores.json").read_text())
    for pair in directions(corpus.read_mixture(args.work / "corpus")[0]):
        if (packs / pair / "training.json").exists():
            files.replace_text(packs / pair / "README.md", card(pair, packs / pair, args.work, scores))


if __name__ == "__main__":
    main()
