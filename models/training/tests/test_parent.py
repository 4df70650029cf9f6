"""Published packs become one network again, and carry over to another vocabulary."""

import json

import jax
import numpy as np
import pytest

from cuba_training import export, files, marian, model, parent

CONFIG = model.Config(dim_emb=32, dim_ffn=64, heads=2, enc_depth=2, dec_depth=2, vocab=50)


class Pieces:
    """What a vocabulary says of its pieces."""

    def __init__(self, pieces):
        self.pieces = pieces

    def get_piece_size(self):
        return len(self.pieces)

    def id_to_piece(self, i):
        return self.pieces[i]


def published(folder):
    rng = np.random.default_rng(3)
    params = {n: v + rng.normal(0, 0.1, v.shape).astype(np.float32) for n, v in model.initial(CONFIG, 3).items()}
    for number, direction in enumerate(("en-es", "es-en")):
        weights = export.float_weights(params, CONFIG, number)
        multipliers = export.alphas(weights, CONFIG, [[3, 4, 5, 0], [7, 8, 0]])
        files.replace_bytes(folder / direction / export.file_names(direction)[0], marian.write(export.int8_items(weights, CONFIG, multipliers)))
    return params


def one_sentence(direction):
    ones = np.ones((1, 6), np.int32)
    target = np.array([[5, 9, 17, 30, 41, 0]], np.int32)
    return {
        "src": np.array([[4, 8, 15, 16, 23, 0]], np.int32), "trg_in": np.array([[0, 5, 9, 17, 30, 41]], np.int32), "labels": target,
        "src_seg": ones, "trg_seg": ones, "src_pos": np.arange(6)[None], "trg_pos": np.arange(6)[None],
        "src_kind": 0 * ones, "trg_kind": 0 * ones, "src_keep": np.ones((1, 6), np.float32),
        "trg_start": np.eye(1, 6, dtype=np.float32), "direction": np.int32(direction),
        "candidates": np.arange(50), "log_weight": np.zeros(50, np.float32),
    }


@pytest.mark.parametrize("direction", [0, 1])
def test_joined_packs_compute_what_was_trained(tmp_path, direction):
    params = published(tmp_path)
    joined = parent.join(tmp_path, "en-es", CONFIG)
    assert {n: v.shape for n, v in joined.items()} == {n: v.shape for n, v in params.items()}
    ours, theirs = (float(model.loss(p, CONFIG, one_sentence(direction), 0.0)[0]) for p in (joined, params))
    other = float(model.loss(params, CONFIG, one_sentence(1 - direction), 0.0)[0])
    assert abs(ours - theirs) < 0.05 < abs(other - theirs)
    grads = jax.grad(lambda p: model.loss(p, CONFIG, one_sentence(direction), 0.0)[0])(joined)
    assert all(np.isfinite(g).all() for g in grads.values())


def test_packs_of_another_size_are_refused(tmp_path):
    published(tmp_path)
    with pytest.raises(ValueError, match="another size"):
        parent.join(tmp_path, "en-es", model.Config(dim_emb=32, dim_ffn=128, heads=2, enc_depth=2, dec_depth=2, vocab=50))


def test_a_new_vocabulary_keeps_shared_pieces_and_places_the_others_beside_their_translations(tmp_path):
    published(tmp_path)
    params = parent.join(tmp_path, "en-es", CONFIG)
    old = Pieces([f"e{i}" for i in range(50)])
    # The child shares 40 pieces, in another order, and has 10 of its own that lie where shared ones do.
    new = Pieces([f"e{i}" for i in reversed(range(40))] + [f"f{i}" for i in range(10)])
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.normal(size=(32, 32)))[0]
    warm = params["Wemb"][list(reversed(range(40))) + list(range(10))] @ turn
    carried = parent.carry(params, old, new, warm)
    np.testing.assert_array_equal(carried["Wemb"][:40], params["Wemb"][39::-1])
    np.testing.assert_array_equal(carried["decoder_ff_logit_out_b"][:, 3], params["decoder_ff_logit_out_b"][:, 36])
    rows, shared = carried["Wemb"][40:], params["Wemb"][:40]
    nearest = ((rows[:, None] - shared[None]) ** 2).sum(-1).argmin(1)
    np.testing.assert_array_equal(nearest, np.arange(10))
    assert carried["encoder_l1_self_Wq"] is params["encoder_l1_self_Wq"]


def test_what_was_learnt_before_counts(tmp_path):
    assert parent.total({"step": 5, "tokens": 50, "seconds": 1.0, "pair": "en-es", "positions": [{"drawn": {"a": 1}}, {"drawn": {}}]})["step"] == 5
    for direction in ("en-es", "es-en"):
        files.replace_text(tmp_path / direction / "manifest.json", '{"extra": {}}')
    assert parent.history(tmp_path, "en-es") == parent.NOTHING
    for direction in ("en-es", "es-en"):
        told = {"step": 100, "tokens": 2000, "seconds": 60.0, "drawn": {"a": 7, "b": 1}}
        files.replace_text(tmp_path / direction / "manifest.json", json.dumps({"extra": {"training": told}}))
    about = {"before": parent.history(tmp_path, "en-es"), "pair": "en-es", "step": 5, "tokens": 50, "seconds": 1.0,
             "positions": [{"drawn": {"a": 1, "c": 2}}, {"drawn": {}}]}
    assert parent.total(about) == {"step": 105, "tokens": 2050, "seconds": 61.0, "drawn": [{"a": 8, "b": 1, "c": 2}, {"a": 7, "b": 1}]}
    # A network of another pair counts what it learnt itself, and says what it was before.
    child = parent.total(about | {"pair": "en-fr"})
    assert child == {"step": 5, "tokens": 50, "seconds": 1.0, "drawn": [p["drawn"] for p in about["positions"]],
                     "parent": {"pair": "en-es", "step": 100, "tokens": 2000, "seconds": 60.0}}
