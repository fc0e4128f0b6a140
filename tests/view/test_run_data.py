"""What the browser is told of a run."""

import json

import numpy as np
import pytest

from core.cleaning.studied import studied_labels
from core.config import RunConfig
from core.data.corruption import corrupt_labels, followed_images
from core.view.run.data import (
    INK,
    NAMES,
    PHOTOGRAPHS,
    VALUES,
    RunData,
    few_of,
    lines_of,
    shown_images,
    shown_places,
)
from core.view.words import LABELS
from tests.samples import record

TRUE = np.arange(5_000, dtype=np.uint8) % 10
ALL = range(PHOTOGRAPHS)


@pytest.mark.parametrize("level", [0.0, 0.01, 0.3, 0.99, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_photographs_are_shown_and_followed_at_every_level(level, seed):
    is_wrong = corrupt_labels(TRUE, level, seed).is_wrong
    followed = followed_images(is_wrong, seed)
    shown = shown_images(len(TRUE), seed)
    assert (followed[shown_places(followed, shown)] == shown).all()


def test_labels_and_answers_are_those_of_the_run():
    config = RunConfig(level=0.5, seed=4, epochs=9)
    told = json.loads(
        RunData(config, TRUE, studied_labels(config, TRUE), ALL).json([record(1), record(2)])
    )
    corrupted = corrupt_labels(TRUE, 0.5, 4)
    shown, followed = shown_images(len(TRUE), 4), followed_images(corrupted.is_wrong, 4)
    for place, tile in enumerate(told["tiles"]):
        assert (tile["given"], tile["real"]) == (corrupted.labels[shown[place]], TRUE[shown[place]])
        at = int(np.flatnonzero(followed == shown[place])[0])
        assert int(told["told"][0][-1][place]) == record(1).predictions[at]
    assert (told["epochs"], told["floor"], len(told["told"])) == (9, 0.45, 2)
    values = dict(zip(VALUES, told["told"][1], strict=False))
    assert values["test_error"] == 0.7 and values["chance"] == round((1 - 0.1) / 9, 4)
    assert told["told"][1][-2].startswith("After 2 epochs")


def test_epochs_that_come_are_added_and_earlier_ones_stay():
    config = RunConfig(level=0.5)
    data = RunData(config, TRUE, studied_labels(config, TRUE), ALL)
    before = json.loads(data.json([record(1)]))["told"]
    after = json.loads(data.json([record(1), record(2), record(3)]))["told"]
    assert after[0] == before[0] and len(after) == 3
    assert json.loads(data.json([record(1)]))["told"] == before  # a viewer who is behind
    unknown = json.loads(
        RunData(RunConfig(), TRUE, studied_labels(RunConfig(), TRUE), ALL).json(
            [record(1, memorized=None, recovered=None)]
        )
    )
    assert unknown["floor"] is None and unknown["told"][0][3:6] == [None, None, None]


def test_of_a_few_photographs_as_many_are_wrong_as_of_all():
    is_wrong = corrupt_labels(TRUE, 0.4, 0).is_wrong[shown_images(len(TRUE), 0)]
    few = few_of(is_wrong, 0.4, 8)
    assert len(few) == 8 and is_wrong[list(few)].sum() == 3 and list(few) == sorted(set(few))
    assert few_of(np.zeros(24, dtype=bool), 0.0, 8) == tuple(range(8))


def test_a_run_behind_another_is_its_errors():
    assert lines_of([record(1), record(2)]) == {"test_error": [0.7, 0.7], "train_error": [0.5, 0.25]}


def test_the_error_on_held_out_images_is_drawn_where_some_are_held_out(embedded):
    """So that a training can be stopped by it."""
    config = RunConfig(level=0.4, validation=0.2)
    data = RunData(
        config, embedded.train_labels, studied_labels(config, embedded.train_labels), range(24)
    )
    told = json.loads(data.json([record(1, validation_error=0.6)]))["told"]
    assert told[0][VALUES.index("validation_error")] == 0.6
    assert NAMES["validation_error"] == LABELS["validation_error"] and INK["validation_error"]
