"""Held-out images, repaired labels, other losses, mixtures: what reaches the network, and what is told of it."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.cleaning.ranking import Ranking, rank_by_scores, ranking_for, sources
from core.cleaning.repair import NotRankedError
from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.data.corruption import given_labels
from core.records import LOSS_EDGES
from core.training import dataset as dataset_module
from core.training.dataset import Dataset
from core.training.devices import autocast
from core.training.training import Training, train
from tests.samples import reproducible, trained

CPU = torch.device("cpu")
FAST = RunConfig(level=0.4, epochs=3, batch_size=32)
CURED = {
    "held out": {"validation": 0.25, "fold": 1},
    "held out, cropped": {"validation": 0.1, "random_crop": True},
    "smoothed": {"loss": "label-smoothing"},
    "generalized": {"loss": "generalized"},
    "early learning": {"loss": "early-learning"},
    "mixed": {"mixup": 1.0},
    "mixed and cropped": {"mixup": 0.5, "random_crop": True},
    "human": {"noise": "cifar10n-worst-matrix", "level": 1.0},
}


def epoch_of(dataset: Dataset, epoch: int = 1) -> list:
    dataset.shuffle(epoch)
    size, count = dataset.config.batch_size, len(dataset)
    return [dataset.next_batch(min(size, count - start)) for start in range(0, count, size)]


@pytest.mark.parametrize("settings", CURED.values(), ids=CURED)
def test_the_same_whether_stopped_or_not(tiny, tmp_path, settings):
    config = dataclasses.replace(FAST, **settings)
    whole, scores = trained(config, tiny, "cpu")
    path = tmp_path / "run.safetensors"
    list(itertools.islice(train(config, tiny, "cpu", path), 2))
    resumed = Training(config, tiny, "cpu")
    resumed.restore(path)
    resumed.launch()
    resumed.collect()
    assert reproducible(resumed.records) == reproducible(whole)
    for spec in dataclasses.fields(scores):
        assert np.array_equal(
            getattr(resumed.scores, spec.name), getattr(scores, spec.name), equal_nan=True
        )


def test_every_image_is_trained_on_or_held_out_and_none_is_both(tiny):
    dataset = Dataset(dataclasses.replace(FAST, validation=0.25, fold=2), tiny, CPU)
    seen = torch.cat([batch.chosen for batch in epoch_of(dataset)]).tolist()
    assert sorted(seen) == dataset.trained.tolist()
    assert sorted([*seen, *dataset.held_out.tolist()]) == list(range(200))
    assert len(dataset.held_out) == 50


def test_what_is_held_out_is_the_same_at_every_level_and_another_for_every_seed(tiny):
    def held_out(**settings):
        config = dataclasses.replace(FAST, validation=0.25, **settings)
        return Dataset(config, tiny, CPU).held_out.tolist()

    assert held_out(level=0.9) == held_out(level=0.0) != held_out(level=0.0, seed=1)


def test_what_is_held_out_does_not_touch_the_training(tiny):
    config = dataclasses.replace(FAST, validation=0.25)
    held_out = Dataset(config, tiny, CPU).held_out
    other_images = tiny.train_images.copy()
    other_images[held_out] = 255 - other_images[held_out]
    other = Cifar10(other_images, tiny.train_labels, tiny.test_images, tiny.test_labels)
    ours, theirs = (list(train(config, data, "cpu")) for data in (tiny, other))
    assert [r.train_loss for r in ours] == [r.train_loss for r in theirs]
    assert [r.test_error for r in ours] == [r.test_error for r in theirs]
    assert [r.validation_error for r in ours] != [r.validation_error for r in theirs]


def test_the_validation_error_is_against_the_labels_given(tiny):
    config = dataclasses.replace(FAST, validation=0.25)
    training = Training(config, tiny, "cpu")
    training.launch()
    record = training.collect()
    dataset, model = training.dataset, training.model.eval()
    with torch.no_grad(), autocast(torch.device("cpu")):
        answers = model(dataset.train_images[dataset.held_out]).argmax(dim=1).numpy()
    expected = np.mean(answers != given_labels(config, tiny.train_labels).labels[dataset.held_out])
    assert record.validation_error == expected
    assert training.scores.best_error == expected and training.scores.best_epoch == 1


def test_without_a_share_there_is_no_validation_error(tiny):
    (record,) = train(dataclasses.replace(FAST, epochs=1), tiny, "cpu")
    assert record.validation_error is None


def test_scores_agree_with_the_records(tiny):
    """What is learned for good by the last epoch is what the training error leaves; counts are of losses."""
    config = dataclasses.replace(FAST, epochs=12, validation=0.1)
    records, scores = trained(config, tiny, "cpu")
    kept = np.setdiff1d(np.arange(200), scores.held_out)
    assert np.mean(scores.learned[kept] == 0) == pytest.approx(records[-1].train_error)
    assert scores.learned.max() <= 12 and scores.epochs == 12
    assert scores.best_epoch == 1 + np.argmin([record.validation_error for record in records])
    best = records[scores.best_epoch - 1]
    assert scores.best_loss[kept].mean() == pytest.approx(best.train_loss, rel=1e-4)
    is_wrong = given_labels(config, tiny.train_labels).is_wrong[kept]
    for record in records:
        right, wrong = np.split(np.array(record.loss_counts), 2)
        assert (right.sum(), wrong.sum()) == ((~is_wrong).sum(), is_wrong.sum())
    right, wrong = np.split(np.array(best.loss_counts), 2)
    edges = [*LOSS_EDGES, np.inf]
    assert (
        np.abs(np.histogram(scores.best_loss[kept][is_wrong], edges)[0] - wrong).sum() <= 2
    )  # the file's rounding


def test_of_a_large_set_only_the_part_is_scored(tiny, monkeypatch):
    monkeypatch.setattr(dataset_module, "EVALUATED_IMAGES", 50)
    records, scores = trained(FAST, tiny, "cpu")
    assert [record.evaluated_on for record in records] == [50, 50, None]
    assert (scores.learned >= 0).sum() == 50 and np.isfinite(scores.margin).sum() == 50


def ranking_of(order: list[int], prediction: int, count: int = 200) -> Ranking:
    rest = [index for index in range(count) if index not in order]
    return Ranking(np.array([*order, *rest]), np.full(count, prediction))


def test_dropped_images_are_not_trained_on(tiny):
    config = dataclasses.replace(FAST, repair="drop", repaired=0.015)
    dataset = Dataset(config, tiny, CPU, ranking_of([5, 100, 7], prediction=0))
    seen = torch.cat([batch.chosen for batch in epoch_of(dataset)]).tolist()
    assert sorted(seen) == [index for index in range(200) if index not in (5, 7, 100)]
    records, scores = trained(config, tiny, "cpu", ranking_of([5, 100, 7], prediction=0))
    assert (scores.learned[[5, 7, 100]] == -1).all() and len(records[-1].predictions) == 128


def test_relabelled_images_get_the_networks_own_answer(tiny):
    config = dataclasses.replace(FAST, repair="relabel", repaired=0.01)
    dataset = Dataset(config, tiny, CPU, ranking_of([5, 100], prediction=3))
    before = given_labels(config, tiny.train_labels).labels
    assert dataset.labels[[5, 100]].tolist() == [3, 3]
    others = np.setdiff1d(np.arange(200), [5, 100])
    assert (dataset.labels.numpy()[others] == before[others]).all()


@pytest.mark.parametrize("repair", ["drop", "relabel"])
def test_the_same_images_are_followed_whatever_is_repaired(tiny, repair):
    """So that their predictions can be held against those of the run that repairs nothing."""
    ranking = ranking_of(list(range(40)), prediction=3)
    config = dataclasses.replace(FAST, repair=repair, repaired=0.2)
    plain, repaired = Dataset(FAST, tiny, CPU), Dataset(config, tiny, CPU, ranking)
    assert repaired.followed.tolist() == plain.followed.tolist()


def test_a_repaired_run_wants_its_ranking(tiny):
    with pytest.raises(NotRankedError, match="first"):
        next(train(dataclasses.replace(FAST, repair="drop", repaired=0.1), tiny, "cpu"))


@pytest.mark.slow
def test_from_finding_to_repairing(embedded):
    """The thing itself on the embedded images: most of what ranks first is wrong, by each way, and
    without it the network ends better."""
    config = RunConfig(level=0.4, batch_size=128, epochs=6)
    labels, is_wrong = given_labels(config, embedded.train_labels)[::2]
    scores = {}
    for name in ("loss", "margin", "confident"):
        for source in sources(config, name):
            if source not in scores:
                scores[source] = trained(source, embedded, "cpu")[1]
        order = rank_by_scores(name, [scores[source] for source in sources(config, name)], labels).order
        assert is_wrong[order[:500]].mean() > 0.6 > 0.4 > is_wrong.mean()
    mended = dataclasses.replace(config, repair="drop", repaired=0.36, ranking="confident")
    ranking = ranking_for(mended, embedded, scores.get)
    before, after = (
        trained(run, embedded, "cpu", used)[0][-1].test_error
        for run, used in ((config, None), (mended, ranking))
    )
    assert after < before - 0.02


def test_mixtures_are_what_the_formula_says(tiny):
    """Each image with its partner, weighed by one number for the batch, which both labels share."""
    config = dataclasses.replace(FAST, mixup=1.0)
    dataset = Dataset(config, tiny, CPU)
    plain, weights, partners = dataset.train_images.float(), [], []
    for batch in epoch_of(dataset):
        weights.append(batch.weight.item())
        row = batch.images[0].float()
        mixed = batch.weight * plain[batch.chosen[0]] + (1 - batch.weight) * plain  # with each
        distance = (mixed - row).abs().amax(dim=(1, 2, 3))
        partner = int(distance.argmin())  # the one for which the formula holds
        assert distance[partner] < 0.05
        assert batch.partner_labels[0] == dataset.labels[partner]
        partners.append(partner)
    assert len(set(weights)) == len(weights) and all(0 < weight < 1 for weight in weights)
    again = [batch.weight.item() for batch in epoch_of(dataset)]
    assert again == weights and [b.weight.item() for b in epoch_of(dataset, 2)] != weights


def test_the_weights_of_mixtures_are_drawn_anew_for_every_epoch_and_seed(tiny):
    drawn = set()
    for seed in range(2):
        dataset = Dataset(dataclasses.replace(FAST, mixup=1.0, seed=seed), tiny, CPU)
        for epoch in range(1, 4):
            dataset.shuffle(epoch)
            drawn.add(tuple(dataset.weights.tolist()))
    assert len(drawn) == 6


@pytest.mark.parametrize("loss", ["label-smoothing", "generalized", "early-learning"])
def test_a_loss_changes_the_training_and_not_what_is_measured(tiny, loss):
    """The stored loss is cross-entropy, whatever was trained: runs can be compared."""
    training = Training(dataclasses.replace(FAST, loss=loss), tiny, "cpu")
    training.launch()
    record = training.collect()
    dataset = training.dataset
    with torch.no_grad(), autocast(torch.device("cpu")):
        logits = training.model.eval()(dataset.train_images).float()
    assert record.train_loss == pytest.approx(F.cross_entropy(logits, dataset.labels).item(), rel=1e-3)
    plain = next(train(FAST, tiny, "cpu"))
    assert record.train_loss != plain.train_loss
