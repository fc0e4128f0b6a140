import numpy as np
import pytest
import torch

from core.config import RunConfig
from core.data.corruption import (
    TEST,
    TRAIN,
    center_crop,
    channel_statistics,
    corrupt_labels,
    corrupt_pixels,
)
from core.training import dataset as dataset_module
from core.training.dataset import Dataset, crop_at, standardize

CPU = torch.device("cpu")


def by_hand(image):
    """The protocol's standardization of one uint8 image (3, H, W), in float64."""
    x = image.astype(np.float64) / 255
    return (x - x.mean()) / max(x.std(), 1 / np.sqrt(x.size))


def test_standardization_is_the_protocols(embedded):
    images = embedded.train_images[:20, :, 2:30, 2:30]
    ours = standardize(torch.from_numpy(images)).numpy()
    assert np.allclose(ours, [by_hand(image) for image in images], atol=1e-5)


def test_the_floor_on_the_deviation_serves_flat_images_only(embedded):
    flat = np.full((1, 3, 28, 28), 100, dtype=np.uint8)
    flat[0, 0, 0, 0] = 101
    ours = standardize(torch.from_numpy(flat)).numpy()
    assert np.allclose(ours[0], by_hand(flat[0]), atol=1e-5) and abs(ours).max() < 1
    # Pixels divided by 255 twice would bring every image under the floor.
    spread = standardize(torch.from_numpy(embedded.train_images[:500])).std(dim=(1, 2, 3))
    assert torch.allclose(spread, torch.ones(500), atol=0.01)


def test_inputs_are_the_centre_crop_of_the_images(tiny):
    dataset = Dataset(RunConfig(model="inception"), tiny, CPU)
    for part in ("train", "test"):
        expected = [by_hand(image) for image in getattr(tiny, f"{part}_images")[:, :, 2:30, 2:30]]
        ours = getattr(dataset, f"{part}_images").float().numpy()
        # bfloat16, where there is such hardware, keeps 8 bits.
        assert np.allclose(ours, expected, rtol=1 / 128, atol=1e-3)


def test_labels_are_the_corrupted_ones_and_test_labels_the_true_ones(tiny):
    config = RunConfig(level=0.6, seed=4)
    dataset = Dataset(config, tiny, CPU)
    corrupted = corrupt_labels(tiny.train_labels, 0.6, 4)
    assert (dataset.labels.numpy() == corrupted.labels).all()
    assert (dataset.test_labels.numpy() == tiny.test_labels).all()
    assert (dataset.true_labels == tiny.train_labels).all()


@pytest.mark.parametrize("corruption", ["shuffled-pixels", "random-pixels", "gaussian"])
def test_corrupted_pixels_reach_the_network(tiny, corruption):
    plain = Dataset(RunConfig(), tiny, CPU)
    changed = Dataset(RunConfig(corruption=corruption), tiny, CPU)
    for name in ("train_images", "test_images"):
        assert (getattr(plain, name) != getattr(changed, name)).float().mean() > 0.5
    assert (changed.labels == plain.labels).all()


def batches_of(dataset, epoch):
    """All of an epoch; the last may be smaller."""
    dataset.shuffle(epoch)
    count, size = len(dataset.labels), dataset.config.batch_size
    return [dataset.next_batch(min(size, count - start)) for start in range(0, count, size)]


@pytest.mark.parametrize("crop", [False, True])
def test_an_epoch_is_every_example_once(tiny, crop):
    config = RunConfig(batch_size=64, level=1.0, random_crop=crop)
    dataset = Dataset(config, tiny, CPU)
    batches = batches_of(dataset, 1)
    assert [len(batch.labels) for batch in batches] == [64, 64, 64, 8]
    together = torch.cat([batch.labels for batch in batches])
    assert (together.bincount(minlength=10) == dataset.labels.bincount(minlength=10)).all()
    if not crop:
        seen = torch.cat([batch.images for batch in batches]).float().flatten(1).numpy()
        given = dataset.train_images.float().flatten(1).numpy()
        assert (np.sort(seen, axis=0) == np.sort(given, axis=0)).all()


def test_order_differs_between_epochs_and_seeds_and_is_fixed_otherwise(tiny):
    def order(seed, epoch):
        dataset = Dataset(RunConfig(seed=seed), tiny, CPU)
        return torch.cat([batch.images for batch in batches_of(dataset, epoch)])

    assert torch.equal(order(0, 1), order(0, 1))
    assert not torch.equal(order(0, 1), order(0, 2))
    assert not torch.equal(order(0, 1), order(1, 1))


def test_random_crops_are_windows_of_the_image(tiny):
    images = torch.from_numpy(tiny.train_images.copy())
    chosen, corners = torch.tensor([5, 9, 5]), torch.tensor([[0, 0], [4, 1], [2, 2]])
    crops = crop_at(images, chosen, corners)
    for crop, i, (top, left) in zip(crops, chosen, corners, strict=True):
        assert torch.equal(crop, images[i, :, top : top + 28, left : left + 28])


@pytest.mark.parametrize("corruption", ["random-pixels", "gaussian"])
def test_each_image_has_its_own_noise_also_in_the_test_set_and_in_a_later_chunk(
    tiny, corruption, monkeypatch
):
    """As where all images of a set are corrupted at once, by the statistics of the training set."""
    monkeypatch.setattr(dataset_module, "CHUNK", 70)
    dataset = Dataset(RunConfig(corruption=corruption, seed=3), tiny, CPU)
    noise = channel_statistics(tiny.train_images)
    for part, images, ours in (
        (TRAIN, tiny.train_images, dataset.train_images),
        (TEST, tiny.test_images, dataset.test_images),
    ):
        changed, _ = corrupt_pixels(center_crop(images), corruption, 3, part=part, noise=noise)
        expected = [by_hand(image) for image in changed]
        assert np.allclose(ours.float().numpy(), expected, rtol=1 / 128, atol=1e-3)


def test_no_order_of_one_seed_comes_again_under_another(tiny):
    """Means over seeds would be of runs that are too much alike."""
    orders = set()
    for seed in range(3):
        dataset = Dataset(RunConfig(seed=seed), tiny, CPU)
        for epoch in range(1, 41):
            dataset.shuffle(epoch)
            orders.add(tuple(dataset.order.tolist()))
    assert len(orders) == 3 * 40


def test_random_crops_reach_every_edge_of_the_image(tiny):
    """Of 32 x 32 pixels a window of 28 x 28 begins at one of five rows and five columns."""
    dataset = Dataset(RunConfig(random_crop=True), tiny, CPU)
    dataset.shuffle(1)
    assert set(dataset.corners[:, 0].tolist()) == set(dataset.corners[:, 1].tolist()) == set(range(5))


def test_after_the_switch_the_held_out_half_is_trained_on(tiny):
    config = RunConfig(level=0.5, validation=0.5, switch_after=2, epochs=4, mixup=1.0)
    dataset = Dataset(config, tiny, CPU)
    for epoch, images in ((1, dataset.trained), (2, dataset.trained), (3, dataset.held_out)):
        dataset.shuffle(epoch)
        assert sorted(dataset.order.tolist()) == images.tolist()
        assert sorted(dataset.partners.tolist()) == images.tolist()  # mixed among themselves
