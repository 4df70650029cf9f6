"""The joint SentencePiece vocabulary: unigram, byte fallback, digits split, key words kept whole.

Ids as Marian expects them: `</s>` 0, `<unk>` 1, no start and no padding piece.
"""

from __future__ import annotations

import argparse
import io
import random
from pathlib import Path

import sentencepiece as spm

from . import corpus, files, templates

EOS, UNK = 0, 1
KEY_WORD_REPEATS, SENTENCES_PER_REPEAT = 300, 2000
PER_SOURCE = 60_000


def sentences(work: Path, seed: int = 1):
    """The human sides of every human source, at most `PER_SOURCE` pairs each, technical prose thinned."""
    rng = random.Random(seed)
    pair, entries = corpus.read_mixture(work / "corpus")
    first, second = (f"{language}-" for language in pair.split("-"))
    count = 0
    for entry in entries:
        pairs = list(corpus.read_pairs(work / "corpus" / entry["file"]))
        roles = {use["role"] for use in entry["use"].values()}
        limit = PER_SOURCE if roles == {corpus.HUMAN} else PER_SOURCE // 6
        for one, other in rng.sample(pairs, min(limit, len(pairs))):
            count += 2
            if roles != {corpus.BACK} or entry["name"].startswith(first):
                yield one
            if roles != {corpus.BACK} or entry["name"].startswith(second):
                yield other
    for word, translations in templates.key_words(pair):
        for _ in range(min(KEY_WORD_REPEATS, 1 + count // SENTENCES_PER_REPEAT)):
            for form in (word, *translations):
                yield form
                yield templates.capital(form)


def train(work: Path, size: int, output: Path | None = None) -> Path:
    output = output or work / "vocab.spm"
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=sentences(work), model_writer=model, vocab_size=size, model_type="unigram",
        byte_fallback=True, split_digits=True, character_coverage=0.9998, normalization_rule_name="nmt_nfkc",
        bos_id=-1, eos_id=EOS, unk_id=UNK, pad_id=-1, num_threads=2, max_sentence_length=1000,
        input_sentence_size=900_000, shuffle_input_sentence=True, minloglevel=2,
    )
    files.replace_bytes(output, model.getvalue())
    return output


def load(path: Path) -> spm.SentencePieceProcessor:
    return spm.SentencePieceProcessor(model_file=str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--size", type=int, default=12_000)
    args = parser.parse_args()
    print(train(args.work, args.size))


if __name__ == "__main__":
    main()
