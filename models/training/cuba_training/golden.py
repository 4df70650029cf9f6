"""Golden files: what an exported model answers, step by step, for the engine to be checked against.

`golden.json`: for each text its token ids, the encoder's output, the logits of the first two decoder steps and the
greedy translation, computed by `reference.py` (which the tests hold equal to the training framework).
`--fixtures` makes a complete tiny model, trained for a minute, small enough to live in the repository.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from . import corpus, export, files, reference, train, vocab

TEXTS = {
    "en": ["Hello.", "I am tired.", "Where is the station?", "He gave me 25 euros, not 52.", "Ünknown ☃ words: naïve café №1", "a"],
    "es": ["Hola.", "Estoy cansado.", "¿Dónde está la estación?", "Me dio 25 euros, no 52.", "Palabras ☃ raras: pingüino ①", "y"],
    "fr": ["Bonjour.", "Je suis fatigué.", "Où est la gare ?", "Il m'a donné 25 euros, pas 52.", "Mots ☃ rares : œuf ①", "y"],
}


def rounded(values: np.ndarray) -> list:
    return [float(f"{v:.6g}") for v in np.asarray(values).reshape(-1)]


def golden(engine: reference.Reference, processor, texts: list[str]) -> list[dict]:
    rows = []
    for text in texts:
        ids = [*processor.encode(text), vocab.EOS]
        encoded, context, mask, cells = engine.start([ids])
        first = engine.logits(engine.step(None, 0, cells, context, mask))[0]
        second = engine.logits(engine.step(np.array([first.argmax()]), 1, cells, context, mask))[0]
        target = engine.greedy([ids])[0]
        rows.append({"text": text, "source_ids": ids, "encoder": rounded(encoded), "logits_0": rounded(first), "logits_1": rounded(second),
                     "second_input": int(first.argmax()), "greedy_ids": target, "greedy_text": processor.decode(target)})
    return rows


def write_golden(folder: Path, pair: str) -> None:
    int8_name, float_name, vocab_name = export.file_names(pair)
    processor = vocab.load(folder / vocab_name)
    for name, kind in ((int8_name, "int8"), (float_name, "float32")):
        if (folder / name).exists():
            rows = golden(reference.Reference.load(folder / name), processor, TEXTS[pair[:2]])
            files.replace_text(folder / f"golden.{kind}.json", json.dumps({"model": name, "sentences": rows}, ensure_ascii=False, indent=0))


def make_fixtures(work: Path, output: Path, minutes: float) -> None:
    """A model of 32 dimensions on the shortest Tatoeba pairs: it knows a few phrases, no more."""
    small = work / "fixture"
    pairs = [p for p in corpus.read_pairs(work / "corpus" / "tatoeba-manythings.tsv") if len(p[0].split()) <= 4]
    corpus.write_pairs(small / "corpus" / "tatoeba-manythings.tsv", pairs)
    entries: list = []
    corpus.add_entry(entries, "tatoeba-manythings", "CC BY 2.0 FR", {d: (1.0, corpus.HUMAN) for d in ("en-es", "es-en")})
    corpus.write_mixture(small / "corpus", "en-es", entries)
    spm_path = vocab.train(small, 600)
    args = train.parser().parse_args(["--work", str(small), "--run", "tiny", "--minutes", str(minutes), "--finish", str(minutes / 3),
                                      "--dim", "32", "--ffn", "64", "--heads", "2", "--enc", "2", "--dec", "2", "--rate", "4e-3"])
    params, c, _ = export.averaged([train.train(args)])
    processor = vocab.load(spm_path)
    # One direction is enough for the repository.
    export.export(params, c, 0, spm_path, export.calibration(small, processor, 0, 64), output, "en-es", with_float=True)
    write_golden(output, "en-es")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--fixtures", type=Path, help="make the tiny model and its golden files in this folder")
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--pack", type=Path, help="write golden files beside this exported pack (folder named as its pair)")
    args = parser.parse_args()
    if args.fixtures:
        make_fixtures(args.work, args.fixtures, args.minutes)
    if args.pack:
        write_golden(args.pack, args.pack.name)


if __name__ == "__main__":
    main()
