"""The progress of training on the command line: bars in a terminal, lines elsewhere."""

import sys
import time
from collections import deque
from statistics import median

from tqdm import tqdm

from core.config import RunConfig, run_name
from core.errors import LabError
from core.live.training.estimate import Speeds, epoch_seconds, expected_epochs
from core.records import EpochRecord
from core.view.words import LABELS, about, duration

RECENT_EPOCHS = 9  # epochs whose speeds give the time left


class RunProgress:
    """The progress of one run, epoch by epoch."""

    def __init__(self, config: RunConfig, position: int = 0, name: str = ""):
        """Start a bar in line `position`. name: a prefix of each line, to tell several runs apart."""
        self.name = name
        self.total = expected_epochs(config)
        self.bar = tqdm(
            total=self.total,
            desc=name or None,
            unit="epoch",
            position=position,
            leave=position == 0,
            disable=not sys.stdout.isatty(),
        )

    def show(self, record: EpochRecord) -> None:
        """Show the metrics of the latest epoch."""
        self.total = self.bar.total = max(self.total, record.epoch)
        names = ("train_loss", "train_error", "test_error", "memorized", "recovered")
        metrics = {LABELS[name]: getattr(record, name) for name in names}
        known = {name: value for name, value in metrics.items() if value is not None}
        if self.bar.disable:
            text = "  ".join(f"{name} {value:.4f}" for name, value in known.items())
            count = f"{self.name} epoch {record.epoch:3}/{self.total}".lstrip()
            print(f"{count}  {text}  ({record.seconds:.1f} s)", flush=True)
        else:  # only metrics that fit on one line
            shown = ("training error", "test error", "memorized")
            self.bar.set_postfix_str(
                ", ".join(f"{name} {known[name]:.0%}" for name in shown if name in known), refresh=False
            )
            self.bar.update(record.epoch - self.bar.n)

    def __enter__(self) -> "RunProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.bar.close()


class SweepProgress:
    """The progress of all runs of a sweep, with the time left estimated from the latest epochs.

    There is a bar for the whole sweep and one for each run in training.
    """

    def __init__(self, todo: list[RunConfig], speeds: Speeds):
        self.left = {config: expected_epochs(config) for config in todo}  # epochs left of each run
        self.in_training: dict[RunConfig, RunProgress] = {}
        self.speeds = dict(speeds)
        self.recent: dict[tuple[str, int], deque[float]] = {}  # speeds of the last epochs
        self.count = len(todo)
        self.trained = 0
        self.began = time.monotonic()
        self.bar = tqdm(total=len(todo), unit="run", disable=not sys.stdout.isatty())
        self._show_time_left()

    def start(self, config: RunConfig) -> None:
        """Show that a run starts."""
        if config in self.in_training:  # started again after it was put back for lack of memory
            return
        if self.bar.disable:
            number = self.count - len(self.left) + len(self.in_training) + 1
            print(f"run {number} of {self.count}: {run_name(config)}; {self.time_left()}", flush=True)
        taken = [-progress.bar.pos for progress in self.in_training.values()]
        position = next(line for line in range(1, len(taken) + 2) if line not in taken)
        name = config.run_id if self.in_training else ""
        self.in_training[config] = RunProgress(config, position, name)

    def epoch(self, config: RunConfig, record: EpochRecord) -> None:
        """Show an epoch of a run, and update the time left."""
        self.in_training[config].show(record)
        self.left[config] = max(0, expected_epochs(config) - record.epoch)
        seconds = record.seconds / len(self.in_training)  # its share of the device's time
        key = config.model, config.batch_size
        recent = self.recent.setdefault(key, deque(maxlen=RECENT_EPOCHS))
        recent.append(config.train_images / seconds)
        self.speeds[key] = median(recent)  # ignores a single slow epoch, say while the machine slept
        self._show_time_left()

    def end(self, config: RunConfig, failure: Exception | None = None) -> None:
        """Show that a run has ended, and why it failed."""
        if config in self.in_training:
            self.in_training.pop(config).close()
        if failure:
            reason = failure if isinstance(failure, LabError) else "it stopped; the error is above"
            self.write(f"{run_name(config)}: {reason}")
        del self.left[config]
        self.trained += not failure
        self._show_time_left()
        self.bar.update()

    def write(self, text: str) -> None:
        """Print a line without breaking the bars."""
        tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        for progress in self.in_training.values():
            progress.close()
        self.bar.close()
        took = duration(time.monotonic() - self.began)
        print(f"{self.trained} of {self.count} runs trained in {took}.")

    def _show_time_left(self) -> None:
        self.bar.set_postfix_str(self.time_left())

    def time_left(self) -> str:
        """The estimated time left in words; empty when all runs have ended."""
        if not self.left:
            return ""
        seconds = sum(
            epochs * epoch_seconds(config, self.speeds) for config, epochs in self.left.items()
        )
        return f"{about(seconds)} left"
