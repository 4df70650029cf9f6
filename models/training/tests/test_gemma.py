"""Trimming, choosing and exporting on small files, and the network against a plain float64 version of itself."""

import hashlib
import struct

import numpy as np
import pytest

from cuba_training.gemma import choose, container, export, rows, tokens, trim

GOLDEN = "700654e2d0cbcc4d13f7e44db29af105d0015b90f1b2bf7c1460e098fcb8445d"
"""Of `core/packs/src/trim/tests.rs` too: both build this model and trim it to the same bytes."""


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def small_model(count: int) -> bytes:
    keys = [text("general.architecture") + struct.pack("<I", 8) + text("gemma3")]
    tables = {"tokens": (8, lambda i: text(f"t{i}")), "scores": (6, lambda i: struct.pack("<f", -i)), "token_type": (5, lambda i: struct.pack("<i", i % 7))}
    for name, (kind, value) in tables.items():
        keys.append(text(f"tokenizer.ggml.{name}") + struct.pack("<IIQ", 9, kind, count) + b"".join(map(value, range(count))))
    keys.append(text("tokenizer.ggml.eos_token_id") + struct.pack("<II", 4, 5))
    keys.append(text("tokenizer.ggml.add_bos_token") + struct.pack("<IB", 7, 1))
    tensors = text("output_norm.weight") + struct.pack("<IQIQ", 1, 3, 0, 0)
    tensors += text("token_embd.weight") + struct.pack("<IQQIQ", 2, 32, count, 8, 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, 2, len(keys)) + b"".join(keys) + tensors
    head += bytes(container.aligned(len(head)) - len(head))
    embedding = b"".join(bytes([i]) * 34 for i in range(count))
    return head + b"\7" * 12 + bytes(20) + embedding + bytes(container.aligned(len(embedding)) - len(embedding))


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(small_model(40))
    return container.Gguf(path)


def test_all_tokens_kept_is_the_same_file(model, tmp_path):
    trim.trim(model, np.arange(40), tmp_path / "same.gguf")
    assert (tmp_path / "same.gguf").read_bytes() == small_model(40)


def test_a_trimmed_model_is_the_one_that_packs_builds(model, tmp_path):
    kept = np.array([i for i in range(40) if i % 3 != 1])
    digest = trim.trim(model, kept, tmp_path / "small.gguf")
    assert digest == GOLDEN == hashlib.sha256((tmp_path / "small.gguf").read_bytes()).hexdigest()
    small = container.Gguf(tmp_path / "small.gguf")
    assert small.entry("tokenizer.ggml.tokens").elements[3] == b"t5"
    assert small.entry("tokenizer.ggml.eos_token_id").number() == 3
    assert (small.rows_of(small.tensor("token_embd.weight"))[:, 0] == kept).all()


def test_a_token_with_a_role_must_stay(model, tmp_path):
    with pytest.raises(ValueError, match="not kept"):
        trim.trim(model, np.array([1, 2]), tmp_path / "small.gguf")


def test_the_list_of_kept_tokens_comes_back(tmp_path):
    kept = np.array([0, 7, 8, 39])
    trim.write_keep(tmp_path / "keep.bin", kept, 40)
    assert trim.read_keep(tmp_path / "keep.bin").tolist() == kept.tolist()
    assert len((tmp_path / "keep.bin").read_bytes()) == 5


def vocabulary_model(tmp_path, pieces: list[tuple[str, int]]) -> container.Gguf:
    """Control tokens, then pieces with scores falling in their order."""
    pieces = [("<pad>", 3), ("<eos>", 3), ("<bos>", 3), ("<unk>", 3), *((f"<0x{i:02X}>", 6) for i in range(256)), *pieces]
    strings = [p.encode() for p, _ in pieces]
    entries = [container.Entry(b"tokenizer.ggml.tokens", 9, b"", 8, tuple(strings)),
               container.Entry(b"tokenizer.ggml.scores", 9, b"", 6, tuple(struct.pack("<f", -i) for i in range(len(pieces)))),
               container.Entry(b"tokenizer.ggml.token_type", 9, b"", 5, tuple(struct.pack("<i", k) for _, k in pieces))]
    for name, number in (("padding", 0), ("eos", 1), ("bos", 2), ("unknown", 3)):
        entries.append(container.Entry(f"tokenizer.ggml.{name}_token_id".encode(), 4, struct.pack("<I", number)))
    path = tmp_path / "words.gguf"
    path.write_bytes(container.header(3, entries, []))
    return container.Gguf(path)


PIECES = [("▁", 1), ("l", 1), ("a", 1), ("s", 1), ("o", 1), ("la", 1), ("lo", 1), ("▁la", 1), ("las", 1), ("▁las", 1), ("\n", 4), ("▁lo", 1)]


def test_a_kept_token_keeps_what_it_is_merged_from(tmp_path):
    merges = tokens.Merges(vocabulary_model(tmp_path, PIECES))
    found = {merges.pieces[t] for t in merges.path(merges.ids["▁las"])}
    assert found == {"▁", "l", "a", "s", "la", "▁la", "▁las"}


def test_dropped_words_are_written_with_their_parts(tmp_path):
    model = vocabulary_model(tmp_path, PIECES)
    counts, held = choose.count(model, ["la la las", *["la las lo"] * 60])
    kept = choose.choose(model, counts, 260 + 9)
    small = tokens.of(model, kept)
    assert tokens.of(model).encode(" las\n", out_type=str) == ["▁las", "\n"]
    assert small.decode(small.encode(" lo las ñ")) == " lo las ñ"
    assert choose.coverage(model, kept, held)["longer"] >= 0


class Letters:
    """A tokeniser of one token a character."""

    def encode(self, line):
        return [3 + ord(c) % 90 for c in line]

    def bos_id(self):
        return 2

    def eos_id(self):
        return 1

    def get_piece_size(self):
        return 100


def test_each_answer_token_is_predicted_by_the_token_before_it():
    encoder, shape = rows.Encoder(Letters()), rows.Shape(2, 48, 40, 64)
    pairs = [("Hi.", "Hola."), ("Yes.", "Sí.")]
    chosen = [(row, 2, encoder.question(s, "en-es"), encoder.answer(t)) for row, (s, t) in enumerate(pairs)]
    batch = rows.batch_of(chosen, shape, 100, np.arange(10), np.random.default_rng(1))
    flat, valid = batch["tokens"].ravel(), batch["labels"] >= 0
    wanted = batch["candidates"][batch["labels"][valid]]
    assert wanted.tolist() == flat[batch["sites"][valid] + 1].tolist()
    assert wanted.tolist() == [t for _, target in pairs for t in encoder.answer(target)]
    assert len(set(batch["candidates"].tolist())) == shape.candidates


def test_an_adapter_file_holds_each_factor(tmp_path):
    from cuba_training.gemma import network

    c = network.Config(layers=2, width=32, heads=2, head=16, hidden=64, vocabulary=10)
    lora = network.adapter(c, 4, 1)
    (tmp_path / "adapter.gguf").write_bytes(export.to_bytes(lora, "gemma3", "test", scale=0.75))
    found = container.Gguf(tmp_path / "adapter.gguf")
    assert struct.unpack("<f", found.entry("adapter.lora.alpha").value) == (3.0,)
    a, b = found.tensor("blk.1.ffn_down.weight.lora_a"), found.tensor("blk.1.ffn_down.weight.lora_b")
    assert (a.dims, b.dims) == ((64, 4), (4, 32)) and len(found.tensors) == 2 * 2 * 7
    values = found.rows_of(a).view("<f2")
    assert np.array_equal(values, lora["1.ffn_down.a"].T.astype(np.float16))


def test_packed_texts_do_not_see_each_other_and_only_factors_get_gradients():
    import jax

    from cuba_training.gemma import network

    c = network.Config(layers=2, width=32, heads=2, head=16, hidden=64, vocabulary=50)
    rng = np.random.default_rng(2)
    layers = [{n: rng.normal(size=size).astype(np.float32) * 0.2 for n, size in c.sizes().items()}
              | {n: np.ones(16 if n in ("attn_q_norm", "attn_k_norm") else 32, np.float32) for n in network.NORMS} for _ in range(2)]
    weights = {"norm": np.ones(32, np.float32), "embedding": rng.normal(size=(50, 32)).astype(np.float32) * 0.2, "layers": layers}
    lora = {n: rng.normal(size=v.shape).astype(np.float32) * 0.1 for n, v in network.adapter(c, 4, 1).items()}
    text = rng.integers(0, 50, 6)
    alone = network.hidden(c, weights, lora, text[None], np.arange(6)[None], np.ones((1, 6), int))
    pair = np.concatenate([rng.integers(0, 50, 5), text])[None]
    place = np.concatenate([np.arange(5), np.arange(6)])[None]
    packed = network.hidden(c, weights, lora, pair, place, np.array([[1] * 5 + [2] * 6]))
    assert np.allclose(alone, packed[5:], atol=1e-4)
    grads = jax.grad(lambda f: (network.scores(network.hidden(c, weights, f, pair, place, place * 0 + 1), weights["embedding"]) ** 2).sum())(lora)
    assert all(float(abs(g).sum()) > 0 for g in grads.values())


def small_gemma(rng, layers=2):
    """A network of random weights, with what `decode.py` wants beside them."""
    from cuba_training.gemma import network

    c = network.Config(layers=layers, width=32, heads=2, head=16, hidden=64, vocabulary=50)
    of = [{n: rng.normal(size=size).astype(np.float32) * 0.2 for n, size in c.sizes().items()}
          | {n: np.ones(16 if n in ("attn_q_norm", "attn_k_norm") else 32, np.float32) for n in network.NORMS} for _ in range(layers)]
    embedding = rng.normal(size=(50, 32)).astype(np.float32) * 0.2
    lora = {n: rng.normal(size=v.shape).astype(np.float32) * 0.1 for n, v in network.adapter(c, 4, 1).items()}
    return c, {"norm": np.ones(32, np.float32), "embedding": embedding, "output": embedding.T, "layers": of, "lora": lora}


def greedy(c, weights, question, count):
    """The likeliest tokens one after the other, all read again for each."""
    from cuba_training.gemma import network

    text = list(question)
    for _ in range(count):
        ones = np.ones((1, len(text)), int)
        states = network.hidden(c, weights, weights["lora"], np.array([text]), np.arange(len(text))[None], ones)
        text.append(int(np.argmax(states[-1] @ weights["output"])))
    return text[len(question):]


@pytest.mark.parametrize("before", [0, 37])
def test_many_answers_at_once_are_those_of_each_alone(before, monkeypatch):
    from cuba_training.gemma import decode

    monkeypatch.setattr(decode, "BATCH", 32)
    rng = np.random.default_rng(4)
    c, weights = small_gemma(rng)
    prefix = rng.integers(2, 50, before).tolist()
    questions = [prefix + rng.integers(2, 50, size).tolist() for size in (3, 9, 40, 5)]
    wanted = [greedy(c, weights, q, 8) for q in questions]
    end = wanted[0][5]
    found = decode.answers(decode.Gemma(c), weights, questions, lambda longest: 8, end)
    for tokens, expected in zip(found, wanted):
        # 32 columns are free: what is not ended within the eight counted here may end in those.
        assert tokens[:8] == expected[: expected.index(end) if end in expected else 8] or (not tokens and end not in expected)
    assert len(found[0]) == wanted[0].index(end)


def test_a_machine_side_that_lost_a_part_is_left_out():
    from cuba_training.gemma.mixture import whole

    pairs = [("una frase entera", "a whole sentence")] * 9 + [("una frase", "a whole sentence")]
    assert whole(pairs, machine=0) == pairs[:9]
    assert whole(pairs, machine=1) == pairs


def test_each_direction_may_have_its_weight(tmp_path):
    from cuba_training import corpus, files

    pairs = "".join(f"sentence {i}\tfrase {i}\n" for i in range(50))
    files.replace_text(tmp_path / "mintaka.tsv", pairs)
    use = {d: {"share": 1, "role": 0} for d in ("en-es", "es-en")}
    corpus.write_mixture(tmp_path, "en-es", [{"name": "mintaka", "file": "mintaka.tsv", "licence": "x", "use": use}])
    stream = lambda weights: rows.Stream([tmp_path], rows.Encoder(Letters()), rows.Shape(2, 64, 64, 64), {}, 0, weights)
    assert stream([4.0]).odds.tolist() == [0.5, 0.5]
    assert stream([1.0, 3.0]).odds.tolist() == [0.25, 0.75]


def test_a_beginning_that_all_share_is_read_once_and_changes_nothing(monkeypatch):
    from cuba_training.gemma import decode, qwen

    monkeypatch.setattr(decode, "BATCH", 32)
    rng = np.random.default_rng(6)
    model = qwen.Qwen(layers=2, width=32, heads=4, key_heads=2, epsilon=1e-6, base=1e6)
    sizes = {"attn_q": (32, 32), "attn_k": (32, 16), "attn_v": (32, 16), "attn_output": (32, 32), "ffn_gate": (32, 64), "ffn_up": (32, 64), "ffn_down": (64, 32)}
    random = lambda *size: rng.normal(size=size).astype(np.float32) * 0.3
    layers = [{n: random(*size) for n, size in sizes.items()} | {f"{n}.bias": random(sizes[n][1]) for n in qwen.BIASES}
              | {n: np.ones(32, np.float32) for n in ("attn_norm", "ffn_norm")} for _ in range(2)]
    weights = {"layers": layers, "embedding": random(50, 32), "norm": np.ones(32, np.float32), "output": random(32, 50)}
    before = rng.integers(2, 50, 37).tolist()
    questions = [before + rng.integers(2, 50, size).tolist() for size in (4, 11, 7)]
    of_any_end = lambda: [decode.answers(model, weights, questions, lambda longest: 16, end) for end in range(0, 50, 2)]
    shared = of_any_end()
    monkeypatch.setattr(decode, "common", lambda questions: 0)
    assert shared == of_any_end()
    assert sum(map(len, sum(shared, []))) > 5
