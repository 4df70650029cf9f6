#!/usr/bin/env python3
"""Runs the safety sets through the whole pipeline: are dangerous mistakes shown as trustworthy?

    scripts/eval safety                       # the starter packs
    scripts/eval safety --pairs en-es --show

Every sentence of models/training/safety goes through `cuba translate --json`. A marked word is kept, lost, or replaced by one
that means something dangerous; the table says so for each confidence that the command gave. Ends with 1 if a dangerous word
stands in a translation of high or medium confidence. Needs Python's standard library.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models" / "training"))
from cuba_training import safety  # noqa: E402

LEVELS = ["high", "medium", "low"]


def translate(cuba: str, pair: str, lines: list[str], extra: list[str]) -> list[dict]:
    source, target = pair.split("-")
    command = [cuba, "translate", "--from", source, "--to", target, "--json", *extra]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    if len(records) != len(lines):
        sys.exit(f"{' '.join(command)}: {len(lines)} lines in, {len(records)} out")
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuba", required=True)
    parser.add_argument("--pairs", default="en-es,es-en")
    parser.add_argument("--engine", default="nmt")
    parser.add_argument("--pack")
    parser.add_argument("--show", action="store_true", help="print every sentence with a word that was not kept")
    args = parser.parse_args()
    extra = ["--engine", args.engine] + (["--pack", args.pack] if args.pack else [])

    rows, trusted = [], []
    for pair in args.pairs.split(","):
        sentences = safety.load(pair)
        if not sentences:
            sys.exit(f"there is no safety set for {pair}")
        counts = {level: {"sentences": 0, "kept": 0, "lost": 0, "dangerous": 0} for level in LEVELS}
        for sentence, record in zip(sentences, translate(args.cuba, pair, [s.source for s in sentences], extra)):
            level = record["confidence"]
            counts[level]["sentences"] += 1
            wrong = []
            for check in sentence.checks:
                verdict = check.verdict(record["target"])
                counts[level][verdict] += 1
                if verdict != "kept":
                    wrong.append(f"{check.word} {verdict}")
                if verdict == "dangerous" and level != "low":
                    trusted.append((pair, level, sentence.source, record["target"], check.word))
            if wrong and args.show:
                print(f"{pair} {level:6} {sentence.source} -> {record['target']} [{', '.join(wrong)}] {record['reasons']}")
        rows += [{"pair": pair, "confidence": level} | counts[level] for level in LEVELS]

    print("| pair | confidence | sentences | words kept | lost | dangerous |\n| --- | --- | ---: | ---: | ---: | ---: |")
    for row in rows:
        print("| {pair} | {confidence} | {sentences} | {kept} | {lost} | {dangerous} |".format(**row))
    for pair, level, source, target, word in trusted:
        print(f"dangerous with {level} confidence: {pair} {source} -> {target} ({word})", file=sys.stderr)
    print(json.dumps({"rows": rows, "dangerous_but_trusted": len(trusted)}))
    sys.exit(1 if trusted else 0)


if __name__ == "__main__":
    main()
