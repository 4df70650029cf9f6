import numpy as np
import pytest

from cuba_training import clean, files


def test_normalise_makes_one_form():
    assert clean.normalise("  It\u2019s\u00a0“fine”\t ") == 'It\'s "fine"'
    assert clean.normalise("cafe\u0301") == "café"


@pytest.mark.parametrize("en,es,kept", [
    ("I have a fever.", "Tengo fiebre.", True),
    ("Take 2 tablets.", "Tome 2 pastillas.", True),
    ("Take 2 tablets.", "Tome 3 pastillas.", False),
    ("It costs 1,000 dollars.", "Cuesta 1.000 dólares.", True),
    ("See %{name} for more.", "Vea %{name} para más.", False),
    ("Read https://x.org now", "Lea https://x.org ahora", False),
    ("Copy this line as it is.", "Copy this line as it is.", False),
    ("Yes.", "Una frase mucho más larga que no traduce nada de lo otro en absoluto.", False),
    ("", "Hola.", False),
    ("--- ### 123 ...", "--- ### 123 ...", False),
])
def test_keep(en, es, kept):
    assert clean.keep(en, es) is kept


def test_the_wall_blocks_either_side_whatever_the_punctuation(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "en.txt").write_text("Where is the station?\nYes.\n")
    (folder / "fr.txt").write_text("Où est la gare ?\nOui.\n")
    (folder / "LICENSE.txt").write_text("Some licence line here\n")
    wall = clean.EvaluationWall.from_folder(tmp_path)
    assert wall.blocks("where is the STATION", "da igual")
    assert wall.blocks("never seen", "¡Où est la gare!")
    assert not wall.blocks("Yes.", "Sí.")
    assert not wall.blocks("Some licence line here", "x y")


def test_a_missing_evaluation_folder_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="--data"):
        clean.EvaluationWall.from_folder(tmp_path)


def test_clean_pairs_counts_what_it_drops():
    wall, counts = clean.EvaluationWall(["good morning all"]), {}
    pairs = [("Hi there.", "Hola."), ("Hi there.", "Hola."), ("Good morning, all!", "Buenos días."), ("Go 1", "Ve 2")]
    assert list(clean.clean_pairs(pairs, wall, counts)) == [("Hi there.", "Hola.")]
    assert counts == {"read": 4, "kept": 1, "duplicate": 1, "evaluation": 1, "filtered": 1}


def test_replacing_a_file_leaves_no_partial(tmp_path):
    files.replace_bytes(tmp_path / "a" / "x.bin", b"1")
    files.replace_bytes(tmp_path / "a" / "x.bin", np.arange(3, dtype=np.uint8).tobytes())
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["x.bin"]
