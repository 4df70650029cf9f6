import pytest

from cuba_training import safety, synthesise, templates


@pytest.mark.parametrize("pair", ["en-es", "es-en", "en-fr", "fr-en"])
def test_the_sets_are_well_formed_and_large_enough(pair):
    sentences = safety.load(pair)
    assert len(sentences) >= 145
    assert len({s.source for s in sentences}) == len(sentences)
    topics = {s.topic for s in sentences}
    assert topics == {"body", "dose", "drug", "negation", "number", "emergency", "travel"}
    assert all(s.checks for s in sentences)


def test_no_safety_sentence_is_a_training_template():
    from cuba_training.clean import key

    for pair in ("en-es", "es-en", "en-fr", "fr-en"):
        keys = {key(side) for sides in templates.all_pairs("en-fr" if "fr" in pair else "en-es") for side in sides}
        copied = [s.source for s in safety.load(pair) if key(s.source) in keys]
        assert len(copied) <= 25, copied


@pytest.mark.parametrize("check,translation,verdict", [
    ("chest:pecho|torax!cofre", "Me duele el pecho.", "kept"),
    ("chest:pecho|torax!cofre", "Me duele el cofre.", "dangerous"),
    ("chest:pecho|torax!cofre", "Me duele mucho.", "lost"),
    ("left:izquierd!derech", "Gire a la derecha.", "dangerous"),
    ("left:izquierd!derech", "A la IZQUIERDA", "kept"),
    ("39.5:39,5|39.5", "Tiene 39,5 grados", "kept"),
    ("39.5:39,5|39.5", "Tiene 139,5 grados", "lost"),
    ("15:15|quince", "tomó 150 pastillas", "lost"),
    ("15:15|quince", "¡15 pastillas!", "kept"),
    ("stroke:derrame|ictus", "un Íctus", "kept"),
    ("nuts:frutos_secos", "sin frutos secos", "kept"),
    ("bacon:tocino", "estocino", "lost"),
    ("eye:oeil!oreille", "J’ai mal à l’œil gauche.", "kept"),
    ("mg:250", "250mg", "kept"),
])
def test_verdicts(check, translation, verdict):
    assert safety.Check.parse(check).verdict(translation) == verdict


def test_a_check_without_accepted_forms_is_refused():
    with pytest.raises(ValueError):
        safety.Check.parse("left:!derech")


def test_judging_counts_words_and_sentences():
    sentences = safety.load("en-es")[:2]
    result = safety.judge(sentences, ["Tengo un dolor fuerte en el pecho.", "nada"])
    assert result["whole"] == 1 and result["lost"] == 3 and len(result["failures"]) == 1


def test_slots_are_filled_alike_on_both_sides_and_contracted():
    import random

    table = {"place": [("the hotel", "el hotel")]}
    assert templates.fill("I come from {place}.", "vengo de {place}.", table, random.Random(1)) == ("I come from the hotel.", "Vengo del hotel.")
    table = {"limb": [("knee", "le genou")]}
    assert templates.fill("my {limb}", "j'ai mal à {limb}", table, random.Random(1), "fr") == ("My knee", "J'ai mal au genou")


@pytest.mark.parametrize("pair", ["en-es", "en-fr"])
def test_every_slot_of_the_templates_has_fillers(pair):
    table = templates.slots(pair)
    for path in templates.FOLDER.glob(f"pairs*.{pair}.tsv"):
        for en, es in templates.rows(path):
            slots = [set(templates._SLOT.findall(side)) for side in (en, es)]
            assert slots[0] == slots[1], (en, es)
            assert all(name in table for name, _ in slots[0]), en


def test_apertium_line_mode_losses_are_repaired():
    assert synthesise.repair("Where is it?", "Dónde es", "eng-spa") == "¿Dónde es?"
    assert synthesise.repair("I am ill.", "Soy  enfermo", "eng-spa") == "Soy enfermo."
    assert synthesise.repair("Estoy enfermo.", "I am ill.", "spa-eng") == "I am ill."
