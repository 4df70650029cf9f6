"""The pack's recipe: what `cuba packs add models/gemma-translate` builds on the user's side.

`python -m cuba_training.gemma.recipe --small SMALL.gguf --folder models/gemma-translate`, once the folder holds the adapter, the
list of kept tokens and the notice. The base model's wheels are those of the built-in catalogue.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from .. import files

ROOT = Path(__file__).resolve().parents[4]
CATALOGUE = ROOT / "core" / "packs" / "catalogue" / "builtin.json"
PAIRS = ("en-es", "es-en", "en-fr", "fr-en")
KEEP, MODEL, BASE = "kept-tokens.bin", "gemma-3-270m-en-es-fr-q4_k_m.gguf", "gemma-3-270m"
BESIDE = (("adapter.gguf", "adapter"), ("NOTICE.txt", "licence"))
SEARCH = {"beam": 4, "length_penalty": 1.0}
"""How the engine searches: continuations followed side by side, and how their length is weighed."""
CONTEXT_BYTES = 160 << 20
"""Memory besides the weights: cache and buffers of a context of 2,048 tokens, with room."""


def content(path: Path) -> dict:
    with open(path, "rb") as data:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(data, "sha256").hexdigest()}


def recipe(small: Path, folder: Path, version: str) -> dict:
    catalogue = json.loads(CATALOGUE.read_text())
    base = next(offer for offer in catalogue["offers"] if offer["id"] == BASE)
    whole = base["files"][0]
    origin = {"via": "trimmed", "keep": KEEP, "base": {"size": whole["size"], "sha256": whole["sha256"], "parts": whole["origin"]["parts"]}}
    found = [{"path": MODEL, "role": "model", **content(small), "origin": origin}]
    found += [{"path": name, "role": role, **content(folder / name)} for name, role in BESIDE]
    size = sum(file["size"] for file in found)
    return {
        "schema": 1, "id": "gemma-translate", "version": version, "kind": "llm",
        "name": "Gemma 3 270M, trimmed to English, Spanish and French, with a translation adapter",
        "languages": ["en", "es", "fr"],
        "directions": [dict(zip(("from", "to"), pair.split("-"))) for pair in PAIRS],
        "licence": base["licence"],
        "needs": {"ram": size + CONTEXT_BYTES, "disk": size},
        "source": f"{base['source']}; adapter trained by models/training/cuba_training/gemma",
        "extra": base["extra"] | SEARCH,
        "files": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=Path, required=True, help="the trimmed model, to pin its content")
    parser.add_argument("--folder", type=Path, default=ROOT / "models" / "gemma-translate")
    parser.add_argument("--version", default="1")
    args = parser.parse_args()
    text = json.dumps(recipe(args.small, args.folder, args.version), indent=2, ensure_ascii=False)
    files.replace_text(args.folder / "recipe.json", text + "\n")


if __name__ == "__main__":
    main()
