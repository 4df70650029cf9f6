"""Start from published packs instead of from nothing.

The two packs of a pair are one network seen from two sides (`export.py`), so they can be put together again: the shared
matrices from either, the vectors of each direction from its own. What a pack no longer tells, the vectors of the other kinds of
pairs, starts at zero. int8 rounding and the lost optimiser state cost a few hundred steps, not the training.

A pair with another vocabulary takes over everything but the embedding. The rows of pieces that both vocabularies have are
taken over too; the others are where the warm start's map of the new pair (`warmstart.py`) says, carried over into the
parent's space by the linear map that fits the shared pieces best (Mikolov et al. 2013): a French word starts where the
English words are that it comes with.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from . import export, marian, model, vocab
from .sources import directions

RIDGE = 1e-2


def dequantise(item: marian.Item) -> np.ndarray:
    """A matrix or vector as float32, [K, N] as declared."""
    if item.kind != marian.INTGEMM8:
        return np.array(item.values, np.float32)
    values = item.values.astype(np.float32) / np.float32(item.multiplier)
    return values if marian.is_embedding(item.name) else np.ascontiguousarray(values.T)


def join(folder: Path, pair: str, c: model.Config) -> dict[str, np.ndarray]:
    """The training weights out of the packs `folder/<direction>` of `pair`."""
    sides = []
    for direction in directions(pair):
        items = marian.load(folder / direction / export.file_names(direction)[0])
        sides.append({name: dequantise(item) for name, item in items.items() if item.kind in (marian.INTGEMM8, marian.FLOAT32)})
    params = {}
    for name, shape in model.matrix_shapes(c).items():
        if sides[0].get(name, np.zeros(0)).shape[1:] != shape[1:]:
            raise ValueError(f"{folder}: {name} is not of the shape {shape}: these packs are of another size of network")
        params[name] = (sides[0][name] + sides[1][name]) / 2
    for name in model.vector_shapes(c):
        params[name] = np.stack([side[name].reshape(-1) for side in sides])
    # The folded vectors differ between the packs by one vector for all rows: half of it each way.
    half = (sides[0]["Wemb"] - sides[1]["Wemb"]).mean(0) / 2
    params["direction"] = np.stack([half, -half]).astype(np.float32)
    params["kind"] = np.zeros((model.KINDS, c.dim_emb), np.float32)
    return params


NOTHING = {"step": 0, "tokens": 0, "seconds": 0.0, "drawn": [{}, {}]}
COUNTS = ("step", "tokens", "seconds")


def history(folder: Path, pair: str) -> dict:
    """What the packs of `pair` learnt from before, as their manifests tell it."""
    told = [json.loads((folder / direction / "manifest.json").read_text(encoding="utf-8")).get("extra", {}).get("training") for direction in directions(pair)]
    if not all(told):
        return NOTHING
    began = {"parent": told[0]["parent"]} if "parent" in told[0] else {}
    return {**{key: told[0][key] for key in COUNTS}, "drawn": [t["drawn"] for t in told], "pair": pair, **began}


def total(about: dict) -> dict:
    """All that a run's network has learnt from in its pair: `about` and what came before it. A network that began as that of
    another pair says so under `parent`; what that one learnt from stands in its own packs."""
    before, own = about.get("before", NOTHING), {key: about[key] for key in COUNTS}
    if before.get("pair", about["pair"]) != about["pair"]:
        return {**own, "drawn": [position["drawn"] for position in about["positions"]],
                "parent": {"pair": before["pair"], **{key: before[key] for key in COUNTS}}}
    drawn = [{name: old.get(name, 0) + new["drawn"].get(name, 0) for name in {**old, **new["drawn"]}}
             for old, new in zip(before["drawn"], about["positions"])]
    began = {"parent": before["parent"]} if "parent" in before else {}
    return {**{key: before[key] + own[key] for key in COUNTS}, "drawn": drawn, **began}


def carry(params: dict, parent_spm, child_spm, warm: np.ndarray) -> dict:
    """The same network for another vocabulary; `warm` [pieces, dim] is the map of the new pair."""
    old = {parent_spm.id_to_piece(i): i for i in range(parent_spm.get_piece_size())}
    pieces = [child_spm.id_to_piece(i) for i in range(child_spm.get_piece_size())]
    mine = np.array([i for i, piece in enumerate(pieces) if piece in old])
    theirs = np.array([old[pieces[i]] for i in mine])
    rows = params["Wemb"][theirs]
    centre = rows.mean(0)
    gram = warm[mine].T @ warm[mine] + RIDGE * len(mine) / warm.shape[1] * np.eye(warm.shape[1])
    mapped = warm @ np.linalg.solve(gram, warm[mine].T @ (rows - centre))
    # A least-squares map shrinks what it is unsure of; the length of a row says how loud a word is.
    loud = np.linalg.norm(rows - centre, axis=1).mean() / np.linalg.norm(mapped, axis=1).mean()
    embedding = (mapped * loud + centre).astype(np.float32)
    embedding[mine] = rows
    bias = params["decoder_ff_logit_out_b"]
    new_bias = np.repeat(bias[:, theirs].mean(1, keepdims=True), len(pieces), 1)
    new_bias[:, mine] = bias[:, theirs]
    return params | {"Wemb": embedding, "decoder_ff_logit_out_b": new_bias.astype(np.float32)}


def start(folder: Path, parent_pair: str, c: model.Config, spm_path: Path, warm: Path) -> dict[str, np.ndarray]:
    """The weights to begin with: the parent's own, or carried over where the vocabulary is another."""
    first = directions(parent_pair)[0]
    parent_spm_path = folder / first / export.file_names(first)[2]
    params = join(folder, parent_pair, c)
    if parent_spm_path.read_bytes() == spm_path.read_bytes():
        return params
    with np.load(warm) as map_of_pair:
        return carry(params, vocab.load(parent_spm_path), vocab.load(spm_path), map_of_pair["embedding"])
