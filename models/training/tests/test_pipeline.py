"""From text to pack, lexicon and card in one go, on a made-up language of sums."""

import itertools

from cuba_training import card, corpus, evaluate, files, lexicon, quick

EN = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
ES = ["uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"]
VERBS = [("and", "y"), ("without", "sin"), ("before", "antes de"), ("after", "después de")]


def pairs():
    for i, j, (a, b) in itertools.product(range(10), range(10), VERBS):
        yield f"{EN[i]} {a} {EN[j]}", f"{ES[i]} {b} {ES[j]}"


def test_the_whole_pipeline_learns_and_documents_itself(tmp_path):
    data, work = tmp_path / "data", tmp_path / "work"
    everything = list(pairs())
    test, train = everything[::20], [p for n, p in enumerate(everything) if n % 20]
    names = {"tatoeba-manythings": train, "storybooks": train[:50], "mintaka": train[50:90]}
    for name, rows in names.items():
        corpus.write_pairs(data / "train" / name / "en-es.tsv", rows)
    for folder in ("tatoeba-test-v2021-08-07-en-es", "tico19-dev", "flores200-devtest"):
        for side, language in enumerate(("en", "es")):
            files.replace_text(data / "eval" / folder / f"{language}.txt", "".join(p[side] + "\n" for p in test))

    sizes = ["--dim", "64", "--ffn", "128", "--heads", "2", "--enc", "1", "--dec", "1", "--rows", "8", "--candidates", "900"]
    chrf = quick.run(data, work, 160, vocabulary=900, sizes=sizes)
    assert chrf > 30, chrf

    counts = (work / "corpus" / "counts.json").read_text()
    assert '"evaluation lines"' in counts
    kept = {p for n in names for p in corpus.read_pairs(work / "corpus" / f"{n}.tsv")}
    assert not kept & set(test)

    export = work / "export" / "en-es"
    rows = evaluate.evaluate({"cuba": evaluate.PackEngine(export, "en-es")}, data, "en-es", 20, None)
    assert {r["set"] for r in rows} == {"tatoeba", "tico19", "flores", "safety"}
    assert lexicon.make(lexicon.read(work), "en-es", False, export / "lexicon.enes.tsv") > 10
    text = card.card("en-es", export, work, rows)
    assert "# English to Spanish" in text and "tatoeba-manythings" in text and "CC BY 2.0 FR" in text
