from core import config
from core.sweep.grids import DEFENCES
from core.view import words
from core.view.captions.cures import DEFENCE_NAMES
from core.view.captions.finding import EXPLAINED
from core.view.words import about, duration, per_cent, plural


def test_durations():
    said = [duration(seconds) for seconds in (0.2, 20, 600, 7200)]
    assert said == ["under a second", "20 s", "10 min", "2.0 h"]
    assert about(0.2) == "under a second" and about(20) == "about 20 s"


def test_counts_and_shares():
    assert plural(1, "epoch") == "1 epoch" and plural(2_000, "run") == "2,000 runs"
    assert per_cent(None) == "–" and per_cent(0.1234) == "12.3%"


def test_every_choice_has_words_and_there_are_no_words_without_a_choice():
    assert set(words.NETWORKS) == set(config.MODELS)
    assert set(words.NOISES) == set(config.NOISES)
    assert set(words.LOSSES) == set(config.LOSSES)
    assert set(words.RANKINGS) == set(config.RANKINGS) == set(EXPLAINED)
    assert {"none", *words.REPAIRS} == set(config.REPAIRS)
    assert {"none", *DEFENCES} == set(DEFENCE_NAMES)
