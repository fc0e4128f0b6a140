"""What the tests share. The data folder is a temporary one, for child processes, too."""

import atexit
import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

# One thread, before torch is imported: in small steps two threads mostly wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["LAB_DATA"] = tempfile.mkdtemp(prefix="lab-tests-")
os.environ.pop("CIFAR10_DIR", None)

import numpy as np
import pytest
from hypothesis import settings

from core.data import cifar10
from core.data.cifar10 import BATCHES, Cifar10, load_embedded

settings.register_profile("untimed", deadline=None)  # speed belongs in the benchmark
settings.load_profile("untimed")
atexit.register(shutil.rmtree, os.environ["LAB_DATA"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a real browser are marked by their folder; those for a GPU need one."""
    for item in items:
        if "browser" in item.path.relative_to(Path(__file__).parent).parts:
            item.add_marker("browser")
        if item.get_closest_marker("gpu") and not _has_gpu():
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


@cache
def _has_gpu() -> bool:
    import torch  # seconds: only where there are tests for a GPU

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def embedded() -> Cifar10:
    return load_embedded()


@pytest.fixture(scope="session")
def tiny(embedded) -> Cifar10:
    """The first 200 training and 100 test images."""
    return Cifar10(
        embedded.train_images[:200],
        embedded.train_labels[:200],
        embedded.test_images[:100],
        embedded.test_labels[:100],
    )


@pytest.fixture
def data_folder(tmp_path, monkeypatch) -> Path:
    """An empty data folder for this test alone, in this process and in its children."""
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def small_batches(data_folder, monkeypatch) -> dict:
    """A CIFAR-10 of 20 images a batch, with checksums to match."""
    rng = np.random.default_rng(0)
    batches = {
        name: (
            rng.integers(256, size=(20, 3, 32, 32), dtype=np.uint8),
            np.arange(20, dtype=np.uint8) % 10,
        )
        for name in BATCHES
    }
    shapes = {"train_images": (100, 3, 32, 32), "train_labels": (100,)}
    shapes |= {"test_images": (20, 3, 32, 32), "test_labels": (20,)}
    sums = {}
    for name, (images, labels) in batches.items():
        records = b"".join(
            bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True)
        )
        sums[name] = hashlib.sha256(records).hexdigest()
    monkeypatch.setattr(cifar10, "FULL_SHAPES", shapes)
    reference = {**cifar10.reference(), "sha256_of_binary_batches": sums}
    monkeypatch.setattr(cifar10, "reference", lambda: reference)
    return batches
