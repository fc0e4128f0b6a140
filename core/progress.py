"""What the command line shows while it trains: bars in a terminal, lines elsewhere."""

import sys
import time

from tqdm import tqdm

from core.captions import duration
from core.config import RunConfig, run_name
from core.estimate import Speeds, expected_epochs, run_seconds
from core.records import EpochRecord


class RunProgress:
    """One run, epoch by epoch."""

    def __init__(self, config: RunConfig, position: int = 0):
        self.bar = tqdm(
            total=expected_epochs(config),
            unit="epoch",
            position=position,
            leave=position == 0,
            disable=not sys.stdout.isatty(),
        )

    def show(self, record: EpochRecord) -> None:
        self.bar.total = max(self.bar.total, record.epoch)
        measures = {
            "train loss": f"{record.train_loss:.4f}",
            "train error": f"{record.train_error:.4f}",
            "test error": f"{record.test_error:.4f}",
        }
        for name in ("memorized", "recovered"):
            if getattr(record, name) is not None:
                measures[name] = f"{getattr(record, name):.4f}"
        if self.bar.disable:
            text = "  ".join(f"{name} {value}" for name, value in measures.items())
            count = f"epoch {record.epoch:3}/{self.bar.total}"
            print(f"{count}  {text}  ({record.seconds:.1f} s)", flush=True)
        else:
            self.bar.set_postfix(measures)
            self.bar.update(record.epoch - self.bar.n)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bar.close()


class SweepProgress:
    """All runs of a sweep, and how long they will take, learned from each epoch as it comes."""

    def __init__(self, todo: list[RunConfig], speeds: Speeds):
        self.left, self.speeds = list(todo), dict(speeds)
        self.count, self.started, self.trained = len(todo), time.monotonic(), 0
        self.bar = tqdm(total=len(todo), unit="run", disable=not sys.stdout.isatty())
        self._say_left()

    def begin(self, config: RunConfig) -> None:
        if self.bar.disable:
            number = self.count - len(self.left) + 1
            print(f"run {number} of {self.count}: {run_name(config)}; {self._time_left()}", flush=True)

    def learn_speed(self, config: RunConfig, record: EpochRecord) -> None:
        self.speeds[config.model, config.batch_size] = config.train_images / record.seconds
        self._say_left(epochs_done=record.epoch)

    def end(self, config: RunConfig, trained: bool = True) -> None:
        self.left.remove(config)
        self.trained += trained
        self.bar.update()
        self._say_left()

    def say(self, text: str) -> None:
        """A line that does not tear the bars."""
        tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        self.bar.close()
        took = duration(time.monotonic() - self.started)
        print(f"{self.trained} of {self.count} runs trained in {took}.")

    def _say_left(self, epochs_done: int = 0) -> None:
        self.bar.set_postfix_str(self._time_left(epochs_done), refresh=False)

    def _time_left(self, epochs_done: int = 0) -> str:
        seconds = sum(run_seconds(config, self.speeds) for config in self.left)
        if self.left and epochs_done:
            first = self.left[0]
            share = min(1, epochs_done / expected_epochs(first))
            seconds -= share * run_seconds(first, self.speeds)
        return f"about {duration(seconds)} left"
