"""Windows around rare words: which words, how wide, and where they stop."""

from collections import Counter

from cuba_training import windows


def test_windows_stop_at_punctuation_and_hold_the_word():
    lines = ["We test, under weekly surveillance of influenza cases, every week."] * 3
    texts = list(windows.phrases(lines))
    found = windows.windows(texts, Counter({"we": 900, "test": 900, "under": 900, "of": 900, "cases": 900, "every": 900, "week": 900}))
    assert "under weekly surveillance of influenza" in found
    assert all("," not in window and len(window.split()) <= 2 * windows.WIDTH + 1 for window in found)
    assert "every week" not in found, "a familiar word brings no window"


def test_names_and_words_met_too_seldom_are_left_out():
    texts = list(windows.phrases(["the Novak clinic", "the Novak ward", "the Novak house", "a scarce thing"]))
    assert not windows.windows(texts, Counter({"the": 900}))


def test_no_word_takes_more_than_its_share():
    texts = list(windows.phrases([f"place {letter} ventilators here" for letter in "abcdefgh"]))
    assert sum("ventilators" in w for w in windows.windows(texts, Counter({"place": 900, "here": 900}))) == windows.PER_WORD
