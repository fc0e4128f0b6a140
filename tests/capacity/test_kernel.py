import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge

from core.capacity import kernel
from core.capacity.kernel import MOST, influences, kernel_fits, leave_one_out
from core.capacity.memorization import estimated_memorization
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


def refitted(train, labels, left_out, *others):
    """The values of the fit without one image, at itself and at others, by solving it again."""
    whole, width = kernel._gaussian_kernel(train)
    rest = np.arange(len(train)) != left_out
    alpha = np.linalg.solve(whole[np.ix_(rest, rest)], np.eye(10)[labels[rest]])
    rows = [whole[left_out][None, rest]]
    rows += [np.exp(-kernel._squared_distances(each, train) / width)[:, rest] for each in others]
    return [row @ alpha for row in rows]


def test_leaving_an_image_out_is_what_refitting_without_it_gives(images):
    train, true, test, test_true = images
    labels = corrupt_labels(true, 0.4, 0).labels
    left_out = leave_one_out(train, labels)
    found = influences(train, left_out, labels, test[:40], test_true[:40])
    alpha = left_out.inverse @ np.eye(10)[labels]
    whole = np.exp(-kernel._squared_distances(test[:40], train) / left_out.width) @ alpha
    for image in range(0, 600, 30):  # twenty of them
        own, new = refitted(train, labels, image, test[:40])
        assert left_out.values[image] == pytest.approx(own[0], abs=1e-10)
        shares = (
            np.exp(-kernel._squared_distances(test[:40], train) / left_out.width) @ left_out.inverse
        )
        assert new == pytest.approx(whole - shares[:, image, None] * left_out.change[image], abs=1e-10)
        for place in range(40):  # the influence, by hand from the two fits

            def margin(values, true=test_true[place]):
                return values[true] - np.delete(values, true).max()

            fall = margin(whole[place]) - margin(new[place])
            if image in found.helping[place]:
                at = found.helping[place].tolist().index(image)
                assert found.help[place, at] == pytest.approx(fall, abs=1e-10)
            else:
                assert fall <= found.help[place, -1] + 1e-10
            assert fall >= found.harm[place, 0] - 1e-10
    assert (found.answers == whole.argmax(1)).all()
    assert found.helping.shape == found.harming.shape == (40, MOST)


def test_an_image_is_decisive_if_a_right_answer_is_wrong_without_it(images):
    train, true, test, test_true = images
    train, true = train[:80], true[:80]
    found = influences(train, leave_one_out(train, true), true, test, test_true)
    is_decisive = np.zeros(80, dtype=bool)
    for image in range(80):
        (_, new) = refitted(train, true, image, test)
        is_decisive[image] = ((found.answers == test_true) & (new.argmax(1) != test_true)).any()
    assert (found.decisive == is_decisive).all() and is_decisive.any() and not is_decisive.all()


def test_memorization_is_estimated_as_the_difference_with_and_without_the_image():
    is_right = [np.array([1, 1, 0], bool), np.array([1, 0, 0], bool), np.array([0, 1, 1], bool)]
    held_out = [np.array([0, 0, 1], bool), np.array([1, 1, 0], bool), np.array([1, 0, 1], bool)]
    # Image 0: with it 1 of 1, without it 1 of 2. Image 1: 2 of 2, 0 of 1. Image 2: 0 of 1, 1 of 2.
    assert estimated_memorization(is_right, held_out).tolist() == [0.5, 1.0, -0.5]
    never = estimated_memorization(is_right[:1], held_out[:1])
    assert np.isnan(never).all()  # each was only studied, or only held out
