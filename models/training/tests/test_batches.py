"""Packing, the data position that survives a kill, and a training run that is interrupted."""

import json

import numpy as np
import pytest

from cuba_training import batches, corpus, export, train, vocab

SHAPE = batches.Shape(rows=4, length=32, candidates=400)
QUIET = batches.Noise(sample_source=0, sample_target=0, drop_word=0, lower=0)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A corpus of small sums in words: enough for a vocabulary and a few steps."""
    folder = tmp_path_factory.mktemp("work")
    en = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    es = ["uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"]
    pairs = [(f"{en[i]} and {en[j]} make {i + j + 2}", f"{es[i]} y {es[j]} hacen {i + j + 2}") for i in range(10) for j in range(10)]
    entries: list = []
    for name, role in (("sums", corpus.HUMAN), ("more", corpus.BACK)):
        corpus.write_pairs(folder / "corpus" / f"{name}.tsv", pairs if name == "sums" else pairs[::3])
        corpus.add_entry(entries, name, "CC0", {d: (1.0, role) for d in ("en-es", "es-en")})
    corpus.write_mixture(folder / "corpus", "en-es", entries)
    vocab.train(folder, 400)
    return folder


def stream(work, drawn=None, count=0, direction=0, noise=QUIET):
    return batches.Stream(work / "corpus", work / "vocab.spm", direction, SHAPE, noise, drawn or {}, count)


def targets(batch):
    """The target sentences of a packed batch, read back."""
    found = []
    for row in range(SHAPE.rows):
        for number in range(1, int(batch["trg_seg"][row].max()) + 1):
            labels = batch["labels"][row][batch["trg_seg"][row] == number]
            found.append(batch["candidates"][labels].tolist())
    return found


def test_packed_rows_hold_whole_sentences_and_little_padding(work):
    batch = stream(work).next()
    processor = vocab.load(work / "vocab.spm")
    known = {tuple([*processor.encode(es), vocab.EOS]) for _, es in corpus.read_pairs(work / "corpus" / "sums.tsv")}
    sentences = targets(batch)
    assert sentences and all(tuple(s) in known for s in sentences)
    assert (batch["src_seg"] > 0).mean() > 0.6
    assert (batch["src_seg"].max(1) == batch["trg_seg"].max(1)).all()
    starts = batch["trg_start"] == 1
    assert (batch["trg_pos"][starts] == 0).all() and starts.sum() == len(sentences)


def test_padding_belongs_to_no_sentence(work):
    batch = stream(work).next()
    assert (batch["trg_seg"][batch["labels"] < 0] == -1).all()


def test_candidates_hold_every_target_once_and_the_weights_add_up(work):
    batch = stream(work).next()
    assert len(set(batch["candidates"].tolist())) == len(batch["candidates"])
    size = vocab.load(work / "vocab.spm").get_piece_size()
    assert np.exp(batch["log_weight"]).sum() == pytest.approx(size, rel=1e-5)


def test_a_stream_taken_up_again_draws_the_sentences_that_follow(work):
    whole = stream(work)
    for _ in range(3):
        whole.next()
    position = json.loads(json.dumps(whole.position()))
    assert position["batches"] == 3 and sum(position["drawn"].values()) > 20
    resumed = stream(work, position["drawn"], position["batches"])
    for source in resumed.sources:
        other = next(s for s in whole.sources if s.name == source.name)
        assert source.draw() == other.draw()


def test_every_sentence_is_drawn_once_before_any_is_drawn_again(work):
    source = stream(work).sources[0]
    drawn = [source.draw() for _ in range(len(source.pairs))]
    assert sorted(drawn) == sorted(source.pairs)


def test_a_mixture_without_the_direction_says_what_to_do(tmp_path):
    corpus.write_mixture(tmp_path, "en-es", [])
    with pytest.raises(FileNotFoundError, match="cuba_training.corpus"):
        batches.load_sources(tmp_path, 0, {})


def test_training_goes_on_after_an_interruption_and_learns(work):
    def run_to(steps):
        arguments = ["--work", str(work), "--run", "r", "--steps", str(steps), "--dim", "32", "--ffn", "64", "--heads", "2",
                     "--enc", "1", "--dec", "1", "--rows", "4", "--length", "32", "--candidates", "400", "--rate", "4e-3"]
        return train.load(train.train(train.parser().parse_args(arguments)))

    first, about = run_to(8)
    second, later = run_to(40)
    assert (first["step"], second["step"]) == (8, 40)
    assert later["tokens"] > about["tokens"]
    for name, drawn in about["positions"][0]["drawn"].items():
        assert later["positions"][0]["drawn"][name] >= drawn
    rows = [json.loads(line) for line in (work / "r" / "progress.jsonl").read_text().splitlines()]
    assert rows[-1]["en-es"] < rows[0]["en-es"]
    assert (work / "r" / "loss.png").stat().st_size > 1000
    params, c, _ = export.averaged([work / "r" / "checkpoint.npz"])
    pack = export.export(params, c, 0, work / "vocab.spm", [[5, 6, 0]], work / "export" / "en-es", "en-es")
    assert pack.stat().st_size > 10_000
