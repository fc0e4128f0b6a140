"""Resources that all visitors share: data, store, trainer, download, the precomputed sweep."""

import shutil
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.choices import USUAL_NETWORK
from core.cleaning.scores import ImageScores
from core.config import RunConfig
from core.data import cifar10
from core.data.corruption import channel_statistics
from core.live.classroom.annotation import Annotation
from core.live.classroom.classroom import Classroom
from core.live.classroom.level_sweep import SharedLevels
from core.live.classroom.login import Login
from core.live.runs.housekeeping import used_bytes
from core.live.runs.image_scores import find_scores
from core.live.runs.store import LiveRun, Status, Store
from core.live.server.settings import Settings, load_settings
from core.live.training.estimate import Speeds
from core.live.training.supervisor import DownloadProcess, TrainerProcess
from core.paths import data_folder
from core.records import EpochRecord
from core.sweep import protocol, results
from pages.shared.server.cache import cached, once


@cached(2)
def data(name: str) -> cifar10.Cifar10:
    """Return the images and labels of this name."""
    return cifar10.load(name)


@cached(2)
def noise(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and std of each channel of the training images."""
    return channel_statistics(data(name).train_images)


@once
def settings() -> Settings:
    """Return the settings that lab.toml had when the server started. Raises SettingsError."""
    return load_settings()


def offered(config: RunConfig) -> RunConfig:
    """Return this run with at most the epochs that this server allows."""
    most = settings().limits.epochs
    return config if config.epochs <= most else replace(config, epochs=most)


@once
def store() -> Store:
    """Return the store of the live runs."""
    return Store(limits=settings().limits)


@once
def classroom() -> Classroom:
    """Return the rooms and the teacher's control of the queue."""
    return Classroom(store())


@once
def annotation() -> Annotation:
    """Return the answers of all rooms."""
    return Annotation(store())


@once
def shared_levels() -> SharedLevels:
    """Return the level sweeps that rooms train together."""
    return SharedLevels(store())


@cached(64, seconds=1.0)
def is_shared_out(room: str) -> bool:
    """Whether the room gives out places of a level sweep, read once per second for the whole class."""
    return bool(room) and shared_levels().is_open(room)


def has_class_figure(room: str) -> bool:
    """Whether the room has trained a level sweep or is training one."""
    return bool(room) and shared_levels().config(room) is not None


class Board(NamedTuple):
    """The state of the machine for all live pages, which share one read of the store."""

    active: list[LiveRun]
    in_training: list[LiveRun]  # one, or several side by side
    is_paused: bool
    speeds: Speeds


@cached(1, seconds=0.5)
def board() -> Board:
    """Return the state of the machine, at most half a second old."""
    return read_board()


def read_board() -> Board:
    """Return the current state of the machine."""
    active, state = store().active_runs(), store().database.state()
    in_training = [run for run in active if run.run_id in state.in_training]
    return Board(active, in_training, state.is_paused, store().speeds())


class Storage(NamedTuple):
    """The use of the disk."""

    used: int  # bytes of live runs and checkpoints
    free: int  # bytes on that disk
    megabytes: int  # the limit in lab.toml


@cached(1, seconds=10)
def storage() -> Storage:
    """Return the use of the disk, cached because the teacher's page asks every two seconds."""
    used = used_bytes(store(), data_folder() / "checkpoints")
    return Storage(used, shutil.disk_usage(data_folder()).free, settings().keep.megabytes)


@cached(256)
def records(run_id: str, epochs_done: int) -> list[EpochRecord]:
    """Return the records of a live run with `epochs_done` epochs, read once for all viewers."""
    return store().records(run_id)


def finished(config: RunConfig) -> list[EpochRecord] | None:
    """Return the records of a finished run, live or stored; None for any other run."""
    run = store().run(config.run_id)
    if run and run.status is Status.FINISHED:
        return records(config.run_id, run.epochs_done)
    stored = sweep_ids(results.stamp())
    return sweep_records(config.run_id) if config.run_id in stored else None


def final(config: RunConfig) -> EpochRecord | None:
    """Return the last record of a finished run, live or stored; None for any other run."""
    found = finished(config)
    return found[-1] if found else None


def image_scores(config: RunConfig) -> ImageScores | None:
    """Return the image scores of a run, or None if they are not stored."""
    return find_scores(data_folder() / "checkpoints", config.run_id)


@cached(1)
def sweep_ids(stamp: int) -> frozenset[str]:
    """Return the run ids of the sweep; stamp: results.stamp()."""
    return frozenset(sweep().run_id)


@once
def login() -> Login:
    """Return the check of the teacher's password."""
    return Login(settings().teacher_password, store().database)


@once
def trainer() -> TrainerProcess:
    """Start the trainer at the first call, so that torch is loaded before Start is pressed."""
    process = TrainerProcess(settings().keep)
    process.start()
    return process


@once
def download() -> DownloadProcess:
    """Return the download of the full data."""
    return DownloadProcess()


def sweep() -> pd.DataFrame:
    """Return the precomputed runs, read again when a sweep has added some."""
    return _sweep(results.stamp())


def stored_levels(model: str = USUAL_NETWORK) -> list[tuple[RunConfig, list[EpochRecord]]]:
    """Return the stored runs to replay: a network on the embedded images, seed 0 at every level."""
    runs = protocol.label_runs(sweep(), "embedded")
    runs = runs[(runs.model == model) & (runs.seed == 0)].sort_values("level")
    return [(results.config_of(run), sweep_records(run["run_id"])) for run in runs.to_dict("records")]


def sweep_epochs(run_ids: tuple[str, ...]) -> pd.DataFrame:
    """Return the epochs of these stored runs, one row each."""
    return _sweep_epochs(run_ids, results.stamp())


def sweep_records(run_id: str) -> list[EpochRecord]:
    """Return the records of all epochs of a stored run."""
    return _sweep_records(run_id, results.stamp())


@cached(1)
def _sweep(stamp: int) -> pd.DataFrame:
    return results.load_runs()


@cached(16)
def _sweep_epochs(run_ids: tuple[str, ...], stamp: int) -> pd.DataFrame:
    return results.load_epochs(run_ids)


@cached(64)
def _sweep_records(run_id: str, stamp: int) -> list[EpochRecord]:
    return results.load_records(run_id)
