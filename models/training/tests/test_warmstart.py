"""The warm start: translations lie near each other, and attention looks at the same place."""

import numpy as np
import scipy.sparse as sparse

from cuba_training import model, warmstart


def test_words_of_the_same_pairs_get_the_same_direction():
    rng = np.random.default_rng(1)
    # 40 words a side; word k of one language always comes with word 40 + k of the other.
    docs = [([int(w) for w in words], [int(w) + 40 for w in words]) for words in rng.integers(1, 40, (800, 5))]
    x, counts = warmstart.matrix(docs, 80)
    assert isinstance(x, sparse.csr_matrix) and counts[0, 45] == 1 and counts[1, 45] > 1
    rows = warmstart.embedding(x, 32)
    near = (rows[1:40] @ rows[41:80].T).argmax(1)
    assert (near == np.arange(39)).mean() > 0.9


def test_cross_attention_starts_at_the_same_place():
    c = model.Config(dim_emb=64, heads=4)
    table = model.positions_table(20, 64)
    projected = table @ warmstart.same_place(c)
    for head in range(4):
        part = projected[:, head * 16:(head + 1) * 16]
        scores = part @ part.T
        assert (scores.argmax(1) == np.arange(20)).all()
        assert scores[10, 10] - scores[10, 14] > 0.3 * scores[10, 10]
