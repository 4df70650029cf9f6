"""Which tokens a trimmed model keeps: those that the languages' text is made of, and all they are merged from.

`python -m cuba_training.gemma.choose --model BASE.gguf --data DATA --corpus WORK/corpus ... --output kept-tokens.bin`. Reads the
permissive monolingual text and the sentence pairs, never an evaluation set. Every byte stays, so any text can be written;
a dropped word only takes more tokens.
"""

from __future__ import annotations

import argparse
import sys
import unicodedata
from pathlib import Path

import numpy as np

from .. import corpus, files
from ..sources import BACK, FORWARD
from . import container, tokens, trim

LANGUAGES = ("en", "es", "fr")
SIZE = 64_000
"""Kept tokens; 68,000 cover 99.9 % of running text, and the last thousands occur once in 170 MB."""
SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>")
HELD_OUT = 50
"""Every so many-th line is not counted, and measures the coverage instead."""


def lines(data: Path, corpora: list[Path]):
    for language in LANGUAGES:
        for path in sorted((data / "mono" / "permissive" / language).glob("*.txt.xz")):
            yield from files.lines_of(path)
    for folder in corpora:
        for entry in corpus.read_mixture(folder)[1]:
            if not corpus.roles(entry) & {BACK, FORWARD}:
                for pair in corpus.read_pairs(folder / entry["file"]):
                    yield from pair


def count(model: container.Gguf, texts) -> tuple[np.ndarray, list[str]]:
    """How often each token occurs, and the lines held out."""
    spm, held = tokens.of(model), []
    counts = np.zeros(spm.get_piece_size(), np.int64)
    for number, line in enumerate(texts):
        if number % HELD_OUT == 0:
            held.append(line)
        else:
            np.add.at(counts, spm.encode(" " + line), 1)
    return counts, held


def is_plain(piece: str) -> bool:
    """A single character of Latin script, a digit, a mark, a sign or a picture: one row each, and people do type them."""
    character = piece.removeprefix(tokens.SPACE)
    if len(character) != 1:
        return piece == tokens.SPACE
    kind = unicodedata.category(character)
    return kind[0] in "PSNZ" and ord(character) < 0x3000 or 0x1F300 <= ord(character) < 0x1FB00 or "LATIN" in unicodedata.name(character, "")


def always(model: container.Gguf) -> set[int]:
    """Tokens kept whatever the text says: control, bytes, white space, single characters."""
    kinds = model.array("tokenizer.ggml.token_type", "<i4")
    found = set()
    for i, raw in enumerate(model.entry("tokenizer.ggml.tokens").elements):
        piece = raw.decode(errors="replace")
        white = kinds[i] == tokens.USER and not piece.strip().strip(tokens.SPACE)
        if piece in SPECIAL or kinds[i] == tokens.BYTE or white or is_plain(piece):
            found.add(i)
    return found


def choose(model: container.Gguf, counts: np.ndarray, size: int) -> np.ndarray:
    """The most frequent tokens with all their parts, up to `size`."""
    merges = tokens.Merges(model)
    kept = set().union(*map(merges.path, always(model)))
    for token in np.argsort(-counts, kind="stable"):
        if counts[token] == 0 or len(kept) >= size:
            break
        if int(token) not in kept:
            kept |= merges.path(int(token))
    return np.array(sorted(kept))


def coverage(model: container.Gguf, kept: np.ndarray, held: list[str]) -> dict:
    """Share of held-out tokens that stay, and how much longer the text gets."""
    whole, small, stays = tokens.of(model), tokens.of(model, kept), set(kept.tolist())
    before = [t for line in held for t in whole.encode(" " + line)]
    after = sum(len(small.encode(" " + line)) for line in held)
    return {"tokens": len(before), "kept": sum(t in stays for t in before) / len(before), "longer": after / len(before) - 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, nargs="*", default=[], help="corpus folders of the pairs")
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    model = container.Gguf(args.model)
    counts, held = count(model, lines(args.data, args.corpus))
    kept = choose(model, counts, args.size)
    trim.write_keep(args.output, kept, len(counts))
    print(f"{len(kept)} tokens, rarest counted {counts[kept][counts[kept] > 0].min()}: {coverage(model, kept, held)}", file=sys.stderr)


if __name__ == "__main__":
    main()
