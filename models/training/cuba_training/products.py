"""Matrix products of training: float32 everywhere, bfloat16 through oneDNN where the processor has matrix tiles (AMX).

XLA computes bfloat16 products on a CPU no faster than float32 ones. oneDNN uses the tiles: 600 to 1,000 GFLOP/s on a core
where float32 reaches 150. Factors are rounded to bfloat16, sums stay in float32, weights and all else as well. Needs a C++
compiler and oneDNN (`apt install g++ libdnnl-dev`); without them, or without the tiles, products are XLA's own.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp

SOURCE = Path(__file__).with_name("products.cpp")
TARGET = "cuba_product"


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
        partial_name = library.with_suffix(f".{os.getpid()}")
        command = ["g++", "-O2", "-std=c++17", "-shared", "-fPIC", f"-I{jax.ffi.include_dir()}", str(SOURCE), "-ldnnl", "-o", str(partial_name)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        partial_name.replace(library)
    return library


def use_tiles(folder: Path) -> bool:
    """Take the tiles from here on if this machine can; says why not on stderr."""
    global _tiles
    if not has_tiles():
        return False
    try:
        library = ctypes.CDLL(str(build(folder)))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"products in float32: oneDNN could not be used ({getattr(error, 'stderr', None) or error})", file=sys.stderr)
        return False
    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(library.cuba_product), platform="cpu")
    _tiles = True
    return True


_tiles = False


def matmul(a, b, ta: bool = False, tb: bool = False, wide: bool = False):
    """op(a) op(b) for [b, m, k] and [b, k, n], either stored with its last two axes exchanged. With tiles the result is
    rounded to bfloat16 as well unless it is to be `wide`; gradients of `b`, which are summed over batches, never are."""
    if not _tiles:
        return jnp.matmul(a.swapaxes(1, 2) if ta else a, b.swapaxes(1, 2) if tb else b)
    return _tiled(a, b, ta, tb, wide).astype(jnp.float32)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _tiled(a, b, ta, tb, wide):
    return _forward(a, b, ta, tb, wide)[0]


def _call(a, b, ta, tb, wide):
    shape = (a.shape[0], a.shape[2 if ta else 1], b.shape[1 if tb else 2])
    kind = jax.ShapeDtypeStruct(shape, jnp.float32 if wide else jnp.bfloat16)
    return jax.ffi.ffi_call(TARGET, kind)(a, b, ta=ta, tb=tb)


def _forward(a, b, ta, tb, wide):
    a, b = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)
    return _call(a, b, ta, tb, wide), (a, b)


def _backward(ta, tb, wide, saved, g):
    a, b = saved
    g = g.astype(jnp.bfloat16)
    da = _call(b, g, tb, True, False) if ta else _call(g, b, False, not tb, False)
    db = _call(g, a, True, ta, True) if tb else _call(a, g, not ta, False, True)
    return da.astype(jnp.float32), db


_tiled.defvjp(_forward, _backward)


def dense(x, w, b=None, transposed: bool = False, wide: bool = False):
    """x [..., k] times w [k, n] ([n, k] when transposed), plus b."""
    rows = x.reshape(1, -1, x.shape[-1])
    y = matmul(rows, w[None], tb=transposed, wide=wide).reshape(*x.shape[:-1], -1)
    return y if b is None else y + b
