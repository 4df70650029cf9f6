"""Training that survives any kill: start it again with the same command and it goes on where it was.

A checkpoint holds weights, moving average, optimiser state, data position and the loss curve, and is replaced
atomically every few minutes. `--minutes` bounds a session, or `--steps` the whole run; the learning rate falls in a
straight line over the finishing part and stays level otherwise, so a run may be prolonged as long as wished.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=true")
import jax
import numpy as np

from . import batches, corpus, files, model, optimise, parent, products, vocab, warmstart
from .sources import directions

SAVE_SECONDS = 240
KEEP_SECONDS = 1800
SETTINGS = dict(rate=1.6e-3, warmup=50, decay=0.02, smoothing=0.1, horizon=300.0)


def make_step(c: model.Config, settings: dict):
    """One update from several small batches, stacked along a first axis: their activations stay in the processor's cache,
    and the update, a fifth of the work after a single batch, is paid once."""

    def step(state, many, rate):
        def objective(params, batch):
            return model.loss(params, c, batch, settings["smoothing"])

        def add(total, batch):
            (_, (nll, count)), grads = jax.value_and_grad(objective, has_aux=True)(state["params"], batch)
            return {n: total[n] + g for n, g in grads.items()}, (nll, count)

        zero = jax.tree.map(jax.numpy.zeros_like, state["params"])
        total, (nll, count) = jax.lax.scan(add, zero, many)
        grads = {n: g / len(many["direction"]) for n, g in total.items()}
        number = state["step"] + 1
        params, opt, norm = optimise.update(state["params"], grads, state["opt"], number, rate, settings["decay"])
        mean = optimise.average(state["mean"], params, number, settings["horizon"])
        return {"params": params, "opt": opt, "mean": mean, "step": number}, (nll, count, norm)

    return jax.jit(step, donate_argnums=0)


def fresh(c: model.Config, seed: int, warm: Path | None = None) -> dict:
    """The state of step 0; `warm` is the embedding of `warmstart.py`, used when there is one."""
    params = model.initial(c, seed)
    if warm and warm.exists():
        warmstart.apply(params, c, warm)
    return first_state(params)


def first_state(params: dict) -> dict:
    return {"params": params, "opt": optimise.initial(params), "mean": {n: v.copy() for n, v in params.items()}, "step": np.int32(0)}


def flatten(tree: dict, prefix: str = "") -> dict[str, np.ndarray]:
    flat = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}/")
        else:
            flat[prefix + name] = np.asarray(value)
    return flat


def unflatten(flat) -> dict:
    tree: dict = {}
    for name in flat:
        *path, last = name.split("/")
        at = tree
        for part in path:
            at = at.setdefault(part, {})
        at[last] = flat[name]
    return tree


def save(path: Path, state: dict, about: dict) -> None:
    data = io.BytesIO()
    np.savez(data, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **flatten(state))
    files.replace_bytes(path, data.getvalue())


def load(path: Path) -> tuple[dict, dict]:
    """State and description of a checkpoint."""
    with np.load(path) as flat:
        about = json.loads(flat["about"].tobytes())
        return unflatten({n: flat[n] for n in flat.files if n != "about"}), about


class Curve:
    """The loss curve: a line of JSON a minute, and its picture."""

    def __init__(self, run: Path, names: tuple[str, str]):
        self.names = names
        self.path, self.picture = run / "progress.jsonl", run / "loss.png"

    def add(self, row: dict) -> None:
        with open(self.path, "a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        print(" ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()), file=sys.stderr, flush=True)

    def draw(self) -> None:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        rows = [json.loads(line) for line in self.path.read_text().splitlines()]
        figure, axes = plt.subplots(figsize=(7, 4))
        for direction in self.names:
            axes.plot([r["tokens"] / 1e6 for r in rows], [r.get(direction) for r in rows], label=direction)
        axes.set(xlabel="target tokens, millions", ylabel="cross entropy per token (nats)")
        axes.legend()
        axes.grid(alpha=0.3)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=110)
        plt.close(figure)
        files.replace_bytes(self.picture, picture.getvalue())


def rate_at(step: int, left: float, finish: float, settings: dict) -> float:
    """Warm-up, a level part, and a straight line to nothing over the last `finish` of the session; `left` in its unit."""
    warm = min(1.0, (step + 1) / settings["warmup"])
    return settings["rate"] * warm * (min(1.0, max(left, 0.0) / finish) if finish else 1.0)


def train(args: argparse.Namespace) -> Path:
    run = args.work / args.run
    run.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(args.work / "compiled"))
    checkpoint = run / "checkpoint.npz"
    shape, noise = batches.Shape(args.rows, args.length, args.candidates), batches.Noise(drop_word=args.drop_word)
    spm_path = args.work / "vocab.spm"
    settings = SETTINGS | {"rate": args.rate}
    if checkpoint.exists():
        state, about = load(checkpoint)
        c = model.Config(**about["config"])
    else:
        c = model.Config(args.dim, args.ffn, args.heads, args.enc, args.dec, vocab.load(spm_path).get_piece_size())
        warm = args.work / f"warm-{c.dim_emb}.npz"
        if args.parent:
            state = first_state(parent.start(args.parent, args.parent_pair, c, spm_path, warm))
        else:
            state = fresh(c, args.seed, warm)
        before = parent.history(args.parent, args.parent_pair) if args.parent else parent.NOTHING
        about = {"before": before, "config": c.as_dict(), "positions": [{"drawn": {}, "batches": 0}] * 2, "tokens": 0, "seconds": 0.0}
    about |= {"settings": settings, "shape": asdict(shape), "noise": asdict(noise)}
    about["pair"] = corpus.read_mixture(args.work / "corpus")[0]
    chosen = [0, 1] if args.direction == "both" else [directions(about["pair"]).index(args.direction)]
    streams = [batches.Stream(args.work / "corpus", spm_path, d, shape, noise, **about["positions"][d]) for d in chosen]
    prefetch, step = batches.Prefetch(streams), make_step(c, settings)
    try:
        with products.tiles(args.work / "compiled"):
            loop(args, run, checkpoint, state, about, prefetch, step, settings)
    finally:
        prefetch.close()
    return checkpoint


def loop(args, run, checkpoint, state, about, prefetch, step, settings) -> None:
    stop = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.append(True))
    curve, begin = Curve(run, directions(about["pair"])), time.monotonic()
    saved, kept, told, last = begin, begin, begin, begin
    window: dict[int, list] = {0: [], 1: []}
    before = about["seconds"]
    number = int(state["step"])
    while not stop:
        left = args.steps - number if args.steps else args.minutes - (last - begin) / 60
        if left <= 0:
            break
        drawn = [prefetch.next() for _ in range(args.batches)]
        many = {name: np.stack([batch[name] for batch, _, _ in drawn]) for name in drawn[0][0]}
        rate = rate_at(number, left, args.finish, settings)
        state, (nll, count, norm) = step(state, many, np.float32(rate))
        for (_, direction, position), one, tokens in zip(drawn, nll, count):
            window[direction].append((float(one), int(tokens), float(norm)))
            about["positions"] = [position if d == direction else p for d, p in enumerate(about["positions"])]
            about["tokens"] += int(tokens)
        number += 1
        last = time.monotonic()
        about["seconds"] = before + last - begin
        if last - told > 60:
            tell(curve, window, number, about, rate, last - told)
            told = last
        if last - saved > SAVE_SECONDS:
            save(checkpoint, state, about)
            curve.draw()
            saved = last
            if last - kept > KEEP_SECONDS:
                shutil.copyfile(checkpoint, run / f"kept-{number}.npz")
                kept = last
    tell(curve, window, number, about, 0.0, last - told)
    save(checkpoint, state, about)
    curve.draw()


def tell(curve, window, number, about, rate, seconds) -> None:
    if not any(window.values()):
        return
    row = {"step": number, "minutes": round(about["seconds"] / 60, 1), "tokens": about["tokens"], "rate": round(rate, 6)}
    for direction, name in enumerate(curve.names):
        rows = window[direction]
        row[name] = round(sum(r[0] for r in rows) / len(rows), 4) if rows else None
    rows = window[0] + window[1]
    row["norm"] = round(sum(r[2] for r in rows) / len(rows), 3)
    row["tokens_s"] = round(sum(r[1] for r in rows) / max(seconds, 1e-9), 1)
    curve.add(row)
    window[0].clear()
    window[1].clear()


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--work", type=Path, default=files.default_work())
    p.add_argument("--run", default="both", help="name of the run: a folder under --work")
    p.add_argument("--minutes", type=float, default=60.0)
    p.add_argument("--steps", type=int, help="stop after this step instead: the same result on any machine")
    p.add_argument("--finish", type=float, default=0.0, help="minutes (or steps) at the end over which the rate falls to nothing")
    p.add_argument("--parent", type=Path, help="folder of packs whose weights a new run starts from")
    p.add_argument("--parent-pair", default="en-es", help="the pair of those packs")
    p.add_argument("--direction", default="both", help="one direction only, such as en-es")
    p.add_argument("--rate", type=float, default=SETTINGS["rate"])
    p.add_argument("--rows", type=int, default=4)
    p.add_argument("--length", type=int, default=128, help="longest sentence, in pieces: a network is at a loss beyond what it has seen")
    p.add_argument("--candidates", type=int, default=1536)
    p.add_argument("--batches", type=int, default=8, help="batches of --rows to an update, alternating between the directions")
    p.add_argument("--drop-word", type=float, default=0.02)
    p.add_argument("--seed", type=int, default=1)
    for name, value in (("dim", 256), ("ffn", 1024), ("heads", 4), ("enc", 6), ("dec", 2)):
        p.add_argument(f"--{name}", type=int, default=value, help="size of a new model")
    return p


if __name__ == "__main__":
    train(parser().parse_args())
