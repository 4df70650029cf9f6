"""Muon for the weight matrices, Adam for embeddings and vectors, and a moving average of everything.

Muon (Jordan et al. 2024): momentum, then the nearest orthogonal matrix by a few Newton-Schulz steps. The update
is scaled to Adam's usual size (0.2 * sqrt(larger side), Moonshot 2025) so that one learning rate serves both.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .products import matmul

MOMENTUM, BETA1, BETA2, EPSILON = 0.95, 0.9, 0.98, 1e-9
# Newton-Schulz coefficients per step ("Polar Express", Amsel et al. 2025): four steps suffice in float32.
STEPS = [
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
]


EMBEDDING_RATE = 0.2
"""Share of the rate for embeddings: Adam moves every element by the rate, and theirs are small and start out right."""


def is_matrix(name: str) -> bool:
    return "_W" in name and not name.endswith(("_ln_scale", "_ln_bias"))


def orthogonal(g):
    """The nearest matrix with singular values of one, roughly."""
    tall = g.shape[0] > g.shape[1]
    x = g.T if tall else g
    x = (x / (jnp.linalg.norm(x) * 1.01 + 1e-7))[None]
    for a, b, c in STEPS:
        square = matmul(x, x, tb=True)
        x = a * x + matmul(b * square + c * matmul(square, square), x)
    return x[0].T if tall else x[0]


def initial(params: dict) -> dict:
    first = {n: np.zeros_like(v) for n, v in params.items()}
    second = {n: np.zeros_like(v) for n, v in params.items() if not is_matrix(n)}
    return {"first": first, "second": second}


def update(params: dict, grads: dict, state: dict, step, rate, decay, clip=1.0):
    """One step. `step` counts from 1."""
    norm = jnp.sqrt(sum((g**2).sum() for g in grads.values()))
    factor = jnp.minimum(1.0, clip / (norm + 1e-9))
    new, first, second = {}, {}, {}
    for name, p in params.items():
        g = grads[name] * factor
        if is_matrix(name):
            first[name] = MOMENTUM * state["first"][name] + (1 - MOMENTUM) * g
            direction = orthogonal(MOMENTUM * first[name] + (1 - MOMENTUM) * g)
            new[name] = p * (1 - rate * decay) - rate * 0.2 * max(p.shape) ** 0.5 * direction
        else:
            first[name] = BETA1 * state["first"][name] + (1 - BETA1) * g
            second[name] = BETA2 * state["second"][name] + (1 - BETA2) * g * g
            m = first[name] / (1 - BETA1**step)
            v = second[name] / (1 - BETA2**step)
            share = EMBEDDING_RATE if name in ("Wemb", "direction", "kind") else 1.0
            new[name] = p - rate * share * m / (jnp.sqrt(v) + EPSILON)
    return new, {"first": first, "second": second}, norm


def average(mean: dict, params: dict, step, horizon: float):
    """Exponential moving average over the last sixth of the steps so far, at most `horizon` of them."""
    weight = jnp.maximum(1.0 / horizon, 6.0 / (step + 6.0))
    return {n: mean[n] + weight * (params[n] - mean[n]) for n in params}
