import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge

from core.capacity import kernel
from core.capacity.kernel import kernel_fits
from core.capacity.pixels import vectors
from core.data.corruption import corrupt_labels
from core.training.dataset import standardize


@pytest.fixture(scope="module")
def images(embedded):
    train, test = vectors(embedded.train_images[:600]), vectors(embedded.test_images[:200])
    return train, embedded.train_labels[:600].astype(int), test, embedded.test_labels[:200].astype(int)


@pytest.mark.slow
def test_vectors_are_what_the_networks_get(embedded):
    ours = vectors(embedded.train_images[:50])
    theirs = standardize(torch.from_numpy(embedded.train_images[:50, :, 2:30, 2:30].copy()))
    assert ours == pytest.approx(theirs.reshape(50, -1).double().numpy(), abs=1e-4)


def test_it_fits_true_and_random_labels_alike_as_scikit_learn_does(images):
    train, true, test, test_true = images
    random = corrupt_labels(true, 1.0, 0).labels
    on_true, on_random = kernel_fits(train, [true, random], test, test_true)
    assert on_true.train_error == on_random.train_error == 0
    assert on_true.test_error < 0.75 < 0.8 < on_random.test_error
    assert on_random.norm > on_true.norm  # wrong labels make it bend more
    squared = (train**2).sum(1)[:, None] + (train**2).sum(1)[None, :] - 2 * train @ train.T
    np.fill_diagonal(squared, 0)
    gamma = 1 / (kernel.WIDTH_FACTOR * np.median(squared))
    theirs = KernelRidge(alpha=1e-10, kernel="rbf", gamma=gamma).fit(train, np.eye(10)[random])
    wrong = (theirs.predict(test).argmax(1) != test_true).mean()
    assert on_random.test_error == pytest.approx(wrong, abs=0.011)  # two of 200 may be near ties
