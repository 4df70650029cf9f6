#!/usr/bin/env python3
"""Whether many lines through the command keep its speed and its memory.

    scripts/bench lines [--lines 10000] [--engine nmt|llm] [--pack ID] [--text FILE]

Lines go in at standard input as fast as they are taken; every tenth of them the resident memory of the process and the
words a second since the tenth before are noted. Without FILE the lines are made from a fixed list of words, the same every time,
English to Spanish. The last line is one JSON object; `ratio` is the last tenth's speed over the second's.
"""

import argparse
import json
import os
import random
import subprocess
import threading
import time
from pathlib import Path

SUBJECTS = "The doctor|My sister|A neighbour|The bus driver|Our teacher|The old man|Her friend|The nurse".split("|")
VERBS = "is looking for|bought|has lost|needs|will bring|does not like|forgot|found".split("|")
THINGS = "the keys|a ticket|some bread|the medicine|two chairs|a blue coat|the right bus|an answer|her phone|the map".split("|")
ENDS = ["this morning.", "near the station.", "before lunch.", "at home.", "again.", "in the old town, I think.", "and left."]


def made(count: int) -> list[str]:
    rng = random.Random(7)
    return [" ".join(rng.choice(part) for part in (SUBJECTS, VERBS, THINGS, ENDS)) for _ in range(count)]


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident in all, and the anonymous part (what the system cannot take back)."""
    rows = dict(row.split(":", 1) for row in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(rows[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuba", required=True)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--engine", default="nmt")
    parser.add_argument("--pack")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--text", type=Path, help="one sentence a line; repeated when it has too few")
    args = parser.parse_args()
    lines = args.text.read_text(encoding="utf-8").split("\n") if args.text else made(args.lines)
    lines = [line for line in lines if line.strip()]
    lines = [lines[i % len(lines)] for i in range(args.lines)]
    command = [args.cuba, "translate", "--from", "en", "--to", "es", "--engine", args.engine, "--threads", args.threads]
    command += ["--pack", args.pack] if args.pack else []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)

    def feed() -> None:
        process.stdin.write("\n".join(lines) + "\n")
        process.stdin.close()

    threading.Thread(target=feed, daemon=True).start()
    tenth, rows, words, began = max(1, args.lines // 10), [], 0, time.monotonic()
    count = 0
    for count, _ in enumerate(process.stdout, 1):
        words += len(lines[count - 1].split())
        if count % tenth == 0:
            now = time.monotonic()
            resident, anonymous = memory_mib(process.pid) if count < args.lines else (rows[-1]["rss_mib"], rows[-1]["anon_mib"])
            rows.append({"lines": count, "words_s": round(words / (now - began), 1), "rss_mib": round(resident, 1), "anon_mib": round(anonymous, 1)})
            print("{lines:7} lines {words_s:9.1f} words/s {rss_mib:7.1f} MiB resident {anon_mib:7.1f} MiB anonymous".format(**rows[-1]))
            words, began = 0, now
    assert process.wait() == 0 and count == args.lines, f"{count} of {args.lines} lines came back"
    print(json.dumps({"bench": "lines", "engine": args.engine, "lines": args.lines, "rows": rows,
                      "ratio": round(rows[-1]["words_s"] / rows[1]["words_s"], 3),
                      "grown_mib": round(rows[-1]["anon_mib"] - rows[1]["anon_mib"], 1)}))


if __name__ == "__main__":
    main()
