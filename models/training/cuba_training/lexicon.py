"""The pack's lexicon: which source words the model has met often, and sure translations of those it has not.

A model is at its most dangerous on words it has hardly seen, and it does not know which these are. The corpus does:
`lexicon.<pair>.tsv` has a line `word TAB examples TAB translations` for every source word of the human pairs, most frequent
first. `examples` is the number of human pairs that hold the word, capped; an engine may show less confidence below ten, and
may force a listed translation. Translations are given for key words (hand-written), for rare words whose
association with one target word (Dice) is nearly exclusive, for others the likeliest (an engine may put it in place of a word
that came out untranslated), and for words that are the same in both languages.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path

from . import clean, corpus, files, templates
from .sources import HUMAN, directions

CAP, DICE, LIKELY, LIMIT, FAMILIAR = 1000, 0.7, 0.2, 30_000, 10
COMMON = 2000
"""A target word in more pairs than this is a function word: never the translation of a rare word."""


def human_pairs(work: Path, backward: bool):
    """(source words, target words) as sets, of every human pair."""
    _, entries = corpus.read_mixture(work / "corpus")
    for entry in entries:
        if {use["role"] for use in entry["use"].values()} == {HUMAN}:
            for sides in corpus.read_pairs(work / "corpus" / entry["file"]):
                source, target = sides[::-1] if backward else sides
                yield set(clean.key(source).split()), set(clean.key(target).split())


def associations(pairs: list) -> tuple[Counter, dict[str, str]]:
    """How many pairs hold each source word; and the target word that comes with it: nearly always where the word is
    rare, since there it is forced whatever the model says, most often where it is not, since there it only takes the place of
    a word that the model did not translate at all."""
    examples = Counter(word for source, _ in pairs for word in source)
    targets = Counter(word for _, target in pairs for word in target)
    together: dict[str, Counter] = defaultdict(Counter)
    for source, target in pairs:
        met = [word for word in source if 3 <= examples[word] <= COMMON and word.isalpha()]
        content = [word for word in target if targets[word] <= COMMON and word.isalpha()] if met else []
        for word in met:
            together[word].update(content)
    sure = {}
    for word, counts in together.items():
        scores = sorted(((2 * n / (examples[word] + targets[t]), t) for t, n in counts.items()), reverse=True)[:2]
        if not scores:
            continue
        alone = len(scores) == 1 or scores[0][0] > scores[1][0] + 0.15
        if examples[word] >= FAMILIAR and scores[0][0] >= LIKELY or scores[0][0] >= DICE and alone:
            sure[word] = scores[0][1]
    return examples, sure


def shared(pairs: list, examples: Counter) -> set[str]:
    """Words that often stay as they are (`hospital`, `no`): found in the target of a third of the pairs that hold them."""
    same = Counter(word for source, target in pairs for word in source & target)
    return {word for word, count in same.items() if 3 * count >= examples[word]}


def key_translations(pair: str, backward: bool) -> dict[str, list[str]]:
    table: dict[str, list[str]] = defaultdict(list)
    for word, forms in templates.key_words(pair):
        for form in forms:
            a, b = (form, word) if backward else (word, form)
            if b not in table[a]:
                table[a].append(b)
    return table


def make(work: Path, pair: str, backward: bool, output: Path) -> int:
    """Write the lexicon of direction `pair` (or its reverse); returns the number of lines."""
    pairs = list(human_pairs(work, backward))
    examples, sure = associations(pairs)
    same = shared(pairs, examples)
    keys = key_translations(pair, backward)
    rows = []
    for word, count in examples.most_common(LIMIT):
        translations = keys.pop(word, None) or ([sure[word]] if word in sure else [])
        # Among the translations of a rare word it would be forced: only where nothing else is known.
        if word in same and word not in translations and (count >= FAMILIAR or not translations):
            translations = [*translations, word]
        rows.append(f"{word}\t{min(count, CAP)}\t{'|'.join(translations)}\n")
    rows += [f"{word}\t{examples[word]}\t{'|'.join(forms)}\n" for word, forms in sorted(keys.items())]
    files.replace_text(output, "".join(rows))
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--output", type=Path, help="folder with the packs (default: WORK/export)")
    args = parser.parse_args()
    pair, _ = corpus.read_mixture(args.work / "corpus")
    for number, direction in enumerate(directions(pair)):
        path = (args.output or args.work / "export") / direction / f"lexicon.{direction.replace('-', '')}.tsv"
        print(path, make(args.work, pair, bool(number), path))


if __name__ == "__main__":
    main()
