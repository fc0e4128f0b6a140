"""Several runs on one device: on a GPU side by side, as many as its memory holds; on a CPU in turn.

Each is a Training of its own, with its own seed, order, corruption and checkpoint, and
gives the records that it would give alone.
"""

import gc
import logging
from pathlib import Path
from typing import NamedTuple

import torch

from core.config import RunConfig
from core.data.cifar10 import Cifar10
from core.errors import CheckpointError, TooLargeError
from core.records import EpochRecord
from core.training.devices import is_out_of_memory
from core.training.memory_plan import available, is_short, needed
from core.training.training import Training

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
        self.were_short: set[str] = set()  # runs that met with too little memory once

    def has_room_for(self, config: RunConfig) -> bool:
        """Whether it can be launched now, beside those that are under way."""
        if len(self.under_way) >= self.at_once:
            return False
        beside = [self.trainings[run_id].config for run_id in self.under_way]
        return not beside or needed([*beside, config], self.device) <= self.memory

    def join(self, config: RunConfig, data: Cifar10, checkpoint: Path) -> bool:
        """Bring a run into memory, with the epochs that its checkpoint holds.

        To make room those leave that are not under way, the one trained last first: its
        turn comes last. A damaged checkpoint is set aside, and the run begins anew.
        False, or TooLargeError, where the memory is short: see `launch`.
        """
        if config.run_id in self.trainings:
            return True
        self._make_room_for(config)

        def load():
            self.trainings[config.run_id] = _load(config, data, self.device, checkpoint)

        return self._done_in_memory(config.run_id, load)

    def launch(self, run_id: str) -> bool:
        """Begin the next epoch of a run that has joined.

        False where the memory turns out to be short. Then the run, and all that are not
        under way, have left the gang and have to join again, when there is room for them.
        If it happens to a run a second time, less memory is planned with from then on;
        if it was alone, it is too large: TooLargeError. Raises what the training raises.
        """
        self.trainings[run_id] = self.trainings.pop(run_id)  # the last one now
        if not self._done_in_memory(run_id, lambda: self.trainings[run_id].launch()):
            return False
        self.under_way.add(run_id)
        return True

    def collect(self) -> Outcome | None:
        """Of one whose epoch is done by now; None if there is none. If it failed, it has left.

        One at a time, so that it can be launched again before the host sees to the next.
        """
        ready = (run_id for run_id in self.trainings if self._is_ready(run_id))
        run_id = next(ready, None)
        if run_id is None:
            return None
        share = 1 / len(self.under_way)
        self.under_way.remove(run_id)
        try:
            record = self.trainings[run_id].collect()
        except Exception as error:
            self.drop(run_id)
            return Outcome(run_id, None, error, 0.0)
        return Outcome(run_id, record, None, share * record.seconds)

    def drop(self, run_id: str) -> None:
        """Forget a run. An epoch that is under way is lost, what its checkpoint holds is not."""
        self.under_way.discard(run_id)
        training = self.trainings.pop(run_id, None)
        if training:
            training.close()

    def _is_ready(self, run_id: str) -> bool:
        return run_id in self.under_way and self.trainings[run_id].is_ready

    def _done_in_memory(self, run_id: str, work) -> bool:
        """Do the work; False where the memory is short, see `launch`."""
        try:
            work()
            return True
        except BaseException as error:
            self.drop(run_id)
            if not is_out_of_memory(error):
                raise
        # Only here, when the error is forgotten, nothing refers to the run's tensors any more.
        for idle in set(self.trainings) - self.under_way:
            self.drop(idle)
        self._return_memory()
        if run_id not in self.were_short:
            self.were_short.add(run_id)
        elif self.under_way:
            configs = [self.trainings[other].config for other in self.under_way]
            self.memory = needed(configs, self.device)
            logging.warning("The memory is full: %d runs are as many as it holds.", len(configs))
        else:
            raise TooLargeError(
                "There is too little memory for this run: try a smaller network or batch size."
            )
        return False

    def _make_room_for(self, config: RunConfig) -> None:
        for run_id in reversed(list(self.trainings)):
            kept = [training.config for training in self.trainings.values()]
            if needed([*kept, config], self.device) <= self.memory:
                break
            if run_id not in self.under_way:
                self.drop(run_id)
        if self.device.type == "cuda" and is_short(config, self.device):
            self._return_memory()

    def _return_memory(self) -> None:
        """Torch keeps for its stream what a run had on a GPU. Waits for all that is under way."""
        if self.device.type == "cuda":
            gc.collect()
            torch.cuda.empty_cache()


def _load(config: RunConfig, data: Cifar10, device: torch.device, checkpoint: Path) -> Training:
    try:
        return Training(config, data, device, checkpoint)
    except CheckpointError as error:
        aside = checkpoint.replace(checkpoint.with_suffix(".damaged"))
        logging.warning("%s It is kept as %s; the run starts again.", error, aside.name)
        return Training(config, data, device, checkpoint)
