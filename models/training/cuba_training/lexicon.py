"""The pack's lexicon: which source words the model has met often, and sure translations of those it has not.

A model is at its most dangerous on words it has hardly seen, and it does not know which these are. The corpus does:
`lexicon.<pair>.tsv` has a line `word TAB examples TAB translations` for the source words of the human pairs
and for those that only synthetic pairs hold, sorted by word. `examples` is the number of human pairs that hold the word, capped; an engine may show less confidence below ten, and
may force a listed translation. Translations are given for key words (hand-written), for rare words whose
association with one target word (Dice) is nearly exclusive, for others the likeliest (an engine may put it in place of a word
that came out untranslated), and for words that are the same in both languages. What human pairs do not say of a rare word,
synthetic ones do: their teacher translates a word the same way nearly always. A word that no line lists was never met: a name.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from . import clean, corpus, files, templates
from .sources import BACK, FORWARD, HUMAN, directions
from .synthesise import BAD_FORWARD

CAP, DICE, LIKELY, LIMIT, FAMILIAR = 1000, 0.7, 0.2, 30_000, 10
COMMON = 2000
"""A target word in more pairs than this is a function word: never the translation of a rare word."""
SELDOM, SHARE, LEAST_DICE = 4, 0.8, 0.3
"""Synthetic pairs that must hold a word; the share of them that hold its translation too, where Dice is not over `DICE` since several
forms of the word have the same one."""


@dataclass
class Words:
    """(words, words) as sets of every human and of every synthetic pair, in the order of the pair's languages."""

    human: list[tuple[set[str], set[str]]]
    synthetic: list[tuple[set[str], set[str]]]

    def turned(self) -> "Words":
        return Words(*([(b, a) for a, b in pairs] for pairs in (self.human, self.synthetic)))


def read(work: Path) -> Words:
    _, entries = corpus.read_mixture(work / "corpus")
    words = Words([], [])
    for entry in entries:
        roles = corpus.roles(entry)
        pairs = words.human if roles == {HUMAN} else words.synthetic if roles <= {BACK, FORWARD} else None
        if pairs is not None:
            keyed = ((clean.key(side).split() for side in sides) for sides in corpus.read_pairs(work / "corpus" / entry["file"]))
            pairs += [(set(a), set(b)) for a, b in keyed]
    return words


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


def dictionary(pairs: list, examples: Counter) -> dict[str, str]:
    """The words of synthetic pairs that human ones hardly hold, most frequent first, with the one translation that the teacher
    has for them, or nothing where it has several or is known to choose wrongly."""
    sources = Counter(word for source, _ in pairs for word in source)
    targets = Counter(word for _, target in pairs for word in target)
    wanted = {w for w, count in sources.items() if count >= SELDOM and examples[w] < FAMILIAR and w.isalpha() and len(w) > 1}
    together: dict[str, Counter] = defaultdict(Counter)
    for source, target in pairs:
        if met := [word for word in source if word in wanted]:
            content = [word for word in target if targets[word] <= COMMON and word.isalpha()]
            for word in met:
                together[word].update(content)
    found = {}
    for word in sorted(wanted, key=lambda w: (-sources[w], w)):
        scores = sorted(((2 * n / (sources[word] + targets[t]), n / sources[word], t) for t, n in together[word].items()), reverse=True)[:2]
        sure = bool(scores) and (scores[0][0] >= DICE or scores[0][0] >= LEAST_DICE and scores[0][1] >= SHARE)
        alone = len(scores) == 1 or sure and scores[0][0] > scores[1][0] + 0.15
        found[word] = scores[0][2] if sure and alone and not BAD_FORWARD.search(word) else ""
    return found


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


def make(words: Words, pair: str, backward: bool, output: Path) -> int:
    """Write the lexicon of direction `pair` (or its reverse); returns the number of lines."""
    words = words.turned() if backward else words
    examples, sure = associations(words.human)
    machine = dictionary(words.synthetic, examples)
    same = shared(words.human, examples)
    keys = key_translations(pair, backward)
    rows = []
    for word, count in examples.most_common(LIMIT):
        likely = sure.get(word) or machine.get(word)
        translations = keys.pop(word, None) or ([likely] if likely else [])
        # Among the translations of a rare word it would be forced: only where nothing else is known.
        if word in same and word not in translations and (count >= FAMILIAR or not translations):
            translations = [*translations, word]
        rows.append(f"{word}\t{min(count, CAP)}\t{'|'.join(translations)}\n")
    rows += [f"{word}\t{examples[word]}\t{'|'.join(forms)}\n" for word, forms in sorted(keys.items())]
    listed = {row.partition("\t")[0] for row in rows}
    rest = [(word, translation) for word, translation in machine.items() if word not in listed]
    rows += [f"{word}\t{examples[word]}\t{translation}\n" for word, translation in rest[:LIMIT]]
    files.replace_text(output, "".join(sorted(rows, key=lambda row: row.partition("\t")[0])))
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--output", type=Path, help="folder with the packs (default: WORK/export)")
    args = parser.parse_args()
    pair, _ = corpus.read_mixture(args.work / "corpus")
    words = read(args.work)
    for number, direction in enumerate(directions(pair)):
        path = (args.output or args.work / "export") / direction / f"lexicon.{direction.replace('-', '')}.tsv"
        print(path, make(words, pair, bool(number), path))


if __name__ == "__main__":
    main()
