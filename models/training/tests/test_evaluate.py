"""The evaluation table: the same lines for everyone, and published scores kept apart."""

import pytest

from cuba_training import card, evaluate, files


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "eval" / "tatoeba-test-v2021-08-07-en-es"
    files.replace_text(folder / "en.txt", "".join(f"line {i} in English\n" for i in range(50)))
    files.replace_text(folder / "es.txt", "".join(f"línea {i} en español\n" for i in range(50)))
    return tmp_path


def test_a_set_gives_the_same_random_lines_each_time_and_in_both_directions(data):
    source, target = evaluate.load_set(data, "tatoeba", "en-es", 20)
    back_source, back_target = evaluate.load_set(data, "tatoeba", "es-en", 20)
    assert len(source) == 20 and source != [f"line {i} in English" for i in range(20)]
    assert (back_source, back_target) == (target, source)
    assert [s.split()[1] for s in source] == [t.split()[1] for t in target]


def test_sides_of_different_length_are_refused(data):
    files.replace_text(data / "eval" / "tatoeba-test-v2021-08-07-en-es" / "es.txt", "una\n")
    with pytest.raises(ValueError, match="50 and 1 lines"):
        evaluate.load_set(data, "tatoeba", "en-es", 20)


def test_a_perfect_engine_scores_a_hundred_and_the_table_shows_it(data, monkeypatch):
    monkeypatch.setattr(evaluate, "SETS", {"tatoeba": evaluate.SETS["tatoeba"]})
    known = dict(zip(*evaluate.load_set(data, "tatoeba", "en-es", 50)))
    rows = evaluate.evaluate({"echo": lambda lines: [known.get(s, s) for s in lines]}, data, "en-es", 50, data / "out")
    assert rows[0]["chrf"] == 100.0 and rows[1]["set"] == "safety"
    text = evaluate.table(rows)
    assert "| en-es | echo | 100.0/100.0 |" in text and "tatoeba (50)" in text
    assert len((data / "out" / "en-es.echo.tatoeba.tsv").read_text().splitlines()) == 50


def test_another_program_is_an_engine_and_a_short_answer_is_an_error():
    assert evaluate.CommandEngine("tr a-z A-Z")(["one", "two"]) == ["ONE", "TWO"]
    with pytest.raises(RuntimeError, match="1 lines for 2"):
        evaluate.CommandEngine("head -n 1")(["one", "two"])


def test_published_scores_cover_both_directions():
    text = evaluate.published(("en-es", "es-en"))
    assert "Mozilla base-memory | 27.5/56.1" in text and "| es-en | Google cloud |" in text and "en-fr" not in text


def test_the_card_lists_only_what_the_direction_used():
    mixture = [{"name": "a", "licence": "CC0", "use": {"en-es": {"share": 1, "role": 0}}},
               {"name": "b", "licence": "MIT", "use": {"es-en": {"share": 1, "role": 1}}}]
    text = card.data_table("en-es", mixture, {"a": {"kept": 1200}, "b": {"kept": 3}}, {"a": 77})
    assert "| a | human | 1,200 | 77 | CC0 |" in text and "MIT" not in text


def test_the_card_owes_a_line_to_what_earlier_runs_drew():
    drawn = {"en-taskmaster.forward": 12, "europarl-sample": 3, "sdg": 0}
    rows = card.data_table("en-es", [], {}, drawn).splitlines()[2:]
    assert rows[0] == "| en-taskmaster.forward | forward-translated | earlier runs | 12 | CC BY 4.0 (Google Taskmaster), other side by machine |"
    assert "European Parliament" in rows[1] and len(rows) == 2
