import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from core.data.corruption import (
    TEST,
    center_crop,
    channel_statistics,
    corrupt_labels,
    corrupt_pixels,
    followed_images,
    transition_counts,
)

N = 20_000
TRUE = np.random.default_rng(7).integers(10, size=N)
levels = st.floats(0, 1)
seeds = st.integers(0, 9999)


def within_binomial(count: int, trials: int, share: float) -> bool:
    """Whether neither tail is rarer than one draw in ten million. The exact distribution: at a
    share of 1e-6 a single success in 20,000 is seven standard deviations off, and no wonder."""
    fewer, more = binom.cdf(count, trials, share), binom.sf(count - 1, trials, share)
    return min(fewer, more) > 1e-7


@given(level=levels, seed=seeds)
def test_shares_of_redrawn_and_wrong_labels(level, seed):
    labels, is_redrawn, is_wrong = corrupt_labels(TRUE, level, seed)
    assert within_binomial(is_redrawn.sum(), N, level)
    assert within_binomial(is_wrong.sum(), N, 0.9 * level)
    assert (is_wrong == (labels != TRUE)).all()
    assert not (is_wrong & ~is_redrawn).any()
    assert labels.dtype == np.int64 and labels.min() >= 0 and labels.max() <= 9


@pytest.mark.slow
@given(seed=seeds)
def test_redrawn_labels_are_uniform_over_all_classes_whatever_the_true_one(seed):
    labels = corrupt_labels(TRUE, 1.0, seed).labels
    counts = transition_counts(TRUE, labels)
    for i in range(10):
        for j in range(10):
            assert within_binomial(counts[i, j], counts[i].sum(), 0.1)


@given(lower=levels, upper=levels, seed=seeds)
def test_levels_are_nested(lower, upper, seed):
    lower, upper = sorted((lower, upper))
    few, many = corrupt_labels(TRUE, lower, seed), corrupt_labels(TRUE, upper, seed)
    assert (many.is_redrawn | ~few.is_redrawn).all()
    assert (many.labels == few.labels)[few.is_redrawn].all()


@given(level=st.floats(0.1, 1), seed=seeds)
def test_fixed_for_a_seed_and_different_between_seeds(level, seed):
    once, again = corrupt_labels(TRUE, level, seed), corrupt_labels(TRUE, level, seed)
    other = corrupt_labels(TRUE, level, seed + 1)
    assert (once.labels == again.labels).all()
    assert (once.labels != other.labels).any()


def test_the_ends():
    assert not corrupt_labels(TRUE, 0.0, 0).is_redrawn.any()
    assert corrupt_labels(TRUE, 1.0, 0).is_redrawn.all()


def test_true_labels_are_left_as_they_are():
    true = TRUE.astype(np.uint8)
    kept = true.copy()
    corrupt_labels(true, 0.7, 0)
    assert (true == kept).all()


@pytest.mark.parametrize("level", [-0.01, 1.01, float("nan"), float("inf")])
def test_levels_outside_are_refused(level):
    with pytest.raises(ValueError, match="from 0 to 1"):
        corrupt_labels(TRUE, level, 0)


@pytest.fixture(scope="module")
def images(embedded):
    return center_crop(embedded.train_images[:300])


def pixels(image):
    """The pixels of an image (C, H, W), as a sorted list of their C values."""
    return np.sort(image.reshape(3, -1).astype(np.int64).T @ [1, 1000, 1_000_000])


def test_shuffled_pixels_are_one_permutation_for_all(images, embedded):
    train, is_changed = corrupt_pixels(images, "shuffled-pixels", 3)
    assert is_changed.all()
    places = np.arange(28 * 28).reshape(1, 1, 28, 28).repeat(3, axis=1)
    order = corrupt_pixels(places, "shuffled-pixels", 3)[0][0, 0].reshape(-1)
    assert sorted(order) == list(range(28 * 28))
    expected = images.reshape(300, 3, -1)[:, :, order].reshape(images.shape)
    assert (train == expected).all()
    test = center_crop(embedded.test_images[:5])
    changed = corrupt_pixels(test, "shuffled-pixels", 3, part=TEST)[0]
    assert (changed == test.reshape(5, 3, -1)[:, :, order].reshape(test.shape)).all()


def test_random_pixels_are_a_permutation_for_each_image(images):
    places = np.arange(28 * 28).reshape(1, 1, 28, 28).repeat(3, axis=1).repeat(20, axis=0)
    orders = corrupt_pixels(places, "random-pixels", 3)[0][:, 0].reshape(20, -1)
    assert (np.sort(orders, axis=1) == np.arange(28 * 28)).all()
    assert len(np.unique(orders, axis=0)) == 20
    test = corrupt_pixels(places, "random-pixels", 3, part=TEST)[0][:, 0].reshape(20, -1)
    assert not (test == orders).all(axis=1).any()
    changed = corrupt_pixels(images[:5], "random-pixels", 3)[0]
    for before, after in zip(images[:5], changed, strict=True):
        assert (pixels(before) == pixels(after)).all() and (before != after).any()


@pytest.mark.parametrize("corruption", ["shuffled-pixels", "random-pixels", "gaussian"])
def test_an_image_alone_is_corrupted_as_among_all(images, corruption):
    noise = channel_statistics(images)
    everything = corrupt_pixels(images, corruption, 5, noise=noise)[0]
    some = np.array([7, 3, 290])
    few = corrupt_pixels(images[some], corruption, 5, indices=some, noise=noise)[0]
    assert (few == everything[some]).all()
    other = corrupt_pixels(images, corruption, 6, noise=noise)[0]
    assert (other != everything).any()


def test_gaussian_noise_has_the_datas_mean_and_spread(images):
    mean, std = channel_statistics(images)
    expected = images.reshape(300, 3, -1).astype(np.float64)
    assert np.allclose(mean, expected.mean(axis=(0, 2)))
    assert np.allclose(std, expected.std(axis=(0, 2)))
    noise, is_changed = corrupt_pixels(images, "gaussian", 0, noise=(mean, std))
    assert is_changed.all()
    values = noise.transpose(1, 0, 2, 3).reshape(3, -1)
    assert np.allclose(values.mean(axis=1), mean, atol=0.8)
    assert np.allclose(values.std(axis=1), std, rtol=0.01)
    assert abs(np.corrcoef(noise[0].reshape(-1), images[0].reshape(-1))[0, 1]) < 0.1


def test_corrupted_labels_leave_the_pixels(images):
    same, is_changed = corrupt_pixels(images, "labels", 0)
    assert (same == images).all() and not is_changed.any()


def test_unknown_corruption_is_refused(images):
    with pytest.raises(ValueError, match="no corruption"):
        corrupt_pixels(images, "blur", 0)


@settings(max_examples=30)
@given(level=levels, seed=seeds)
def test_followed_images_are_half_wrong_where_possible(level, seed):
    is_wrong = corrupt_labels(TRUE[:3000], level, seed).is_wrong
    followed = followed_images(is_wrong, seed)
    assert len(followed) == len(set(followed)) == 128
    assert is_wrong[followed].sum() == min(64, is_wrong.sum())


def test_followed_images_of_a_tiny_set():
    followed = followed_images(np.ones(10, dtype=bool), 0)
    assert sorted(followed) == list(range(10))


def test_transition_counts_counts_by_hand():
    counts = transition_counts([0, 0, 1, 2], [0, 1, 1, 0])
    assert counts.shape == (10, 10) and counts.sum() == 4
    assert counts[:3, :3].tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
