"""The labels that people gave to the very images, in a file like CIFAR-10N's."""

import json
import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.config import RunConfig
from core.data import people
from core.data.cifar10 import has_full, load, load_embedded
from core.data.corruption import given_labels
from core.data.noise import wrong_share
from core.data.people import labels_by_people
from core.errors import DataError
from core.paths import ASSETS

COUNTS = json.loads((ASSETS / "reference" / "cifar10n.json").read_text(encoding="utf-8"))
WORST = RunConfig(level=1.0, noise="cifar10n-worst-labels")


@pytest.fixture
def labels():
    return load_embedded().train_labels.astype(np.int64)


@pytest.fixture
def told(labels) -> dict:
    """What the file says: the embedded images come first, and four in ten of theirs are wrong."""
    true = np.concatenate([labels, np.arange(people.IMAGES - len(labels)) % 10])
    wrong = np.where(np.arange(len(true)) % 5 < 2, (true + 1) % 10, true)
    return {"clean_label": true, **dict.fromkeys(people.COLUMNS, wrong)}


@pytest.fixture(params=[True, False], ids=["zip", "older"])
def file(request, tmp_path, told, monkeypatch):
    path = tmp_path / "CIFAR-10_human.pt"
    torch.save(told, path, _use_new_zipfile_serialization=request.param)
    monkeypatch.setenv(people.FILE, str(path))
    return path


def test_each_image_has_what_people_called_it(file, told, labels):
    given = given_labels(WORST, labels)
    assert np.array_equal(given.labels, told["worse_label"][: len(labels)])
    assert given.is_redrawn.all() and given.is_wrong.mean() == 0.4
    all_of_them = labels_by_people("worse_label", told["clean_label"])
    assert np.array_equal(all_of_them, told["worse_label"])


def test_levels_are_nested(file, labels):
    before = given_labels(replace(WORST, level=0.3), labels)
    after = given_labels(replace(WORST, level=0.6), labels)
    assert (before.is_redrawn <= after.is_redrawn).all()
    assert (before.labels == after.labels)[before.is_redrawn].all()
    assert abs(before.is_wrong.mean() - 0.3 * 0.4) < 0.02


def test_a_file_is_read_and_nothing_in_it_is_run(tmp_path, monkeypatch, labels):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trapped"),)

    path = tmp_path / "trap.pt"
    path.write_bytes(pickle.dumps({"clean_label": Trap()}))
    monkeypatch.setenv(people.FILE, str(path))
    with pytest.raises(DataError, match="it names"):
        labels_by_people("worse_label", labels)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps([1]), pickle.dumps({"a": 1})])
def test_what_is_no_such_file_is_one_sentence(tmp_path, monkeypatch, content, labels):
    path = tmp_path / "other.pt"
    monkeypatch.setenv(people.FILE, str(path))
    with pytest.raises(DataError, match="cannot be read"):
        labels_by_people("worse_label", labels)  # not there
    path.write_bytes(content)
    with pytest.raises(DataError, match="CIFAR-10_human.pt"):
        labels_by_people("worse_label", labels)


def test_a_file_of_other_images_and_none_at_all_are_one_sentence(file, labels, monkeypatch):
    with pytest.raises(DataError, match="other images"):
        labels_by_people("worse_label", labels[::-1])
    monkeypatch.delenv(people.FILE)
    with pytest.raises(DataError, match="choose another noise"):
        given_labels(WORST, labels)


def test_the_share_of_wrong_labels_is_that_of_the_images_at_hand():
    assert wrong_share(WORST) == COUNTS["worse_label"]["wrong_of_embedded_5000"] / 5_000
    assert wrong_share(replace(WORST, level=0.5, data="full")) == 0.5 * 20_104 / 50_000


@pytest.mark.skipif(not os.environ.get(people.FILE), reason="the file of CIFAR-10N is not here")
@pytest.mark.parametrize("data", ["embedded", "full"])
def test_the_rates_of_the_real_file_are_the_known_ones(data):
    if data == "full" and not has_full():
        pytest.skip("all images are not here")
    labels = load(data).train_labels
    for name in people.COLUMNS:
        wrong = int((labels_by_people(name, labels) != labels).sum())
        assert wrong == COUNTS[name][f"wrong_of_{'50000' if data == 'full' else 'embedded_5000'}"]


@pytest.mark.parametrize("content", [b"I\xff\n.", b"F1.2.3\n.", b"\x80c.", b"(lp0\n."])
def test_what_begins_like_a_pickle_and_is_none_is_one_sentence(tmp_path, monkeypatch, content, labels):
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    monkeypatch.setenv(people.FILE, str(path))
    with pytest.raises(DataError, match="CIFAR10N_FILE"):
        labels_by_people("worse_label", labels)


@pytest.mark.parametrize(
    ("noise", "column"),
    [("aggregate", "aggre_label"), ("random", "random_label1"), ("worst", "worse_label")],
)
def test_each_noise_has_a_column_of_its_own(tmp_path, told, labels, monkeypatch, noise, column):
    for step, name in enumerate(people.COLUMNS, start=1):
        told[name] = (told["clean_label"] + step) % 10
    path = tmp_path / "three columns.pt"
    torch.save(told, path)
    monkeypatch.setenv(people.FILE, str(path))
    config = RunConfig(level=1.0, noise=f"cifar10n-{noise}-labels")
    assert np.array_equal(given_labels(config, labels).labels, told[column][: len(labels)])
