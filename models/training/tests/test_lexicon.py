"""The lexicon counts examples and lists only translations that are nearly exclusive."""

from cuba_training import corpus, files, lexicon
from cuba_training.sources import BACK, HUMAN


def work_with(tmp_path, pairs, role=HUMAN):
    entries: list = []
    corpus.write_pairs(tmp_path / "corpus" / "x.tsv", pairs)
    corpus.add_entry(entries, "x", "CC0", {d: (1.0, role) for d in ("en-es", "es-en")})
    corpus.write_mixture(tmp_path / "corpus", "en-es", entries)
    return tmp_path


def read(path):
    return {w: (int(n), t) for w, n, t in (line.split("\t") for line in files.lines_of(path))}


PAIRS = [(f"the badger {x}", f"el tejón {y}") for x, y in [("eats", "come"), ("sleeps", "duerme"), ("runs", "corre"), ("sees", "ve")]]
PAIRS += [("the dog eats", "el perro come"), ("the cat eats", "el gato come"), ("my tablet", "mi pastilla")]


def test_a_rare_word_gets_its_exclusive_partner_and_a_key_word_its_own(tmp_path):
    lexicon.make(lexicon.read(work_with(tmp_path, PAIRS)), "en-es", False, tmp_path / "l.tsv")
    rows = read(tmp_path / "l.tsv")
    assert rows["badger"] == (4, "tejón")
    assert rows["tablet"] == (1, "pastilla|comprimido")
    assert rows["dog"] == (1, "")
    assert rows["penicillin"] == (0, "penicilina")


def test_a_common_word_lists_its_likeliest_partner_and_a_shared_word_itself(tmp_path):
    pairs = [(f"the plane {n} leaves", f"el avión {n} sale") for n in "abcdefghijkl"]
    pairs += [(f"hotel {n}", f"hotel {n}") for n in "abcdefghijkl"] + [("the idea", "la idea")]
    lexicon.make(lexicon.read(work_with(tmp_path, pairs)), "en-es", False, tmp_path / "l.tsv")
    rows = read(tmp_path / "l.tsv")
    assert rows["plane"][1] in ("avión", "sale")
    assert rows["hotel"] == (12, "hotel") and rows["idea"] == (1, "idea")
    assert "the" not in rows["the"][1]


def test_the_reverse_direction_reads_the_pairs_the_other_way(tmp_path):
    lexicon.make(lexicon.read(work_with(tmp_path, PAIRS)), "en-es", True, tmp_path / "l.tsv")
    rows = read(tmp_path / "l.tsv")
    assert rows["tejón"] == (4, "badger") and rows["comprimido"] == (0, "tablet")


def test_machine_pairs_translate_rare_words_but_do_not_count_as_examples(tmp_path):
    lexicon.make(lexicon.read(work_with(tmp_path, PAIRS, BACK)), "en-es", False, tmp_path / "l.tsv")
    rows = read(tmp_path / "l.tsv")
    assert rows["badger"] == (0, "tejón")
    assert "dog" not in rows


def test_a_word_that_the_teacher_gets_wrong_is_listed_without_its_translation(tmp_path):
    pairs = [(f"the stool {x}", f"el taburete {y}") for x, y in [("falls", "cae"), ("burns", "arde"), ("breaks", "rompe"), ("moves", "va")]]
    lexicon.make(lexicon.read(work_with(tmp_path, pairs, BACK)), "en-es", False, tmp_path / "l.tsv")
    assert "taburete" not in read(tmp_path / "l.tsv")["stool"][1]


def test_several_forms_of_a_word_may_share_their_translation(tmp_path):
    pairs = [(f"{form} {n}", f"bonito {n}") for form in ("lindo", "linda") for n in "abcdefgh"]
    corpus_of = [(b.replace("bonito", "pretty"), a) for a, b in pairs]
    lexicon.make(lexicon.read(work_with(tmp_path, corpus_of, BACK)), "en-es", True, tmp_path / "l.tsv")
    assert read(tmp_path / "l.tsv")["linda"] == (0, "pretty")
