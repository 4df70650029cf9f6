"""An exported model as a pack: `manifest.json` beside the files, in the form that `cuba packs add` and the starter packs have.

`python -m cuba_training.pack --output models/starter` copies WORK/export and writes the manifests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

from . import files, parent
from .sources import directions
from .export import file_names

NAMES = {"en": "English", "es": "Spanish", "fr": "French"}
BEAM = 4
"""Width of the search that the engine uses for these packs: 0.6 to 0.9 chrF over greedy for 1.4 times the time (docs/speed.md, Beams)."""
LENGTH_PENALTY = {"es": 1.5, "fr": 1.5}
"""Power of the length by which hypotheses are ranked. Out of English the packs write a tenth too little: 1.5 brings 0.2 to 0.4
chrF and a little BLEU on every set; into English it costs BLEU."""
RUNNING = 24 << 20
"""Anonymous memory of a translation of a few hundred lines, measured; the mapped files come on top."""


def manifest(folder: Path, pair: str, learnt: dict, scores: list[dict]) -> dict:
    source, target = pair.split("-")
    model, _, vocab = file_names(pair)
    roles = {model: "model", vocab: "vocab", f"lexicon.{source}{target}.tsv": "lexicon", "README.md": "card"}
    entries = []
    for name, role in roles.items():
        data = (folder / name).read_bytes()
        entries.append({"path": name, "role": role, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    size = sum(entry["size"] for entry in entries)
    metrics = {row["set"]: {"bleu": row["bleu"], "chrf": row["chrf"]} for row in scores
               if row["pair"] == pair and row["engine"] == "cuba" and "chrf" in row}
    return {
        "schema": 1, "id": pair, "version": f"0.1.{learnt['step']}", "kind": "nmt", "name": f"{NAMES[source]} to {NAMES[target]}, starter",
        "languages": [source, target], "directions": [{"from": source, "to": target}],
        "licence": {"id": "CC-BY-4.0", "name": "Creative Commons Attribution 4.0", "url": "https://creativecommons.org/licenses/by/4.0/",
                    "text": "Weights by the Cuba authors. README.md names the texts it learnt from, with their authors and licences."},
        "needs": {"ram": size + RUNNING, "disk": size}, "source": "trained by models/training in Cuba's own repository",
        "metrics": metrics, "files": entries, "extra": {"beam": BEAM, "length_penalty": LENGTH_PENALTY.get(target, 1.0), "training": learnt},
    }


def make(export: Path, output: Path, pair: str) -> Path:
    scores = json.loads((export / "scores.json").read_text(encoding="utf-8")) if (export / "scores.json").exists() else []
    about = json.loads((export / pair / "training.json").read_text(encoding="utf-8"))
    learnt = parent.total(about)
    learnt["drawn"] = learnt["drawn"][directions(about["pair"]).index(pair)]
    made = manifest(export / pair, pair, learnt, scores)
    folder = output / pair
    folder.mkdir(parents=True, exist_ok=True)
    for entry in made["files"]:
        shutil.copyfile(export / pair / entry["path"], folder / entry["path"])
    files.replace_text(folder / "manifest.json", json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--pair", default="en-es")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    for pair in directions(args.pair):
        print(make(args.work / "export", args.output, pair))


if __name__ == "__main__":
    main()
