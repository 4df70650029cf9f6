#!/usr/bin/env python3
"""Memory of the command with models of the base-memory shape resident, and how fast Ctrl-C ends it.

    scripts/bench command [--lines 400] [--tries 10]

Two different models of random weights are added as fr-en and en-es: one direction, then the pivot through English. The last line
is one JSON object.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path


def install(cuba: str, bench: str, place: Path, lines: int, env: dict) -> Path:
    made = place / "made"
    made.mkdir()
    subprocess.run([bench, "--shape", "base-memory", "--sentences", str(lines), "--prepare", str(made)], check=True)
    model = bytearray((made / "model.bin").read_bytes())
    for pair in ("fr-en", "en-es"):
        short, folder = pair.replace("-", ""), place / pair
        folder.mkdir()
        # One weight apart, or the store would keep one file for both.
        model[len(model) // 2] ^= 1
        (folder / f"model.{short}.intgemm.alphas.bin").write_bytes(model)
        (folder / f"vocab.{short}.spm").write_bytes((made / "vocab.spm").read_bytes())
        source, target = pair.split("-")
        add = [cuba, "packs", "add", str(folder), "--from", source, "--to", target, "--licence", "MPL-2.0"]
        subprocess.run(add, env=env, check=True, capture_output=True)
    return made / "text"


def peak_mib(command: list[str], text: bytes, env: dict) -> float:
    """Of a child of its own: the system keeps the largest of all children otherwise."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        subprocess.run(command, input=text, env=env, check=True, stdout=subprocess.DEVNULL)
        os.write(writing, str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return int(os.read(reading, 32)) / 1024


def interrupted_ms(command: list[str], text: bytes, env: dict, after: float) -> float:
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def feed():
        try:
            process.stdin.write(text)
            process.stdin.flush()
        except BrokenPipeError:
            pass

    # Its input stays open: a command that had read all of it might be about to end by itself.
    threading.Thread(target=feed, daemon=True).start()
    time.sleep(after)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130, "ended before it was interrupted"
    return (time.monotonic() - began) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuba", required=True)
    parser.add_argument("--bench", required=True, help="the example `bench` of cuba-nmt")
    parser.add_argument("--lines", type=int, default=400)
    parser.add_argument("--tries", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        env = {**os.environ, "CUBA_HOME": f"{place}/home"}
        env.pop("CUBA_STARTER_PACKS", None)
        text = install(args.cuba, args.bench, Path(place), args.lines, env).read_bytes()
        result: dict = {"bench": "command", "shape": "base-memory", "lines": args.lines}
        for name, pair in (("direct", ("en", "es")), ("pivot", ("fr", "es"))):
            command = [args.cuba, "translate", "--from", pair[0], "--to", pair[1], "--engine", "nmt"]
            stops = [interrupted_ms(command, text, env, 0.05 + 0.3 * n) for n in range(args.tries)]
            result[name] = {"peak_mib": round(peak_mib(command, text, env), 1), "interrupt_ms": round(max(stops), 1)}
            print(f"{name:7} peak {result[name]['peak_mib']:6.1f} MiB, Ctrl-C at most {result[name]['interrupt_ms']:5.1f} ms")
        print(json.dumps(result))


if __name__ == "__main__":
    main()
