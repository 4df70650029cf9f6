"""Products on matrix tiles against XLA's own, forward and backward; where a processor has no tiles there is nothing to compare."""

import itertools

import jax
import numpy as np
import pytest

from cuba_training import products


@pytest.fixture
def tiles(tmp_path):
    with products.tiles(tmp_path) as on:
        if not on:
            pytest.skip("no matrix tiles on this processor, or no C++ compiler")
        yield


def sides(ta: bool, tb: bool):
    rng = np.random.default_rng(1)
    shapes = (3, 160, 96) if ta else (3, 96, 160), (3, 64, 160) if tb else (3, 160, 64)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("ta, tb", list(itertools.product([False, True], repeat=2)))
def test_tiles_agree_with_plain_products(tiles, ta, tb):
    a, b = sides(ta, tb)

    def objective(multiply):
        return lambda a, b: (jax.numpy.sin(multiply(a, b, ta, tb)) * 0.1).sum()

    def plain(a, b, ta, tb):
        return jax.numpy.matmul(a.swapaxes(1, 2) if ta else a, b.swapaxes(1, 2) if tb else b)

    close = dict(rtol=0.05, atol=0.2)  # eight bits of fraction, 160 terms
    np.testing.assert_allclose(products.matmul(a, b, ta, tb), plain(a, b, ta, tb), **close)
    # A factor that bfloat16 holds exactly loses nothing.
    whole = [np.round(x) for x in (a, b)]
    np.testing.assert_allclose(products.matmul(*whole, ta, tb), plain(*whole, ta, tb), rtol=1e-6)
    made, wanted = (jax.grad(objective(m), argnums=(0, 1))(a, b) for m in (products.matmul, plain))
    for one, other in zip(made, wanted):
        assert np.corrcoef(np.ravel(one), np.ravel(other))[0, 1] > 0.999


def test_sides_that_no_tile_fits_are_multiplied_plainly(tiles):
    a, b = np.ones((1, 5, 7), np.float32), np.ones((1, 7, 3), np.float32)
    np.testing.assert_array_equal(products.matmul(a, b), np.full((1, 5, 3), 7.0))


def test_without_a_compiler_training_goes_on_in_float32(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(products, "_registered", False)
    monkeypatch.setattr(products, "has_tiles", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with products.tiles(tmp_path) as on:
        assert not on
    assert "products in float32" in capsys.readouterr().err


@pytest.mark.parametrize("on_tiles", [False, True])
def test_a_factor_beside_a_frozen_matrix_gets_its_gradients(request, on_tiles):
    if on_tiles:
        request.getfixturevalue("tiles")
    rng = np.random.default_rng(4)
    # 1,056 rows and 2,048 columns: more than the columns that stay in the cache at once.
    x, w, down, up = (rng.normal(size=size).astype(np.float32) * 0.1 for size in ((1056, 320), (320, 2048), (320, 32), (32, 2048)))
    prepared = products.prepare(w)
    assert isinstance(prepared, dict) == on_tiles

    def objective(multiply):
        return lambda x, down, up: (jax.numpy.sin(multiply(x, down, up)) * 0.1).sum()

    def adapted(x, down, up):
        return products.adapted(x, prepared, down, up, "name")

    def plain(x, down, up):
        return x @ w + (x @ down) @ up

    np.testing.assert_allclose(adapted(x, down, up), plain(x, down, up), rtol=0.05, atol=0.02)
    made, wanted = (jax.grad(objective(m), argnums=(0, 1, 2))(x, down, up) for m in (adapted, plain))
    for one, other in zip(made, wanted):
        assert np.corrcoef(np.ravel(one), np.ravel(other))[0, 1] > 0.999


def test_a_prepared_matrix_wants_whole_tiles(tiles):
    ones = lambda *size: np.ones(size, np.float32)
    with pytest.raises(ValueError, match="multiples of 32"):
        products.adapted(ones(5, 64), products.prepare(ones(64, 96)), ones(64, 32), ones(32, 96), "name")


def test_a_new_token_attends_to_the_cache_in_place(tiles):
    rng = np.random.default_rng(6)
    q, k, v = (rng.normal(size=(5, n, 32)).astype(np.float32) for n in (6, 2, 2))
    keys, values = rng.normal(size=(2, 5, 2, 9, 32)).astype(np.float32)
    first, at = np.array([0, 1, 2, 6, 7], np.int32), np.int32(7)
    found = jax.jit(products.attend)(q, k, v, keys, values, first, at)
    for made, wanted in zip(found, products._attend(q, k, v, keys, values, first, at)):
        np.testing.assert_allclose(made, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found[1][:, :, 7], k)


def test_a_prepared_matrix_multiplies_without_an_adapter(tiles):
    rng = np.random.default_rng(7)
    x, w = (np.round(rng.normal(size=shape) * 4).astype(np.float32) for shape in ((64, 96), (96, 160)))
    np.testing.assert_allclose(products.fixed(x, products.prepare(w, turned=False)), x @ w, rtol=1e-6)
