"""Several runs on one device: on a GPU side by side, as many as its memory holds; on a CPU in turn.

Each is a Training of its own, with its own seed, order, corruption and checkpoint, and
gives the records that it would give alone.
"""

import logging
from pathlib import Path
from typing import NamedTuple

import torch

from core.checkpoint import CheckpointError
from core.cifar10 import Cifar10
from core.config import RunConfig
from core.memory import available, needed
from core.records import EpochRecord
from core.training import Training

MOST_AT_ONCE = 32  # on a GPU: torch has as many streams


class Outcome(NamedTuple):
    """How the epoch of a run went that was launched."""

    run_id: str
    record: EpochRecord | None  # None: it failed
    error: Exception | None
    device_seconds: float  # its share of the device's time


class Gang:
    """The runs in a device's memory. A run is named by its run_id.

    `join` brings one into memory, `launch` starts its next epoch, `collect` tells of those
    that are done, `drop` forgets one, whose checkpoint stays.
    """

    def __init__(self, device: str):
        self.device = torch.device(device)
        self.at_once = MOST_AT_ONCE if self.device.type == "cuda" else 1
        self.memory = available(self.device)
        self.trainings: dict[str, Training] = {}  # the one launched last comes last
        self.under_way: set[str] = set()

    def has_room_for(self, config: RunConfig) -> bool:
        """Whether it can be launched now, beside those that are under way."""
        if len(self.under_way) >= self.at_once:
            return False
        beside = [self.trainings[run_id].config for run_id in self.under_way]
        return not beside or needed([*beside, config], self.device) <= self.memory

    def join(self, config: RunConfig, data: Cifar10, checkpoint: Path) -> bool:
        """Bring a run into memory, with the epochs that its checkpoint holds; see `launch`.

        To make room, those leave that are not under way, the one that waited longest first.
        A damaged checkpoint is set aside, and the run begins anew.
        """
        if config.run_id in self.trainings:
            return True
        self._make_room_for(config)

        def load():
            self.trainings[config.run_id] = _load(config, data, self.device, checkpoint)

        return self._fits(config.run_id, load)

    def launch(self, run_id: str) -> bool:
        """Begin the next epoch of a run that has joined.

        False where the memory turns out to be short: the gang takes no more at once than
        are under way now, and the run has to join again when there is room.
        Raises what the training raises, MemoryError for a run too big to be trained alone.
        """
        training = self.trainings[run_id] = self.trainings.pop(run_id)  # the last one now
        if not self._fits(run_id, training.launch):
            return False
        self.under_way.add(run_id)
        return True

    def collect(self) -> list[Outcome]:
        """Those whose epoch is done by now. A run that failed has left the gang."""
        ready = [run_id for run_id in self.trainings if self._is_ready(run_id)]
        share = 1 / max(1, len(self.under_way))
        outcomes = []
        for run_id in ready:
            self.under_way.remove(run_id)
            try:
                record = self.trainings[run_id].collect()
            except Exception as error:
                self.drop(run_id)
                outcomes.append(Outcome(run_id, None, error, 0.0))
            else:
                outcomes.append(Outcome(run_id, record, None, share * record.seconds))
        return outcomes

    def drop(self, run_id: str) -> None:
        """Forget a run. An epoch that is under way is lost, what its checkpoint holds is not."""
        self.under_way.discard(run_id)
        training = self.trainings.pop(run_id, None)
        if training:
            training.close()

    def _is_ready(self, run_id: str) -> bool:
        return run_id in self.under_way and self.trainings[run_id].is_ready

    def _fits(self, run_id: str, work) -> bool:
        """Do the work; False where it is too much for the memory. Then the run is dropped."""
        try:
            work()
        except torch.OutOfMemoryError:
            self.drop(run_id)
        except BaseException:
            self.drop(run_id)
            raise
        else:
            return True
        idle = set(self.trainings) - self.under_way
        for other in idle:
            self.drop(other)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.under_way:
            self.at_once = len(self.under_way)
            logging.warning("The memory is full: at most %d runs at once from now on.", self.at_once)
        elif not idle:
            raise MemoryError("there is too little memory for this run: try a smaller network")
        return False

    def _make_room_for(self, config: RunConfig) -> None:
        for run_id in list(self.trainings):
            kept = [training.config for training in self.trainings.values()]
            if needed([*kept, config], self.device) <= self.memory:
                break
            if run_id not in self.under_way:
                self.drop(run_id)


def _load(config: RunConfig, data: Cifar10, device: torch.device, checkpoint: Path) -> Training:
    try:
        return Training(config, data, device, checkpoint)
    except CheckpointError as error:
        aside = checkpoint.replace(checkpoint.with_suffix(".damaged"))
        logging.warning("%s It is kept as %s; the run starts again.", error, aside.name)
        return Training(config, data, device, checkpoint)
