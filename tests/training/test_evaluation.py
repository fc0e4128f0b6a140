"""What is evaluated after an epoch: of a large training set a part, at the end all of it."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.config import RunConfig
from core.data.corruption import corrupt_labels, evaluated_images
from core.records import is_complete, is_last
from core.training import dataset
from core.training.training import Training, train
from tests.samples import record, reproducible

CONFIG = RunConfig(level=0.5, epochs=4, batch_size=32)
PART = 60


@pytest.fixture
def large(tiny, monkeypatch):
    """200 images count as a large training set."""
    monkeypatch.setattr(dataset, "EVALUATED_IMAGES", PART)
    return tiny


def test_a_part_is_evaluated_and_all_at_the_end(large):
    records = list(train(CONFIG, large, "cpu"))
    assert [record.evaluated_on for record in records] == [PART, PART, PART, None]


def test_small_training_sets_are_evaluated_whole(tiny):
    assert {record.evaluated_on for record in train(CONFIG, tiny, "cpu")} == {None}


def test_what_is_evaluated_changes_nothing_of_the_training(large):
    part, whole = (list(train(CONFIG, large, "cpu", evaluate_all=all_)) for all_ in (False, True))
    assert {record.evaluated_on for record in whole} == {None}
    same = ("test_error", "test_loss", "learning_rate", "predictions")
    for a, b in zip(part, whole, strict=True):
        assert [getattr(a, name) for name in same] == [getattr(b, name) for name in same]
    (ends_of_part, ends_of_whole) = (
        [replace(ends[-1], prediction_changes=None)] for ends in (part, whole)
    )
    assert reproducible(ends_of_part) == reproducible(ends_of_whole)
    assert [a.train_error for a in part[:-1]] != [b.train_error for b in whole[:-1]]


def test_the_parts_metrics_are_counts_over_its_images(large):
    """Against a float32 pass over the whole set, of which the part is taken by hand."""
    training = Training(CONFIG, large, "cpu")
    training.launch()
    found = training.collect()
    with torch.no_grad():
        logits = training.model.eval()(training.dataset.train_images.float())
    corrupted = corrupt_labels(large.train_labels, 0.5, 0)
    indices = evaluated_images(200, PART, 0)
    given, true = corrupted.labels[indices], np.asarray(large.train_labels)[indices]
    predicted, wrong = logits.argmax(dim=1).numpy()[indices], given != true
    assert found.train_error == pytest.approx((predicted != given).mean(), abs=0.04)
    assert found.memorized == pytest.approx((predicted == given)[wrong].mean(), abs=0.08)
    assert found.recovered == pytest.approx((predicted == true)[wrong].mean(), abs=0.08)
    loss = torch.nn.functional.cross_entropy(logits[indices], torch.from_numpy(given))
    assert found.train_loss == pytest.approx(loss.item(), rel=0.03)


def test_the_part_is_random_fixed_and_without_repetition():
    first = evaluated_images(50_000, 5_000, 3)
    assert len(set(first.tolist())) == 5_000 and first.min() >= 0 and first.max() < 50_000
    assert (first == evaluated_images(50_000, 5_000, 3)).all()
    assert (first != evaluated_images(50_000, 5_000, 4)).any()
    tenths = np.bincount(first // 5_000, minlength=10)  # of a hypergeometric law: 500 +- 20
    assert abs(tenths - 500).max() < 110


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_run_evaluates_the_same(large, tmp_path, stop):
    path = tmp_path / "run.safetensors"
    first = train(CONFIG, large, "cpu", path)
    for _ in range(stop):
        next(first)
    first.close()
    assert reproducible(train(CONFIG, large, "cpu", path)) == reproducible(train(CONFIG, large, "cpu"))


def test_the_last_epoch_is_known_before_it_is_evaluated():
    """For every length and every epoch in which the set may be fitted, this one included."""
    for epochs in (1, 3, 6):
        for after in (0, 1, 4):
            config = RunConfig(epochs=epochs, epochs_after_fitted=after)
            for fitted in (None, 1, 2, 3, 5, 6, 9):
                records = [
                    record(i, train_loss=0.04 if fitted and i >= fitted else 1.0) for i in range(1, 204)
                ]
                for done in range(1, 204):
                    if is_complete(config, records[: done - 1]):
                        break
                    before, after_it = records[: done - 1], records[:done]
                    assert is_last(config, before) == is_complete(config, after_it)


def test_a_run_until_fitted_ends_with_all_its_images(large):
    config = dataclasses.replace(CONFIG, level=0.0, epochs=2, epochs_after_fitted=3)
    records = list(train(config, large, "cpu"))
    assert records[-1].evaluated_on is None and {r.evaluated_on for r in records[:-1]} == {PART}
