"""Matrix products of training: float32 everywhere, bfloat16 on processors with matrix tiles (AMX).

XLA computes bfloat16 products on a CPU no faster than float32 ones. `products.cpp` uses the tiles: factors are rounded to
bfloat16 as they are packed, sums, weights and all else stay float32. It needs a C++ compiler (`apt install g++`); without one,
or without the tiles, products are XLA's own.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

SOURCE = Path(__file__).with_name("products.cpp")
TARGET, PACK, ADAPTED, ATTEND = "cuba_product", "cuba_pack", "cuba_adapted", "cuba_attend"
MULTIPLE = 32
_tiles = False
_registered = False


def has_tiles() -> bool:
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def build(folder: Path) -> Path:
    """The library compiled from `products.cpp`, kept in `folder` under the digest of its source."""
    library = folder / f"products-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}-{jax.__version__}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = library.with_suffix(f".{os.getpid()}")
        command = ["g++", "-O2", "-std=c++17", "-march=sapphirerapids", "-shared", "-fPIC", f"-I{jax.ffi.include_dir()}", str(SOURCE), "-o", str(unfinished)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        unfinished.replace(library)
    return library


def register(folder: Path) -> bool:
    """Makes the products of `products.cpp` known to XLA, once in a process; where they cannot be had, says why on stderr."""
    global _registered
    if _registered or not has_tiles():
        return _registered
    try:
        library = ctypes.CDLL(str(build(folder)))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"products in float32: products.cpp could not be used ({getattr(error, 'stderr', None) or error})", file=sys.stderr)
        return False
    if library.cuba_ask_for_tiles() != 0:
        print("products in float32: the kernel does not give this process the matrix tiles", file=sys.stderr)
        return False
    for target in (TARGET, PACK, ADAPTED, ATTEND):
        jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(library[target]), platform="cpu")
    _registered = True
    return True


@contextmanager
def tiles(folder: Path):
    """What is compiled inside multiplies on the tiles if this machine has them; gives whether it does."""
    global _tiles
    before, _tiles = _tiles, register(folder)
    try:
        yield _tiles
    finally:
        _tiles = before


def matmul(a, b, ta: bool = False, tb: bool = False):
    """op(a) op(b) for [batch, m, k] and [batch, k, n], either stored with its last two axes exchanged."""
    if not _tiles or any(side % MULTIPLE for side in (*a.shape[1:], *b.shape[1:])):
        return jnp.matmul(a.swapaxes(1, 2) if ta else a, b.swapaxes(1, 2) if tb else b)
    return _tiled(a, b, ta, tb)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _tiled(a, b, ta, tb):
    shape = (a.shape[0], a.shape[2 if ta else 1], b.shape[1 if tb else 2])
    return jax.ffi.ffi_call(TARGET, jax.ShapeDtypeStruct(shape, jnp.float32))(a, b, ta=ta, tb=tb)


def _forward(a, b, ta, tb):
    return _tiled(a, b, ta, tb), (a, b)


def _backward(ta, tb, saved, g):
    a, b = saved
    da = _tiled(b, g, tb, True) if ta else _tiled(g, b, False, not tb)
    db = _tiled(g, a, True, ta) if tb else _tiled(a, g, not ta, False)
    return da, db


_tiled.defvjp(_forward, _backward)


def dense(x, w, b=None, transposed: bool = False):
    """x [..., k] times w [k, n] ([n, k] when transposed), plus b."""
    rows = x.reshape(1, -1, x.shape[-1])
    y = matmul(rows, w[None], tb=transposed).reshape(*x.shape[:-1], -1)
    return y if b is None else y + b


def prepare(w, turned: bool = True):
    """A matrix [k, n] that is never trained, as `adapted` and `fixed` want it: on tiles packed once for each way it is multiplied, of
    which `turned` is that of the backward pass."""
    if not _tiles or any(side % MULTIPLE for side in w.shape):
        return jnp.asarray(w)
    k, n = w.shape

    def pack(turning: bool):
        shape = jax.ShapeDtypeStruct((k // MULTIPLE, MULTIPLE * n) if turning else (n // MULTIPLE, MULTIPLE * k), jnp.bfloat16)
        return jax.ffi.ffi_call(PACK, shape)(w, tb=turning)

    return {"straight": pack(False), "turned": pack(True)} if turned else {"straight": pack(False)}


def _adapted(x, w, down, up, turned: bool):
    """x w + (x down) up, and x down; of the turned matrices if asked."""
    if not isinstance(w, dict):
        whole = [(m.T if turned else m)[None] for m in (w, down, up)]
        between = matmul(x[None], whole[1])
        return (matmul(x[None], whole[0]) + matmul(between, whole[2]))[0], between[0]
    rows, rank = len(x), down.shape[0 if turned else 1]
    if rows % MULTIPLE or rank % MULTIPLE:
        raise ValueError(f"{rows} rows and rank {rank}: both must be multiples of {MULTIPLE} beside a prepared matrix")
    columns = w["turned" if turned else "straight"]
    shapes = [jax.ShapeDtypeStruct((rows, width), jnp.float32) for width in (len(columns) * MULTIPLE, rank)]
    return jax.ffi.ffi_call(ADAPTED, shapes)(x, columns, down, up, turned=turned)


def fixed(x, w):
    """x [m, k] times a prepared w [k, n], nothing of which is trained."""
    if not isinstance(w, dict):
        return x @ w
    n, k = (side * MULTIPLE for side in (len(w["straight"]), w["straight"].shape[1] // MULTIPLE**2))
    return _adapted(x, w, jnp.zeros((k, MULTIPLE)), jnp.zeros((MULTIPLE, n)), False)[0]


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def adapted(x, w, down, up, name: str):
    """x [m, k] times a prepared w [k, n] that is not trained, plus (x down) up; both results have checkpoint names."""
    return _adapted(x, w, down, up, False)[0]


def _adapted_forward(x, w, down, up, name):
    y, between = _adapted(x, w, down, up, False)
    return checkpoint_name(y, name), (x, w, down, up, checkpoint_name(between, f"{name}.between"))


def _adapted_backward(name, saved, g):
    x, w, down, up, between = saved
    # What goes back through the turned matrices comes first through `up`: the same shape of work.
    dx, dbetween = _adapted(g, w, up, down, True)
    return dx, None, matmul(x[None], dbetween[None], ta=True)[0], matmul(between[None], g[None], ta=True)[0]


adapted.defvjp(_adapted_forward, _adapted_backward)


def attend(q, k, v, keys, values, first, at):
    """Attention of one new token a row to those before it: what q [rows, heads, head] takes from the values of the columns `first`
    [rows] to `at`, and the caches [rows, key heads, columns, head] with k and v [rows, key heads, head] in column `at`."""
    if not _tiles or q.shape[-1] % 16:
        return _attend(q, k, v, keys, values, first, at)
    shapes = [jax.ShapeDtypeStruct(x.shape, jnp.float32) for x in (q, keys, values)]
    call = jax.ffi.ffi_call(ATTEND, shapes, input_output_aliases={3: 1, 4: 2})
    return call(q, k, v, keys, values, first, jnp.reshape(at, 1))


def _attend(q, k, v, keys, values, first, at):
    keys, values = (jax.lax.dynamic_update_slice(old, new[:, :, None], (0, 0, at, 0)) for old, new in ((keys, k), (values, v)))
    columns = jnp.arange(keys.shape[2])
    seen = (columns >= first[:, None]) & (columns <= at)
    grouped = q.reshape(len(q), keys.shape[1], -1, q.shape[-1])
    scores = jnp.where(seen[:, None, None], jnp.einsum("rghd,rgcd->rghc", grouped, keys), -jnp.inf)
    return jnp.einsum("rghc,rgcd->rghd", jax.nn.softmax(scores, -1), values).reshape(q.shape), keys, values
