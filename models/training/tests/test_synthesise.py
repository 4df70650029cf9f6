"""Synthetic pairs: resuming, roles, and the better teacher's precedence."""

import json

import pytest

from cuba_training import clean, corpus, files, sources, synthesise


def upper(chunk):
    return [s.upper() for s in chunk]


def test_an_interrupted_run_repeats_and_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(synthesise, "CHUNK", 10)
    text = tmp_path / "talk.txt"
    text.write_text("".join(f"sentence number {i} here\n" for i in range(35)))
    calls = []

    def dies(chunk):
        calls.append(len(chunk))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return upper(chunk)

    with pytest.raises(KeyboardInterrupt):
        synthesise.synthesise("en", "en-es", text, tmp_path / "o.tsv", 100, dies)
    with open(tmp_path / "o.tsv", "ab") as out:
        out.write(b"half a li")  # what a kill in the middle of a write leaves
    assert synthesise.synthesise("en", "en-es", text, tmp_path / "o.tsv", 100, upper) == 35
    rows = [line.split("\t") for line in files.lines_of(tmp_path / "o.tsv")]
    assert [r[0] for r in rows] == [f"sentence number {i} here" for i in range(35)]
    assert all(r[1] == r[0].upper() and r[3] == "talk" for r in rows)


def test_a_forward_pair_needs_a_trusted_word_choice_and_no_unknown_word(tmp_path):
    text = tmp_path / "t.txt"
    text.write_text("my chest hurts\nthe house is big\nthe frobnicator is big now today\n")
    synthesise.synthesise("en", "en-es", text, tmp_path / "o.tsv", 9, lambda c: ["me duele el cofre", "la casa es grande", "el *frobnicator es grande"])
    assert [line.split("\t")[2] for line in files.lines_of(tmp_path / "o.tsv")] == ["0", "1", "0"]


@pytest.mark.parametrize("language,back", [("en", "es-en"), ("es", "en-es")])
def test_back_translation_teaches_the_direction_into_the_human_side(tmp_path, language, back):
    source = sources.Monolingual(language, "talk", "CC0", 5.0)
    rows = [f"alpha beta {i} gamma\tprimera segunda {i} tercera\t1\ttalk\n" for i in range(40)]
    files.replace_text(tmp_path / "synthetic" / f"{language}-talk.tsv", "".join(rows))
    entries: list = []
    corpus.prepare_synthetic(source, "en-es", tmp_path, clean.EvaluationWall([]), entries, {})
    use = {e["name"].split(".")[1]: e["use"] for e in entries}
    assert list(use["back"]) == [back] and list(use["forward"]) != [back]
    assert use["back"][back]["role"] == sources.BACK
    assert use["back"][back]["share"] == pytest.approx(40 / 2000)


def test_the_own_model_replaces_apertium_sentence_by_sentence(tmp_path):
    source = sources.Monolingual("es", "talk", "CC0", 5.0)
    files.replace_text(tmp_path / "synthetic" / "es-talk.tsv", "old one here\tuno dos tres\t1\tt\nold two here\tcuatro cinco seis\t1\tt\n")
    files.replace_text(tmp_path / "synthetic" / "own-es-talk.tsv", "new one here\tuno dos tres\t0\tt\n")
    corpus.prepare_synthetic(source, "en-es", tmp_path, clean.EvaluationWall([]), [], {})
    pairs = dict(reversed(p) for p in corpus.read_pairs(tmp_path / "corpus" / "es-talk.back.tsv"))
    assert pairs == {"uno dos tres": "new one here", "cuatro cinco seis": "old two here"}


def test_a_prepared_mixture_is_read_back(tmp_path):
    corpus.write_mixture(tmp_path, "en-fr", [{"name": "x"}])
    assert corpus.read_mixture(tmp_path) == ("en-fr", [{"name": "x"}])
    assert json.loads((tmp_path / "mixture.json").read_text())["pair"] == "en-fr"
