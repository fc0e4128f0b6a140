import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import RunConfig, format_matrix, parse_matrix
from core.data.cifar10 import CLASSES
from core.data.corruption import corrupt_labels, given_labels, held_out_images, transition_counts
from core.data.noise import (
    error_without_memorizing,
    human_labels,
    mixing_matrix,
    named_mixing,
    transition_matrix,
    usual_wrong_classes,
    wrong_share,
)
from core.errors import ConfigError
from tests.data.test_corruption import TRUE, within_binomial

NAMED = ("uniform", "pair", "confusable", "cifar10n-aggregate-matrix", "cifar10n-worst-matrix")
seeds = st.integers(0, 9999)
levels = st.floats(0.01, 1)


def own(rows: np.ndarray) -> str:
    return format_matrix(tuple(map(tuple, rows)))


@pytest.mark.parametrize("noise", NAMED)
def test_every_row_is_a_distribution(noise):
    mixing = named_mixing(noise)
    assert mixing.shape == (10, 10) and (mixing >= 0).all()
    assert mixing.sum(axis=1) == pytest.approx(1)


def test_what_the_noises_do_to_a_truck_and_to_a_frog():
    truck, frog = CLASSES.index("truck"), CLASSES.index("frog")
    assert CLASSES[named_mixing("confusable")[truck].argmax()] == "automobile"
    assert named_mixing("confusable")[frog, frog] == 1
    assert CLASSES[named_mixing("pair")[truck].argmax()] == "airplane"
    assert CLASSES[np.argsort(named_mixing("cifar10n-worst-matrix")[truck])[-2]] == "automobile"


def test_look_alikes_are_those_of_patrini_and_others():
    """Patrini et al. 2017, section 5: truck to automobile, bird to airplane, deer to horse, and cat
    and dog to each other."""
    becomes = {
        CLASSES[true]: CLASSES[row.argmax()] for true, row in enumerate(named_mixing("confusable"))
    }
    assert {true: given for true, given in becomes.items() if true != given} == {
        "truck": "automobile",
        "bird": "airplane",
        "deer": "horse",
        "cat": "dog",
        "dog": "cat",
    }


@pytest.mark.parametrize(
    ("column", "rate"),
    [("aggregate", 0.0903), ("random", 0.1723), ("worst", 0.4021)],
)
def test_people_are_wrong_as_often_as_cifar_10n_says(column, rate):
    """Wei et al. 2022: the noise rates of the 50,000 training images; of the file they published by
    majority 0.02 points fewer."""
    config = RunConfig(level=1.0, data="full", noise=f"cifar10n-{column}-labels")
    assert wrong_share(config) == pytest.approx(rate, abs=2.5e-4)
    assert 1 - np.diag(mixing_matrix(config)).mean() == pytest.approx(rate, abs=2.5e-4)


@pytest.mark.parametrize(
    ("noise", "share"),
    [
        ("uniform", 0.9),
        ("pair", 1),
        ("confusable", 0.5),
        ("cifar10n-aggregate-matrix", 0.0901),
        ("cifar10n-worst-matrix", 0.402),
    ],
)
def test_the_share_of_wrong_labels_at_level_1(noise, share):
    assert wrong_share(RunConfig(level=1.0, noise=noise)) == pytest.approx(share, abs=2e-4)
    assert wrong_share(RunConfig(level=0.5, noise=noise)) == pytest.approx(share / 2, abs=1e-4)


@pytest.mark.parametrize(
    ("noise", "level", "least"),
    [
        ("uniform", 0.5, 0.45),
        ("uniform", 1.0, 0.9),  # every label is as likely as the true one
        ("pair", 0.4, 0.4),
        ("pair", 0.6, 0.4),  # answering the next class is right more often than the true class
        ("pair", 1.0, 0.0),
        ("confusable", 0.4, 0.2),
        ("confusable", 0.8, 0.1),  # five classes: the look-alike, wrong one time in five
        ("confusable", 1.0, 0.0),
        ("cifar10n-worst-matrix", 1.0, 0.402),
    ],
)
def test_the_least_error_without_memorizing_is_that_of_the_best_answer_to_each_class(
    noise, level, least
):
    config = RunConfig(level=level, noise=noise)
    assert error_without_memorizing(config) == pytest.approx(least, abs=2e-4)
    # The Bayes rule by brute force: of a million labels drawn, the most frequent of each class.
    true = np.repeat(np.arange(10), 100_000)
    rng = np.random.default_rng(0)
    drawn = np.concatenate([rng.choice(10, size=100_000, p=row) for row in transition_matrix(config)])
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (true, drawn), 1)
    assert 1 - counts.max(axis=1).sum() / len(true) == pytest.approx(least, abs=2e-3)


def test_the_usual_wrong_label_of_each_class():
    assert usual_wrong_classes(RunConfig(level=0.5)).tolist() == [-1] * 10
    assert usual_wrong_classes(RunConfig(level=0.5, noise="pair")).tolist() == [*range(1, 10), 0]
    usual = usual_wrong_classes(RunConfig(level=0.5, noise="confusable"))
    assert {CLASSES[a]: CLASSES[b] for a, b in enumerate(usual) if b >= 0} == {
        "truck": "automobile",
        "bird": "airplane",
        "deer": "horse",
        "cat": "dog",
        "dog": "cat",
    }
    people = usual_wrong_classes(RunConfig(level=1.0, noise="cifar10n-worst-matrix"))
    counts = np.array(human_labels()["worse_label"]["counts_true_by_given"])
    np.fill_diagonal(counts, 0)
    assert people.tolist() == counts.argmax(axis=1).tolist()


def test_the_counts_of_people_are_of_all_training_images():
    for name in ("aggre_label", "random_label1", "worse_label"):
        table = human_labels()[name]
        counts = np.array(table["counts_true_by_given"])
        assert (counts.sum(axis=1) == 5000).all()
        assert counts.sum() - np.trace(counts) == table["wrong_of_50000"]


@pytest.mark.slow
@given(level=levels, seed=seeds, noise=st.sampled_from(NAMED))
def test_each_cell_is_drawn_as_the_transition_matrix_says(level, seed, noise):
    config = RunConfig(level=level, seed=seed, noise=noise)
    counts = transition_counts(TRUE, given_labels(config, TRUE).labels)
    expected = transition_matrix(config)
    for row, chances in zip(counts, expected, strict=True):
        for count, chance in zip(row, chances, strict=True):
            assert within_binomial(count, row.sum(), min(chance, 1.0))


@given(lower=levels, upper=levels, seed=seeds, noise=st.sampled_from(NAMED))
def test_levels_are_nested(lower, upper, seed, noise):
    lower, upper = sorted((lower, upper))
    few, many = (
        corrupt_labels(TRUE, level, seed, mixing=named_mixing(noise)) for level in (lower, upper)
    )
    assert (many.is_redrawn | ~few.is_redrawn).all()
    assert (many.labels == few.labels)[few.is_redrawn].all()


@given(seed=seeds)
def test_a_label_is_drawn_from_the_true_one_and_never_from_one_that_was_drawn(seed):
    labels = corrupt_labels(TRUE, 1.0, seed, mixing=named_mixing("pair")).labels
    assert (labels == (TRUE + 1) % 10).all()


@given(seed=seeds, level=levels)
def test_uniform_noise_is_what_it_was(seed, level):
    config = RunConfig(level=level, seed=seed)
    assert (given_labels(config, TRUE).labels == corrupt_labels(TRUE, config.level, seed).labels).all()


def test_a_matrix_of_ones_own_is_read_and_named_by_its_text():
    rows = np.full((10, 10), 0.01) + 0.9 * np.eye(10)
    by_comma = "\n".join(",".join(f"{number:.2f}" for number in row) for row in rows)
    config = RunConfig(level=1.0, noise="own", noise_matrix=by_comma)
    assert mixing_matrix(config) == pytest.approx(rows)
    assert RunConfig(level=1.0, noise="own", noise_matrix=own(rows)) == config
    assert RunConfig(**config.overrides()) == config


def test_rows_rounded_by_people_are_brought_to_1():
    rows = np.full((10, 10), 0.1)
    rows[0] = [0.334, 0.333, 0.333, 0, 0, 0, 0, 0, 0, 0]
    rows[1] = [0.333, 0.333, 0.333, 0, 0, 0, 0, 0, 0, 0]
    mixing = mixing_matrix(RunConfig(level=1.0, noise="own", noise_matrix=own(rows)))
    assert mixing.sum(axis=1) == pytest.approx(np.ones(10), abs=1e-15)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: rows[:9], "must have 10 rows of 10 numbers"),
        (lambda rows: [row[:9] for row in rows], "must have 10 rows of 10 numbers"),
        (
            lambda rows: [[0.5] * 10, *rows[1:]],
            "row 1 of the noise matrix sums to 5, but must sum to 1",
        ),
        (lambda rows: [*rows[:9], [1.5, -0.5] + [0] * 8], "row 10 .* is not from 0 to 1"),
        (lambda rows: [[float("nan")] * 10, *rows[1:]], "row 1 .* is not from 0 to 1"),
        (lambda rows: [["a"] * 10, *rows[1:]], "a cell that is not a number"),
        (lambda rows: [], "must have 10 rows"),
    ],
)
def test_matrices_that_are_none_are_refused_in_a_sentence(change, sentence):
    rows = change([[0.1] * 10] * 10)
    text = ";".join(" ".join(map(str, row)) for row in rows)
    with pytest.raises(ConfigError, match=sentence):
        parse_matrix(text)
    with pytest.raises(ConfigError, match=sentence):
        RunConfig(level=0.5, noise="own", noise_matrix=text)


def test_a_matrix_without_its_noise_is_refused():
    with pytest.raises(ConfigError, match="applies only to noise own"):
        RunConfig(level=0.5, noise="pair", noise_matrix=own(np.eye(10)))


def test_without_corruption_every_noise_is_the_same_run():
    assert (
        RunConfig(noise="pair") == RunConfig() and RunConfig(noise="pair").run_id == RunConfig().run_id
    )


@given(share=st.floats(0.01, 0.5), seed=seeds)
def test_folds_are_as_large_as_they_should_be_and_share_nothing(share, seed):
    folds = [held_out_images(1000, share, fold, seed) for fold in range(int(1 / share))]
    assert all(abs(len(fold) - 1000 * share) <= 1 for fold in folds)
    together = np.concatenate(folds)
    assert len(np.unique(together)) == len(together)
    assert all((np.diff(fold) > 0).all() for fold in folds)


def test_four_quarters_are_all_images():
    folds = [held_out_images(5001, 0.25, fold, 3) for fold in range(4)]
    assert (np.sort(np.concatenate(folds)) == np.arange(5001)).all()
