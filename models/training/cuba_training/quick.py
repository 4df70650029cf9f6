"""The whole pipeline in minutes: corpus, vocabulary, warm start, training, export, evaluation, and a verdict.

A small network (1.6 M parameters, both directions). It fails when the exported int8 pack does not reach the chrF stated here,
so a fault anywhere between the text and the pack shows. With `--data` it learns from everyday human pairs and is measured
on Tatoeba's test set; without, from the hand-written pairs of `templates/`, on a twelfth of them that is held out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import corpus, evaluate, export, files, templates, train, vocab, warmstart

SOURCES = {"tatoeba-manythings", "storybooks", "mintaka"}
VOCABULARY = 6000
OWN_VOCABULARY = 2000
SIZES = ["--dim", "128", "--ffn", "512", "--heads", "4", "--enc", "3", "--dec", "1", "--rows", "8", "--length", "64", "--batches", "2"]
"""Few batches to an update: a small network that has seen little gains more from another update than from a surer one."""
STEPS, OWN_STEPS = 1200, 300
FLOOR, OWN_FLOOR = 30.0, 60.0
"""chrF, en-es, that the pack must beat after so many steps: measured were 34.7 (four minutes of one core) and 73.7 (one minute)."""


def run(data: Path, work: Path, steps: int, vocabulary: int = VOCABULARY, sizes: list[str] = SIZES) -> float:
    """chrF of the small pack made from `data` in `work`, on 300 random lines of Tatoeba."""
    corpus.prepare(data, work, "en-es", SOURCES)
    return measure(work, steps, vocabulary, sizes, *evaluate.load_set(data, "tatoeba", "en-es", 300))


def run_own(work: Path, steps: int) -> float:
    """chrF of the small pack made from the hand-written pairs, on those held out."""
    folder = work / "data" / "eval" / "templates"
    held = [pair for pair in templates.all_pairs("en-es") if min(len(side.split()) for side in pair) >= 3][::12]
    for side, language in enumerate(("en", "es")):
        files.replace_text(folder / f"{language}.txt", "".join(f"{pair[side]}\n" for pair in held))
    corpus.prepare(work / "data", work, "en-es", set())
    return measure(work, steps, OWN_VOCABULARY, SIZES, *map(list, zip(*held)))


def measure(work: Path, steps: int, vocabulary: int, sizes: list[str], source: list[str], target: list[str]) -> float:
    vocab.train(work, vocabulary)
    warmstart.make(work, int(sizes[1]))
    args = train.parser().parse_args(["--work", str(work), "--run", "quick", "--steps", str(steps), "--finish", str(steps // 3),
                                      *sizes])
    params, c, about = export.averaged([train.train(args)])
    processor = vocab.load(work / "vocab.spm")
    folder = work / "export" / "en-es"
    export.export(params, c, 0, work / "vocab.spm", export.calibration(work, processor, 0), folder, "en-es")
    files.replace_text(folder / "training.json", json.dumps(about))
    return evaluate.score(evaluate.PackEngine(folder, "en-es")(source), target)["chrf"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with train/ and eval/; without it the pairs of templates/")
    parser.add_argument("--work", type=Path, default=files.default_work() / "quick")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--floor", type=float)
    args = parser.parse_args()
    text, steps, floor = ("Tatoeba", STEPS, FLOOR) if args.data else ("held-out hand-written pairs", OWN_STEPS, OWN_FLOOR)
    steps, floor = args.steps or steps, args.floor or floor
    chrf = run(args.data, args.work, steps) if args.data else run_own(args.work, steps)
    print(f"{text} en-es chrF {chrf} (must beat {floor})")
    sys.exit(chrf <= floor)


if __name__ == "__main__":
    main()
