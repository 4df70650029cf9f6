#!/usr/bin/env python3
"""Counts instructions per word of cuba-nmt, beside fxtranslate: a figure that a busy machine does not change.

    scripts/bench instructions [--shape tiny] [--lines 3]

x86-64 with the AVX2 kernels under valgrind (callgrind), which knows no AVX-512; ARMv8.0 under QEMU as a Cortex-A53, which
logs every translated block and every run of one. Loading is taken off: what counts is a text of several lines less a text
of its first line. One sentence at a time.
The last line is one JSON object.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

QEMU = ["qemu-aarch64-static", "-cpu", "cortex-a53", "-L", "/usr/aarch64-linux-gnu"]


def callgrind(command: list[str]) -> int:
    tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    done = subprocess.run(tool, capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def qemu(command: list[str], text: str) -> int:
    """Sum over all runs of all blocks of the instructions in the block."""
    tool = [*QEMU, "-d", "in_asm,exec,nochain", *command]
    process = subprocess.Popen(tool, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    process.stdin.write(text)
    process.stdin.close()
    lengths: dict[str, int] = {}
    total, block = 0, None
    for line in process.stderr:
        if line.startswith("Trace"):
            # "Trace 0: 0x7f... [00400000/0000000000401000/...]": the guest's address is the second field.
            total += lengths.get(line.split("[", 1)[1].split("/")[1].lstrip("0"), 0)
        elif line.startswith("IN:"):
            block = ""
        elif block is not None and line.startswith("0x"):
            address = line[2:].split(":")[0].lstrip("0")
            block = block or address
            lengths[block] = lengths.get(block, 0) + 1 if address != block else 1
        elif not line.strip():
            block = None
    if process.wait():
        sys.exit(f"{' '.join(command)} failed under QEMU")
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the example `bench` of cuba-nmt for this machine")
    parser.add_argument("--translate", help="the example `translate` of cuba-nmt for aarch64")
    parser.add_argument("--shape", default="tiny")
    parser.add_argument("--lines", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare = [args.bench, "--shape", args.shape, "--sentences", "40", "--prepare", place]
        subprocess.run(prepare, check=True)
        # Lines are in order of length: those of the middle, of about 17 words.
        lines = (folder / "text").read_text().split("\n")[18 : 18 + args.lines]
        words = sum(len(line.split()) for line in lines[1:])

        def per_word(count) -> float:
            totals = []
            for chosen in (lines[:1], lines):
                (folder / "text").write_text("\n".join(chosen))
                totals.append(count("\n".join(chosen)))
            return (totals[1] - totals[0]) / words / 1e6

        result = {"bench": "instructions", "shape": args.shape, "words": words}
        for engine in ("bare", "fxtranslate"):
            result[engine] = per_word(lambda _, e=engine: callgrind([args.bench, "--child", e, "avx2", "single", place]))
        result["ratio"] = result["bare"] / result["fxtranslate"]
        if args.translate:
            files = [args.translate, str(folder / "model.bin"), str(folder / "vocab.spm")]
            result["cortex_a53"] = per_word(lambda text: qemu(files, text + "\n"))
        for name in ("bare", "fxtranslate", "cortex_a53"):
            if name in result:
                print(f"{args.shape:12} {name:12} {result[name]:7.2f} M instructions a word")
        print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in result.items()}))


if __name__ == "__main__":
    main()
