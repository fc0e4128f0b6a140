import errno
import hashlib
import json
import os

import numpy as np
import pytest
from PIL import Image

from core.data import cifar10
from core.data.cifar10 import load_full, save_full
from core.errors import DataError
from core.paths import ASSETS, ROOT


def test_embedded_images_are_the_first_of_each_class(embedded):
    assert embedded.train_images.shape == (5000, 3, 32, 32)
    assert embedded.test_images.shape == (1000, 3, 32, 32)
    assert (np.bincount(embedded.train_labels) == 500).all()
    assert (np.bincount(embedded.test_labels) == 100).all()
    # The data set's own first labels, of which the subset keeps the order.
    assert embedded.train_labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert embedded.test_labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]


def test_embedded_images_are_the_originals_bit_for_bit(embedded):
    sums = cifar10.reference()["sha256_of_embedded"]
    for part in ("train", "test"):
        images, labels = getattr(embedded, f"{part}_images"), getattr(embedded, f"{part}_labels")
        records = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
        assert hashlib.sha256(records.tobytes()).hexdigest() == sums[part]


def test_embedded_indices_rise_and_start_at_the_beginning():
    labels = json.loads((ASSETS / "cifar10" / "embedded.json").read_text())
    for part, count in (("train", 5000), ("test", 1000)):
        indices = labels[f"{part}_indices"]
        assert (
            len(indices) == count and indices == sorted(set(indices)) and indices[:5] == [0, 1, 2, 3, 4]
        )


def test_embedded_assets_are_about_ten_megabytes():
    size = sum(path.stat().st_size for path in (ASSETS / "cifar10").iterdir())
    assert 5e6 < size < 12e6


def test_a_sheet_is_unpacked_row_by_row(embedded):
    """Against the picture itself, cut by Pillow."""
    with Image.open(ASSETS / "cifar10" / "embedded-test.webp") as sheet:
        tile = np.asarray(sheet.convert("RGB").crop((96, 32, 128, 64)))  # row 1, column 3
    assert (embedded.test_images[53] == tile.transpose(2, 0, 1)).all()


def test_full_set_is_kept_and_opened_as_memory_maps(small_batches, data_folder):
    assert not cifar10.has_full()
    save_full(small_batches)
    assert cifar10.has_full()
    full = load_full()
    assert isinstance(full.train_images, np.memmap)
    assert (full.train_images[20:40] == small_batches["data_batch_2"][0]).all()
    assert (full.test_labels == small_batches["test_batch"][1]).all()
    assert [path.name for path in data_folder.iterdir()] == ["cifar10"]


def test_one_altered_byte_is_refused_and_nothing_is_kept(small_batches, data_folder):
    small_batches["data_batch_3"][0][7, 1, 5, 5] ^= 1
    with pytest.raises(DataError, match="data_batch_3 is not the CIFAR-10 batch"):
        save_full(small_batches)
    assert not cifar10.has_full() and not data_folder.exists()


def test_labels_are_part_of_the_checksum(small_batches):
    small_batches["test_batch"][1][0] = 9
    with pytest.raises(DataError, match="test_batch"):
        save_full(small_batches)


def test_a_full_disk_keeps_the_old_and_leaves_nothing_half_written(
    small_batches, data_folder, monkeypatch
):
    save_full(small_batches)

    def no_room(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(DataError, match="No space left on device.*make room"):
        save_full(small_batches)
    assert (load_full().train_images[:20] == small_batches["data_batch_1"][0]).all()
    assert [path.name for path in data_folder.iterdir()] == ["cifar10"]


def test_no_permission_is_one_sentence(small_batches, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(cifar10.Path, "mkdir", refuse)
    with pytest.raises(DataError, match="Permission denied.*allow writing"):
        save_full(small_batches)


def test_missing_images_say_how_to_get_them(data_folder):
    with pytest.raises(DataError, match="make data"):
        load_full()


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\0" * len(b)]
)
def test_a_damaged_array_is_refused(small_batches, damage):
    save_full(small_batches)
    path = cifar10.full_folder() / "train_images.npy"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="damaged: fetch"):
        load_full()


def test_the_embedded_images_serve_whatever_happens(data_folder):
    cifar10.full_folder().mkdir(parents=True)
    assert len(cifar10.load("embedded").train_images) == 5000


@pytest.mark.skipif(
    not (ROOT / "data" / "cifar10" / "train_images.npy").is_file(),
    reason="all 50,000 images are not on this machine (make data)",
)
def test_embedded_images_against_the_full_set(embedded, monkeypatch):
    monkeypatch.setenv("LAB_DATA", str(ROOT / "data"))
    full = load_full()
    indices = json.loads((ASSETS / "cifar10" / "embedded.json").read_text())
    for part, each in (("train", 500), ("test", 100)):
        labels, images = getattr(full, f"{part}_labels"), getattr(full, f"{part}_images")
        first = np.sort(np.concatenate([np.flatnonzero(labels == k)[:each] for k in range(10)]))
        assert indices[f"{part}_indices"] == first.tolist()
        assert (getattr(embedded, f"{part}_images") == images[first]).all()
