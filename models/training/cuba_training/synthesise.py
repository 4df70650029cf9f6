"""Synthetic sentence pairs from monolingual text, with Apertium or an own pack as the teacher.

A pair keeps which side a person wrote: back-translation (the target side is human) teaches a direction fluent
output, forward translation (the source side is human) teaches it words it has never seen, and also the
teacher's mistakes. `corpus.py` tags the pairs so that the model can tell the kinds apart.

An own pack knows everyday language better than Apertium once it is trained for a while, by the reference engine (`--pack`) or much faster
by a program (`--command "cuba translate --from es --to en --beam 1"`); its pairs serve back-translation only, since learning its own
output forward teaches nothing.

Resumable: the output is appended to in whole chunks, and the number of lines consumed is kept in a side file
that is replaced atomically after each chunk.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from .clean import normalise
from .files import default_work, lines_of, replace_text
from .sources import CHAINS

CHUNK = 1000
# Words Apertium's eng-spa is known to choose wrongly in health and travel talk: a forward pair with one of
# these teaches a dangerous substitution, so it is dropped (the human side is kept for later teachers).
BAD_FORWARD = re.compile(
    r"\b(tablets?|chest|please|left|right now|drug|drugs|patch|stool|stools|heartburn|stroke|sore|cramps?|bill|"
    r"babys?|pill|nurse|cold|ward|organ|period|discharge|shot|shots|strain|crown|gum|gums|cast|calf|temple|sole)\b",
    re.IGNORECASE,
)


def apertium(mode: str, sentences: list[str]) -> list[str]:
    """Translate whole sentences. Unknown words keep Apertium's asterisk.

    `-f line` joins the end of one line to the start of the next unless an empty line stands between them, so
    every sentence is followed by one and every second line of the answer is taken.
    """
    answer = subprocess.run(
        ["apertium", "-f", "line", mode],
        input="".join(s + "\n\n" for s in sentences),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    if len(answer) < 2 * len(sentences):
        raise RuntimeError(f"apertium {mode} gave {len(answer)} lines for {len(sentences)} sentences")
    return [repair(s, answer[2 * i], mode) for i, s in enumerate(sentences)]


def repair(source: str, target: str, mode: str) -> str:
    """Give back what Apertium's line mode loses: the last full stop and Spanish opening marks."""
    target = re.sub(r"\s+", " ", target.replace("#", "").replace("@", "")).strip()
    end = source.rstrip()[-1:]
    if end in ".!?" and target and target[-1] not in ".!?":
        target += end
    if mode.endswith("spa") and target:
        if end == "?" and "¿" not in target:
            target = "¿" + target
        if end == "!" and "¡" not in target:
            target = "¡" + target
    return target


def translate(chain: list[str], sentences: list[str]) -> list[str]:
    """Through one mode after the other; an asterisk marks what any of them did not know."""
    for mode in chain:
        known = [s.replace("*", "") for s in sentences]
        marks = [s.count("*") for s in sentences]
        sentences = ["*" * n + t for n, t in zip(marks, apertium(mode, known))]
    return sentences


def usable(source: str, target: str, unknown: int) -> bool:
    """Whether a pair is worth keeping at all (either direction of use)."""
    words = len(source.split())
    return bool(target) and 2 <= words <= 45 and unknown <= max(1, words // 8) and len(target) < 3 * len(source)


def synthesise(language: str, pair: str, source: Path, output: Path, limit: int, teacher, forward: bool = True) -> int:
    """Translate up to `limit` sentences of `source` with `teacher`; returns the number of pairs in `output`."""
    state_path = output.with_suffix(".state.json")
    state = json.loads(state_path.read_text()) if state_path.exists() else {"read": 0, "bytes": 0, "pairs": 0}
    output.parent.mkdir(parents=True, exist_ok=True)
    with open(output, "ab") as out:
        out.truncate(state["bytes"])
        chunk: list[str] = []
        for number, line in enumerate(lines_of(source)):
            if number < state["read"]:
                continue
            if number >= limit:
                break
            chunk.append(normalise(line))
            if len(chunk) == CHUNK:
                write_chunk(teacher, forward, language == pair[:2], source.stem, chunk, number + 1, out, state, state_path)
                chunk = []
        if chunk:
            write_chunk(teacher, forward, language == pair[:2], source.stem, chunk, state["read"] + len(chunk), out, state, state_path)
    return state["pairs"]


def write_chunk(teacher, forward, human_first, name, chunk, read, out, state, state_path) -> None:
    for human, machine in zip(chunk, teacher(chunk)):
        unknown = machine.count("*")
        machine = machine.replace("*", "")
        if not usable(human, machine, unknown):
            continue
        forward_ok = int(forward and not BAD_FORWARD.search(human) and unknown == 0)
        sides = (human, machine) if human_first else (machine, human)
        out.write(f"{sides[0]}\t{sides[1]}\t{forward_ok}\t{name}\n".encode())
        state["pairs"] += 1
    out.flush()
    os.fsync(out.fileno())
    state.update(read=read, bytes=out.tell())
    replace_text(state_path, json.dumps(state))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pair", default="en-es")
    parser.add_argument("--language", required=True, help="language of the human text")
    parser.add_argument("--limit", type=int, default=10**9)
    parser.add_argument("--pack", type=Path, help="folder of an own pack that translates from --language: the teacher instead of Apertium")
    parser.add_argument("--command", help="a program that does the same, a sentence a line")
    parser.add_argument("--qwen", type=Path, help="Qwen 2.5 as a GGUF file (`gemma/qwen.py`)")
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    first, second = args.pair.split("-")
    other = second if args.language == first else first
    if args.pack or args.command:
        from .evaluate import CommandEngine, PackEngine

        teacher = CommandEngine(args.command) if args.command else PackEngine(args.pack, f"{args.language}-{other}")
    elif args.qwen:
        from .gemma.qwen import Teacher

        teacher = Teacher(args.qwen, f"{args.language}-{other}", default_work() / "compiled")
    else:
        chain = CHAINS[args.language, other]

        def teacher(chunk):
            return translate(chain, chunk)
    pairs = synthesise(args.language, args.pair, args.source, args.output, args.limit, teacher, forward=not (args.pack or args.command))
    print(f"{args.output.name}: {pairs} pairs", file=sys.stderr)


if __name__ == "__main__":
    main()
