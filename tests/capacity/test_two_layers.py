import numpy as np
import pytest
from scipy.linalg import solve_triangular

from core.capacity.pixels import PIXEL_VALUES, vectors
from core.capacity.two_layers import fitted
from core.data.corruption import corrupt_labels
from core.errors import ConfigError


@pytest.mark.slow
def test_it_fits_any_labels_of_all_embedded_images_with_2n_plus_d_weights(embedded):
    labels = corrupt_labels(embedded.train_labels.astype(int), 1.0, 0).labels
    network = fitted(vectors(embedded.train_images), labels)
    assert network.weight_count == 2 * 5_000 + PIXEL_VALUES == 12_352
    answers = network.answers(vectors(embedded.train_images))
    assert (np.round(answers) == labels).all() and np.abs(answers - labels).max() < 1e-3


def test_it_is_the_papers_formula_and_a_triangular_system():
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(60, 8)), rng.integers(10, size=60)
    network = fitted(images, labels)
    z = np.sort(images @ network.direction)
    assert (network.thresholds < z).all() and (network.thresholds[1:] > z[:-1]).all()
    matrix = np.maximum(z[:, None] - network.thresholds[None, :], 0.0)
    assert (np.triu(matrix, 1) == 0).all()
    in_order = labels[np.argsort(images @ network.direction)].astype(float)
    assert network.weights == pytest.approx(solve_triangular(matrix, in_order, lower=True), rel=1e-6)
    new = rng.normal(size=(20, 8))
    by_hand = np.maximum((new @ network.direction)[:, None] - network.thresholds, 0) @ network.weights
    assert network.answers(new) == pytest.approx(by_hand, rel=1e-6, abs=1e-6)


def test_two_images_that_are_alike_are_refused():
    with pytest.raises(ConfigError, match="identical"):
        fitted(np.ones((2, 5)), np.array([1, 2]))
