"""Every sentence about one run, for all kinds of noise, levels and ways of training.

The words that are false of each kind were worked out by hand. A simulated network first guesses, then
knows the true classes, then repeats its labels; what it does is recorded as a training would.
"""

import re
from functools import cache

import numpy as np
import pytest
import torch

from core.choices import NOISES
from core.cleaning.ranking import Ranking
from core.cleaning.studied import studied_labels
from core.config import RunConfig
from core.data import people
from core.data.cifar10 import load_embedded
from core.data.corruption import given_labels
from core.live.runs.store import Status
from core.training.bookkeeping import Bookkeeping, EpochTime, Measured
from core.view.classroom.level_sweep import level_sweep_title
from core.view.images.captions import describe_learned, describe_losses
from core.view.images.corruption import describe_corruption, describe_repair, explain_noise
from core.view.run.captions import (
    describe_empty,
    describe_errors,
    describe_evaluation,
    describe_fate,
    describe_loss,
    run_row,
    run_title,
)
from core.view.run.data import RunData
from core.view.run.floor import floor_of
from tests.samples import live_run

IDENTITY = ";".join(",".join("1" if i == j else "0" for j in range(10)) for i in range(10))
UNIFORM = ";".join([",".join(["0.1"] * 10)] * 10)
NOISE = [
    *({"noise": name} for name in NOISES if name != "own"),
    {"noise": "own", "noise_matrix": IDENTITY},
    {"noise": "own", "noise_matrix": UNIFORM},
]
LEVELS = (0.0, 0.0005, 0.5, 1.0)
WAYS = {
    "as usual": {},
    "held out": {"validation": 0.2},
    "dropped": {"repair": "drop", "repaired": 0.2},
    "relabelled": {"repair": "relabel", "repaired": 0.2},
    "mixup": {"mixup": 1.0},
    "1 hidden unit": {"width": 1},
}


def is_random(config: RunConfig) -> bool:
    """By hand: these two draw each class equally often."""
    return (
        config.noise == "uniform"
        or config.noise_matrix == RunConfig(level=1.0, **NOISE[-1]).noise_matrix
    )


def is_identity(config: RunConfig) -> bool:
    return config.noise_matrix == RunConfig(level=1.0, **NOISE[-2]).noise_matrix


def false_words(config: RunConfig) -> set[str]:
    """The words that no sentence about the course of such a run may contain, by hand."""
    words = {"nan", "None", "inf"}
    if not config.level or is_identity(config):
        # No label is wrong. After relabelling, some are.
        words |= {"random", "memor", "by chance", "Dashed"}
        words -= {"Dashed"} if config.repair == "relabel" else set()
    elif not is_random(config):
        words |= {"random", "memor", "by chance", "picked", "There is no pattern"}
    elif config.repair != "none":
        words |= {"memor", "by chance", "There is no pattern", "All labels are random"}
    if config.level < 1:
        words |= {"There is no pattern", "All labels are random"}
    if config.noise != "uniform":
        words |= {"0.9 p"}
    return words


@pytest.fixture(autouse=True, scope="module")
def labels_by_people(tmp_path_factory):
    """A file like CIFAR-10N's, in which two in five images have the label of the next class."""
    true = np.concatenate([load_embedded().train_labels, np.arange(people.IMAGES - 5_000) % 10])
    wrong = np.where(np.arange(len(true)) % 5 < 2, (true + 1) % 10, true)
    path = tmp_path_factory.mktemp("people") / "CIFAR-10_human.pt"
    torch.save({"clean_label": true, **dict.fromkeys(people.COLUMNS, wrong)}, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(people.FILE, str(path))
        yield


@cache
def course(config: RunConfig) -> tuple:
    """What a simulated network does in three epochs: the labels studied, the records, the scores."""
    true = load_embedded().train_labels.astype(np.int64)
    rng = np.random.default_rng(0)
    guess = rng.integers(10, size=len(true))
    knows = np.where(rng.random(len(true)) < 0.6, true, guess)
    ranking = Ranking(rng.permutation(len(true)), knows) if config.repair != "none" else None
    studied = studied_labels(config, true, ranking)
    trained, held_out = np.flatnonzero(studied.is_trained), np.flatnonzero(studied.is_held_out)
    test = rng.integers(10, size=1000)
    books = Bookkeeping(
        config, studied.labels, true, test, trained, held_out, studied.followed, part=None
    )
    for said in (guess, knows, studied.labels):

        def measured(chosen, said=said):
            sure = np.full((len(chosen), 10), 0.05, dtype=np.float32)
            sure[np.arange(len(chosen)), said[chosen]] = 0.55
            return Measured(1.0, said[chosen], np.log(sure))

        sets = {"train": measured(trained), "followed": measured(studied.followed)}
        if len(held_out):
            sets["validation"] = measured(held_out)
        sets["test"] = Measured(1.0, np.roll(test, 7), np.log(np.full((1000, 10), 0.1)))
        books.add_epoch(sets, None, EpochTime(0.01, 1.0, 1.0))
    return studied, books.records, books.scores


def sentences(config: RunConfig) -> list[str]:
    """Every sentence about the course of the run, after no epoch and after each."""
    studied, records, scores = course(config)
    true = load_embedded().train_labels
    said = [
        describe_empty(config, floor_of(config, studied)),
        describe_learned(scores, studied.is_wrong),
        RunData(config, true, studied, range(24)).json(records),
    ]
    if config.repair != "none":
        said.append(describe_empty(config, floor_of(config, None)))  # its ranking was deleted
        said.append(describe_repair(config, studied))
    for count in range(1, 4):
        said += [
            describe_errors(config, records[:count]),
            describe_fate(config, records[:count]),
            describe_loss(records[:count]),
            describe_evaluation(records[:count]),
            describe_losses(records[count - 1]),
        ]
    for status in (Status.CANCELLED, Status.FINISHED):
        said += run_row(live_run(config, status=status.value), records[0]).values()
    title = run_title(config)
    # The title and the name of the run call the noise by its name.
    return [each.replace(title, "").replace(config.noise, "") for each in said]


CONFIGS = [
    RunConfig(**noise, level=level, epochs=3, **way)
    for noise in NOISE
    for level in LEVELS
    for way in WAYS.values()
    if level or noise["noise"] == "uniform"  # without corruption there is no noise
]


@pytest.mark.parametrize("config", CONFIGS, ids=run_title)
def test_no_sentence_contains_a_word_that_is_false_of_the_run(config):
    for said in sentences(config):
        for word in false_words(config):
            assert not re.search(rf"(?<![a-z]){re.escape(word)}", said), (word, said[:300])


@pytest.mark.parametrize("config", [c for c in CONFIGS if c.level == 0.0005], ids=run_title)
def test_two_wrong_labels_are_counted_and_not_given_as_a_share(config):
    studied, records, _ = course(config)
    count = int(studied.is_wrong[studied.is_trained].sum())
    assert (count < 20) == (config.repair != "relabel")
    if count and count < 20:
        said = describe_errors(config, records)
        assert re.search(rf"\b\d+ of the {count} images? with a wrong label correctly", said), said
        assert "%" not in said.split("It misreads")[0] and "%" not in describe_fate(config, records)


@pytest.mark.parametrize("config", CONFIGS, ids=run_title)
def test_the_gallery_says_what_was_done_to_the_labels(config):
    true = load_embedded().train_labels
    said = describe_corruption(config, given_labels(config, true)) + explain_noise(config)
    assert "nan" not in said and "None" not in said
    if config.level:
        assert ("at random" in said) == is_random(config), said
        assert "0% corruption" not in said or config.level >= 0.5


def test_each_kind_of_noise_is_told_by_its_own_sentence():
    def at(count: int, **settings) -> str:
        config = RunConfig(level=0.5, epochs=3, **settings)
        return describe_errors(config, course(config)[1][:count])

    assert "is finding the pattern" in at(2) and "has memorized 100% of the wrong labels" in at(3)
    rule = "These wrong labels follow a rule, which can be learned like any other: of new photographs"
    assert rule in at(3, noise="pair") and rule in at(3, noise="confusable")
    assert "People gave these labels" in at(3, noise="cifar10n-worst-labels")
    assert "include predicted ones" in at(3, repair="relabel", repaired=0.2)
    assert "looked least suspicious" in at(3, repair="drop", repaired=0.2)
    assert "has memorized" in at(3, noise="own", noise_matrix=UNIFORM)


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        (RunConfig(level=0.5), "least error without memorizing", 0.45),
        (RunConfig(level=1.0), "least error without memorizing", 0.9),
        (RunConfig(level=0.4, noise="pair"), "error of naming every image correctly", 0.4),
        (RunConfig(level=0.6, noise="pair"), "least error by the labels' rule", 0.4),
        (RunConfig(level=1.0, noise="pair"), "least error by the labels' rule", 0.0),
        (
            RunConfig(level=1.0, noise="own", noise_matrix=UNIFORM),
            "least error without memorizing",
            0.9,
        ),
    ],
    ids=lambda value: run_title(value) if isinstance(value, RunConfig) else str(value),
)
def test_the_dashed_line_is_named_by_what_it_is(config, name, value):
    floor = floor_of(config)
    assert floor.name == name and floor.value == pytest.approx(value)


def test_without_a_wrong_label_there_is_no_dashed_line():
    assert floor_of(RunConfig()) is None
    assert floor_of(RunConfig(level=1.0, noise="own", noise_matrix=IDENTITY)) is None


def test_the_line_of_a_repaired_run_is_the_share_of_wrong_labels_that_are_left():
    config = RunConfig(level=0.5, epochs=3, repair="drop", repaired=0.2)
    studied = course(config)[0]
    floor = floor_of(config, studied)
    assert floor.value == studied.is_wrong[~studied.is_dropped].mean()
    assert floor_of(config, None) is None


def test_the_titles_name_the_noise():
    for name, noise in NOISES.items():
        if name != "own":
            config = RunConfig(level=0.5, noise=name)
            assert noise.words in run_title(config)
            assert (noise.words in level_sweep_title(config)) == (name != "uniform")
