"""The exported model must compute what the training framework computed, in float32 and, closely, in int8."""

import jax
import numpy as np
import pytest

from cuba_training import batches, export, marian, model, reference, train

CONFIG = model.Config(dim_emb=32, dim_ffn=64, heads=2, enc_depth=2, dec_depth=2, vocab=50)


@pytest.fixture(scope="module")
def params():
    rng = np.random.default_rng(3)
    return {n: v + rng.normal(0, 0.1, v.shape).astype(np.float32) for n, v in model.initial(CONFIG, 3).items()}


def packed(pairs, direction, length=24):
    """Rows that hold two sentences each, as training packs them."""
    rows = len(pairs) // 2
    names = ("src", "trg_in", "trg_out", "src_pos", "trg_pos", "src_kind", "trg_kind", "src_seg", "trg_seg")
    batch = {n: np.zeros((rows, length), np.int32) for n in names}
    batch["src_keep"], batch["trg_start"] = np.ones((rows, length), np.float32), np.zeros((rows, length), np.float32)
    batch["trg_seg"][:] = -1
    batch["direction"] = np.int32(direction)
    ends = []
    for row in range(rows):
        i = j = 0
        for number, (src, trg) in enumerate(pairs[2 * row:2 * row + 2], 1):
            batches.place(batch, row, i, j, src, trg, 0, number)
            i, j = i + len(src), j + len(trg)
            ends.append((row, j - len(trg), j))
    return batch, ends


def forced_logits(engine, src, trg):
    _, context, mask, cells = engine.start([src])
    rows = []
    for position in range(len(trg)):
        previous = None if position == 0 else np.array([trg[position - 1]])
        rows.append(engine.logits(engine.step(previous, position, cells, context, mask))[0])
    return np.array(rows)


def some_pairs():
    rng = np.random.default_rng(1)
    return [([*rng.integers(2, 50, rng.integers(3, 9)).tolist(), 0], [*rng.integers(2, 50, rng.integers(3, 9)).tolist(), 0]) for _ in range(6)]


@pytest.mark.parametrize("direction", [0, 1])
def test_float_export_computes_what_training_computed(params, direction):
    pairs = some_pairs()
    batch, ends = packed(pairs, direction)
    tops, chosen = model.decoder_tops(params, CONFIG, batch)
    logits = np.asarray(tops @ chosen["Wemb"].T + chosen["decoder_ff_logit_out_b"])
    items = marian.read(marian.write(export.float_items(export.float_weights(params, CONFIG, direction), CONFIG)))
    engine = reference.Reference(items)
    for (src, trg), (row, begin, end) in zip(pairs, ends):
        ours = forced_logits(engine, src, trg)
        theirs = logits[row, begin:end]
        # Folding the direction vector into the tied embedding moves all logits of a step by one number.
        shift = (ours - theirs).mean(-1, keepdims=True)
        np.testing.assert_allclose(ours, theirs + shift, atol=2e-4)


def test_int8_export_stays_close_and_is_smaller(params):
    weights = export.float_weights(params, CONFIG, 0)
    pairs = some_pairs()
    float_file = marian.write(export.float_items(weights, CONFIG))
    multipliers = export.alphas(weights, CONFIG, [p[0] for p in pairs])
    int8_file = marian.write(export.int8_items(weights, CONFIG, multipliers))
    a, b = reference.Reference(marian.read(float_file)), reference.Reference(marian.read(int8_file))
    assert b.quantised and not a.quantised
    for src, trg in pairs:
        x, y = forced_logits(a, src, trg), forced_logits(b, src, trg)
        assert np.corrcoef(x.ravel(), y.ravel())[0, 1] > 0.99
    matrices = [i for i in marian.read(int8_file).values() if i.kind == marian.INTGEMM8]
    assert len(matrices) == len(model.matrix_shapes(CONFIG))


def test_int8_matrices_are_stored_transposed_and_the_embedding_is_not():
    item = marian.quantise("encoder_l1_ffn_W1", np.arange(6, dtype=np.float32).reshape(2, 3))
    assert item.shape == (2, 3) and item.values.shape == (3, 2)
    assert item.values[2, 0] == round(2 * 127 / 5)
    assert marian.quantise("Wemb", np.ones((4, 2), np.float32)).values.shape == (4, 2)


def test_a_cut_or_foreign_model_is_refused(params):
    data = marian.write(export.float_items(export.float_weights(params, CONFIG, 0), CONFIG))
    for bad in (data[:10], data[:3000], data[:-700], b"\x07" + data[1:]):
        with pytest.raises(ValueError):
            marian.read(bad)


def test_data_starts_and_ends_on_the_alignment(params):
    data = marian.write(export.float_items(export.float_weights(params, CONFIG, 0), CONFIG))
    assert len(data) % marian.ALIGN == 0


def test_greedy_in_a_batch_equals_greedy_alone(params):
    items = {i.name: i for i in export.float_items(export.float_weights(params, CONFIG, 0), CONFIG)}
    engine = reference.Reference(items)
    sources = [p[0] for p in some_pairs()]
    assert engine.greedy(sources, 1.0)[2][:5] == engine.greedy([sources[2]], 1.0)[0][:5]


def test_a_checkpoint_comes_back_whole(tmp_path):
    state = train.fresh(CONFIG, 1)
    train.save(tmp_path / "checkpoint.npz", state, {"config": CONFIG.as_dict(), "tokens": 5})
    back, about = train.load(tmp_path / "checkpoint.npz")
    assert about["tokens"] == 5
    assert jax.tree.structure(back) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(state)):
        np.testing.assert_array_equal(a, b)
