"""What all visitors share: data, store, trainer, download, the precomputed sweep."""

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
    return cifar10.load(name)


@cached(2)
def noise(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and std of each channel of the training images."""
    return channel_statistics(data(name).train_images)


@once
def settings() -> Settings:
    """What lab.toml said when the server started. Raises SettingsError."""
    return load_settings()


def offered(config: RunConfig) -> RunConfig:
    """This run, with no more epochs than a visitor of this server may ask for."""
    most = settings().limits.epochs
    return config if config.epochs <= most else replace(config, epochs=most)


@once
def store() -> Store:
    return Store(limits=settings().limits)


@once
def classroom() -> Classroom:
    return Classroom(store())


@once
def annotation() -> Annotation:
    return Annotation(store())


@once
def shared_levels() -> SharedLevels:
    return SharedLevels(store())


@cached(64, seconds=1.0)
def is_shared_out(room: str) -> bool:
    """Whether the room gives out places of a curve; one look serves the whole class."""
    return bool(room) and shared_levels().is_open(room)


def has_class_figure(room: str) -> bool:
    """Whether the room has trained a curve together, or does so now."""
    return bool(room) and shared_levels().config(room) is not None


class Board(NamedTuple):
    """What all live pages say of the machine; one look at it serves them all."""

    active: list[LiveRun]
    in_training: list[LiveRun]  # right now: one, or several side by side
    is_paused: bool
    speeds: Speeds


@cached(1, seconds=0.5)
def board() -> Board:
    return read_board()


def read_board() -> Board:
    active, state = store().active_runs(), store().database.state()
    in_training = [run for run in active if run.run_id in state.in_training]
    return Board(active, in_training, state.is_paused, store().speeds())


class Storage(NamedTuple):
    used: int  # bytes of live runs and checkpoints
    free: int  # bytes on that disk
    megabytes: int  # what lab.toml allows


@cached(1, seconds=10)
def storage() -> Storage:
    """How full the disk is, looked at seldom: the teacher's page asks every two seconds."""
    used = used_bytes(store(), data_folder() / "checkpoints")
    return Storage(used, shutil.disk_usage(data_folder()).free, settings().keep.megabytes)


@cached(256)
def records(run_id: str, epochs_done: int) -> list[EpochRecord]:
    """Of a live run with so many epochs; read once for all its viewers."""
    return store().records(run_id)


def final(config: RunConfig) -> EpochRecord | None:
    """The last epoch of a run that is trained to its end, live or stored; None for another."""
    run = store().run(config.run_id)
    if run and run.status is Status.FINISHED:
        return records(config.run_id, run.epochs_done)[-1]
    stored = sweep_ids(results.stamp())
    return sweep_records(config.run_id)[-1] if config.run_id in stored else None


def image_scores(config: RunConfig) -> ImageScores | None:
    """What a run that is trained to its end tells of its images; None where it is not kept."""
    return find_scores(data_folder() / "checkpoints", config.run_id)


@cached(1)
def sweep_ids(stamp: int) -> frozenset[str]:
    """The run ids of the sweep."""
    return frozenset(sweep().run_id)


@once
def login() -> Login:
    """The teacher's door."""
    return Login(settings().teacher_password, store().database)


@once
def trainer() -> TrainerProcess:
    """Started with the first page that needs it, so that torch is loaded before Start is pressed."""
    process = TrainerProcess(settings().keep)
    process.start()
    return process


@once
def download() -> DownloadProcess:
    return DownloadProcess()


def sweep() -> pd.DataFrame:
    """The precomputed runs; read again when a sweep has added some."""
    return _sweep(results.stamp())


def stored_levels(model: str = USUAL_NETWORK) -> list[tuple[RunConfig, list[EpochRecord]]]:
    """A network on the embedded images, its first seed at every level: what is replayed."""
    runs = protocol.label_runs(sweep(), "embedded")
    runs = runs[(runs.model == model) & (runs.seed == 0)].sort_values("level")
    return [(results.config_of(run), sweep_records(run["run_id"])) for run in runs.to_dict("records")]


def sweep_epochs(run_ids: tuple[str, ...]) -> pd.DataFrame:
    return _sweep_epochs(run_ids, results.stamp())


def sweep_records(run_id: str) -> list[EpochRecord]:
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
