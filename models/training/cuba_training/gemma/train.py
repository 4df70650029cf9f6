"""Trains the adapter; survives any kill: start it again with the same command and it goes on where it was.

`python -m cuba_training.gemma.train --model SMALL.gguf --corpus WORK/corpus ... --work DIR --minutes 45 --finish 45`. The loss is
that of the translation's tokens only. The rate rises over the first steps, stays level and falls in a straight line over the
last `--finish` minutes of a session.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
import jax
import jax.numpy as jnp
import numpy as np

from .. import batches, files, products
from ..train import load, rate_at, save
from . import container, network, rows, tokens

SAVE_SECONDS, TELL_SECONDS, DEV_SECONDS = 240, 60, 1200
SETTINGS = dict(rate=1e-3, warmup=20, clip=1.0)
BETA1, BETA2, EPSILON = 0.9, 0.98, 1e-8
FIRST_LOSS = (0.8, 3.2)
"""Nats a token in which an untrained adapter starts (2.0 measured): anything else means wrong labels or weights."""


def losses(c: network.Config, weights: dict, lora: dict, batch: dict):
    """Sum of the targets' losses in nats, and their number."""
    states = network.hidden(c, weights, lora, batch["tokens"], batch["place"], batch["segment"])[batch["sites"]]
    table = weights["embedding"][batch["candidates"]]
    scores = network.scores(states, table) + batch["log_weight"]
    valid = batch["labels"] >= 0
    right = jnp.take_along_axis(scores, jnp.maximum(batch["labels"], 0)[:, None], 1)[:, 0]
    return jnp.where(valid, jax.nn.logsumexp(scores, -1) - right, 0.0).sum(), valid.sum()


def mesh_of(cores: int) -> jax.sharding.Mesh:
    return jax.make_mesh((cores,), ("core",), axis_types=(jax.sharding.AxisType.Auto,))


def make_step(c: network.Config, settings: dict, cores: int = 1):
    """One update from several small batches, stacked along a first axis of which each core takes its part."""

    def gradients(weights, lora, many):
        def add(total, batch):
            objective = lambda lora: losses(c, weights, lora, batch)
            (nll, count), grads = jax.value_and_grad(objective, has_aux=True)(lora)
            return jax.tree.map(jnp.add, total, (grads, nll, count)), None

        zero = jax.tree.map(jnp.zeros_like, lora), jnp.float32(0), jnp.int32(0)
        total, _ = jax.lax.scan(add, zero, many)
        return jax.lax.psum(total, "core")

    mesh, whole = mesh_of(cores), jax.P()
    spread = jax.shard_map(gradients, mesh=mesh, in_specs=(whole, whole, jax.P("core")), out_specs=whole, check_vma=False)

    def step(weights, state, many, rate):
        grads, nll, count = spread(weights, state["lora"], many)
        grads = {n: g / count for n, g in grads.items()}
        return adam(state, grads, rate, settings["clip"]), nll / count

    return jax.jit(step, donate_argnums=1)


def adam(state: dict, grads: dict, rate, clip: float) -> dict:
    norm = jnp.sqrt(sum((g**2).sum() for g in grads.values()))
    factor, step = jnp.minimum(1.0, clip / (norm + 1e-9)), state["step"] + 1
    first = {n: BETA1 * state["first"][n] + (1 - BETA1) * factor * g for n, g in grads.items()}
    second = {n: BETA2 * state["second"][n] + (1 - BETA2) * (factor * g) ** 2 for n, g in grads.items()}
    scale = rate * jnp.sqrt(1 - BETA2**step) / (1 - BETA1**step)
    lora = {n: p - scale * first[n] / (jnp.sqrt(second[n]) + EPSILON) for n, p in state["lora"].items()}
    return {"lora": lora, "first": first, "second": second, "step": step}


def fresh(c: network.Config, rank: int, seed: int) -> dict:
    lora = network.adapter(c, rank, seed)
    zeros = lambda: {n: np.zeros_like(v) for n, v in lora.items()}
    return {"lora": lora, "first": zeros(), "second": zeros(), "step": np.int32(0)}


class Dev:
    """The loss per direction on human pairs kept out of training, over the whole vocabulary's frequent part."""

    def __init__(self, c: network.Config, stream: rows.Stream):
        self.batches: dict[str, list[dict]] = {}
        for mixture in stream.mixtures:
            pairs = [(stream.encoder.question(s, mixture.direction), stream.encoder.answer(t)) for s, t in mixture.dev]
            self.batches[mixture.direction] = pack_all(pairs, stream)
        self.run = jax.jit(partial(losses, c))

    def __call__(self, weights: dict, lora: dict) -> dict[str, float]:
        result = {}
        for direction, many in self.batches.items():
            found = [self.run(weights, lora, batch) for batch in many]
            result[direction] = round(float(sum(n for n, _ in found) / sum(k for _, k in found)), 4)
        return result


def pack_all(pairs: list, stream: rows.Stream) -> list[dict]:
    """Batches of the pairs in order, a row after the other."""
    shape, rng, found = stream.shape, np.random.default_rng(5), []
    chosen, row, at, targets = [], 0, 0, 0
    for question, answer in pairs:
        size = len(question) + len(answer)
        if size > shape.length:
            continue
        if at + size > shape.length:
            row, at = row + 1, 0
        if row == shape.rows or targets + len(answer) > shape.targets:
            found.append(rows.batch_of(chosen, shape, stream.encoder.spm.get_piece_size(), stream.frequent, rng))
            chosen, row, at, targets = [], 0, 0, 0
        chosen.append((row, at, question, answer))
        at, targets = at + size, targets + len(answer)
    found.append(rows.batch_of(chosen, shape, stream.encoder.spm.get_piece_size(), stream.frequent, rng))
    return found


def train(args: argparse.Namespace) -> Path:
    args.work.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(args.work / "compiled"))
    jax.config.update("jax_num_cpu_devices", args.cores)
    checkpoint = args.work / "checkpoint.npz"
    model = container.Gguf(args.model)
    encoder = rows.Encoder(tokens.of(model))
    if checkpoint.exists():
        state, about = load(checkpoint)
    else:
        state, about = fresh(network.config_of(model), args.rank, args.seed), {"position": {"drawn": {}, "batches": 0}, "pairs": 0, "tokens": 0, "seconds": 0.0}
    shape = rows.Shape(args.rows, args.length, args.targets, args.candidates)
    about |= {"settings": SETTINGS | {"rate": args.rate}, "shape": asdict(shape), "model": args.model.name}
    stream = rows.Stream(args.corpus, encoder, shape, **about["position"], weights=args.weights)
    with products.tiles(args.work / "compiled"):
        c, weights = network.load(args.model)
        weights, state = jax.device_put((weights, state), jax.NamedSharding(mesh_of(args.cores), jax.P()))
        dev = Dev(c, stream)
        report(args.work, about | {"dev": check_first(dev(weights, state["lora"]), int(state["step"]))})
        loop(args, checkpoint, c, weights, state, about, stream, dev)
    return checkpoint


def check_first(found: dict[str, float], step: int) -> dict[str, float]:
    for direction, loss in found.items():
        if step == 0 and not FIRST_LOSS[0] < loss < FIRST_LOSS[1]:
            raise ValueError(f"{direction} starts with a loss of {loss}: labels, vocabulary and weights do not belong together")
    return found


class Window:
    """What happened since the last report."""

    def __init__(self):
        self.losses, self.pairs, self.tokens, self.begin = [], 0, 0, time.monotonic()

    def row(self) -> dict:
        seconds = time.monotonic() - self.begin
        mean = sum(map(float, self.losses)) / max(len(self.losses), 1)
        return {"loss": round(mean, 4), "pairs_s": round(self.pairs / seconds, 2), "tokens_s": round(self.tokens / seconds)}


def loop(args, checkpoint, c, weights, state, about, stream, dev) -> None:
    stop: list[bool] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.append(True))
    step, number = make_step(c, about["settings"], args.cores), int(state["step"])
    begin, before = time.monotonic(), about["seconds"]
    saved = judged = begin
    window = Window()
    while not stop:
        now = time.monotonic()
        left = args.steps - number if args.steps else args.minutes - (now - begin) / 60
        if left <= 0:
            break
        drawn = [stream.next() for _ in range(args.cores * args.batches)]
        window.pairs += sum(int(b.pop("pairs")) for b in drawn)
        window.tokens += sum(int((b["segment"] > 0).sum()) for b in drawn)
        many = {name: np.stack([b[name] for b in drawn]) for name in drawn[0]}
        state, loss = step(weights, state, many, np.float32(rate_at(number, left, args.finish, about["settings"])))
        window.losses.append(loss)
        loss.block_until_ready()
        number, about["position"] = number + 1, stream.position()
        about["seconds"] = before + time.monotonic() - begin
        if now - window.begin > TELL_SECONDS:
            window = tell(args.work, about, number, window)
        if now - judged > DEV_SECONDS:
            report(args.work, {"step": number, "dev": dev(weights, state["lora"])})
            judged = time.monotonic()
        if now - saved > SAVE_SECONDS:
            save(checkpoint, state, about)
            saved = time.monotonic()
    tell(args.work, about, number, window)
    save(checkpoint, state, about)
    report(args.work, {"step": number, "dev": dev(weights, state["lora"])})


def tell(work: Path, about: dict, number: int, window: Window) -> Window:
    about["pairs"] += window.pairs
    about["tokens"] += window.tokens
    report(work, {"step": number, "minutes": round(about["seconds"] / 60, 1), "pairs": about["pairs"], **window.row()})
    return Window()


def report(work: Path, row: dict) -> None:
    with open(work / "progress.jsonl", "a", encoding="utf-8") as out:
        out.write(json.dumps(row) + "\n")
    print(json.dumps(row), file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", type=Path, required=True, help="the trimmed GGUF")
    p.add_argument("--corpus", type=Path, nargs="+", required=True, help="corpus folders, one a language pair")
    p.add_argument("--weights", type=float, nargs="+", help="how often each corpus, or each direction of each, is drawn from beside the others")
    p.add_argument("--work", type=Path, default=files.default_work() / "gemma")
    p.add_argument("--minutes", type=float, default=45.0)
    p.add_argument("--steps", type=int, help="stop after this step instead")
    p.add_argument("--finish", type=float, default=0.0, help="minutes (or steps) at the end over which the rate falls to nothing")
    p.add_argument("--rate", type=float, default=SETTINGS["rate"])
    p.add_argument("--rank", type=int, default=32)
    p.add_argument("--rows", type=int, default=4)
    p.add_argument("--length", type=int, default=256)
    p.add_argument("--targets", type=int, default=512)
    p.add_argument("--candidates", type=int, default=8192)
    p.add_argument("--batches", type=int, default=2, help="of one update on each core")
    p.add_argument("--cores", type=int, default=1, help="each takes its share of every update")
    p.add_argument("--seed", type=int, default=1)
    return p


if __name__ == "__main__":
    train(parser().parse_args())
