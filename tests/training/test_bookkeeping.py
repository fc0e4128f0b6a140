"""Records and scores from evaluations, counted by hand; no network is trained."""

import subprocess
import sys

import numpy as np
import pytest

from core.config import RunConfig
from core.errors import DivergedError
from core.paths import ROOT
from core.training.bookkeeping import Bookkeeping, EpochTime, Measured, usual_wrong_share

RNG = np.random.default_rng(5)
IMAGES = 40
TIME = EpochTime(learning_rate=0.01, training_seconds=2.0, seconds=3.0)


def books(**changed) -> Bookkeeping:
    """40 images, the last 8 held out, 6 of the first ones followed in no order."""
    true = RNG.integers(10, size=IMAGES)
    given = np.where(np.arange(IMAGES) % 4 == 0, (true + 1) % 10, true)
    whole = {
        "config": RunConfig(level=0.5, epochs=2, validation=0.2),
        "given_labels": given,
        "true_labels": true,
        "true_test_labels": RNG.integers(10, size=5),
        "trained": np.arange(32),
        "held_out": np.arange(32, IMAGES),
        "followed": np.array([9, 2, 30, 4, 0, 17]),
        "part": None,
    }
    return Bookkeeping(**{**whole, **changed})


def measured(count: int, loss: float = 1.0) -> Measured:
    probabilities = RNG.dirichlet(np.ones(10), size=count).astype(np.float32)
    return Measured(loss, probabilities.argmax(axis=1), np.log(probabilities))


def test_a_record_is_what_the_sets_show():
    kept = books()
    found = {
        "train": measured(32),
        "test": measured(5, 2.0),
        "followed": measured(6),
        "validation": measured(8),
    }
    record = kept.add_epoch(found, None, TIME)
    given, true = kept.given_labels[:32], kept.true_labels[:32]
    said, wrong = found["train"].predictions, given != true
    assert record.train_error == sum(a != b for a, b in zip(said, given, strict=True)) / 32
    assert (
        record.memorized
        == sum(a == b for a, b in zip(said[wrong], given[wrong], strict=True)) / wrong.sum()
    )
    assert (
        record.recovered
        == sum(a == b for a, b in zip(said[wrong], true[wrong], strict=True)) / wrong.sum()
    )
    assert record.test_error == sum(found["test"].predictions != kept.true_test_labels) / 5
    assert record.validation_error == sum(found["validation"].predictions != kept.given_labels[32:]) / 8
    assert (record.train_loss, record.test_loss, record.evaluated_on) == (1.0, 2.0, None)
    assert (record.seconds, record.images_per_second) == (3.0, 16.0)  # 32 images in 2 s
    assert record.predictions == tuple(found["followed"].predictions)
    assert sum(record.loss_counts) == 32 and kept.records == [record]


def test_predictions_that_changed_since_the_epoch_before_are_counted():
    kept = books(config=RunConfig(level=0.5, epochs=3, validation=0.2))
    sets = [
        {
            "train": measured(32),
            "test": measured(5),
            "followed": measured(6),
            "validation": measured(8),
        }
        for _ in range(3)
    ]
    records = [kept.add_epoch(found, None, TIME) for found in sets]
    assert records[0].prediction_changes is None
    for before, after, record in zip(sets, sets[1:], records[1:], strict=False):
        pairs = zip(before["train"].predictions, after["train"].predictions, strict=True)
        assert record.prediction_changes == sum(a != b for a, b in pairs) / 32
    assert kept.scores.prediction[:32].tolist() == sets[-1]["train"].predictions.tolist()
    assert kept.scores.prediction[32:].tolist() == sets[-1]["validation"].predictions.tolist()


def test_in_a_large_set_changes_are_counted_on_the_part_even_in_the_last_epoch():
    part = np.array([1, 5, 8, 20])
    kept = books(
        config=RunConfig(epochs=2), part=part, held_out=np.arange(0), trained=np.arange(IMAGES)
    )
    first = {"train": measured(4), "test": measured(5), "followed": measured(6)}
    last = {"train": measured(IMAGES), "test": measured(5)}
    kept.add_epoch(first, part, TIME)
    record = kept.add_epoch(last, None, TIME)
    pairs = zip(first["train"].predictions, last["train"].predictions[part], strict=True)
    assert record.prediction_changes == sum(a != b for a, b in pairs) / 4


@pytest.mark.parametrize(
    ("noise", "level", "share"),
    [("uniform", 0.5, None), ("pair", 0.0, None), ("pair", 0.5, 2 / 5), ("confusable", 0.5, 1 / 3)],
)
def test_how_often_new_images_get_the_usual_wrong_label(noise, level, share):
    true = np.array([0, 1, 3, 5, 9])  # airplane, automobile, cat, dog, truck
    said = np.array([1, 1, 5, 3 + 5, 9])  # the next class for 0; dog for the cat; ship for the dog
    said[1] = 2
    config = RunConfig(level=level, noise=noise)
    assert usual_wrong_share(said, true, config) == (None if share is None else pytest.approx(share))


def test_predictions_are_in_the_order_of_the_followed_images():
    """Also where they are read off the whole training set."""
    kept = books(config=RunConfig(epochs=1), trained=np.arange(IMAGES), held_out=np.arange(0))
    found = {"train": measured(IMAGES), "test": measured(5)}
    record = kept.add_epoch(found, None, TIME)
    assert list(record.predictions) == [found["train"].predictions[i] for i in (9, 2, 30, 4, 0, 17)]


def test_of_a_large_set_a_part_is_evaluated_until_the_last_epoch_and_scores_are_the_parts():
    part = np.array([1, 5, 8, 20])
    kept = books(
        config=RunConfig(epochs=2), part=part, held_out=np.arange(0), trained=np.arange(IMAGES)
    )
    assert kept.next_part is part
    first = {"train": measured(4), "test": measured(5), "followed": measured(6)}
    assert kept.add_epoch(first, part, TIME).evaluated_on == 4
    assert kept.next_part is None and not kept.is_complete
    last = {"train": measured(IMAGES), "test": measured(5), "followed": measured(6)}
    assert kept.add_epoch(last, None, TIME).evaluated_on is None and kept.is_complete
    scored = np.flatnonzero(~np.isnan(kept.scores.margin))
    assert scored.tolist() == part.tolist() and kept.scores.epochs == 2
    for place, image in enumerate(part):
        margins = []
        for answers in (
            first["train"].log_probabilities[place],
            last["train"].log_probabilities[image],
        ):
            given = kept.given_labels[image]
            margins.append(answers[given] - max(np.delete(answers, given)))
        assert kept.scores.margin[image] == pytest.approx(np.mean(margins), rel=1e-4)


def test_held_out_images_are_scored_with_the_others_each_at_its_own_index():
    kept = books()
    found = {
        "train": measured(32),
        "test": measured(5),
        "followed": measured(6),
        "validation": measured(8),
    }
    kept.add_epoch(found, None, TIME)
    everything = np.concatenate(
        [found["train"].log_probabilities, found["validation"].log_probabilities]
    )
    given = kept.given_labels
    assert kept.scores.best_loss == pytest.approx(-everything[np.arange(IMAGES), given], rel=1e-4)
    assert kept.scores.best_error == kept.records[0].validation_error


def test_a_run_that_diverges_records_nothing():
    kept = books(held_out=np.arange(0), trained=np.arange(IMAGES))
    found = {"train": measured(IMAGES, float("nan")), "test": measured(5)}
    with pytest.raises(DivergedError, match=r"epoch 1 .* under 0\.01"):
        kept.add_epoch(found, None, TIME)
    assert kept.records == [] and kept.scores.epochs == 0


def test_it_needs_no_torch():
    code = "import sys, core.training.bookkeeping; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
