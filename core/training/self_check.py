"""A check of a GPU before its first real epoch: does it compute correctly in each way we use it?

A CUDA GPU is used with graphs and streams, any other GPU step by step.

A driver or library that captures CUDA graphs wrongly or not at all must not break a visitor's
run. A tiny network is trained for an epoch: step by step, with graphs, and twice side by
side on two streams. Where a result is wrong, runs are trained in a simpler way.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from core.config import RunConfig
from core.data.cifar10 import load_embedded
from core.training.training import Training

MAX_AT_ONCE = 32  # runs on a GPU: the number of streams in torch
# With a fifth held out there are 20 steps of 8 images (some warm-up steps, sixteen replayed at once,
# one replayed alone) and a smaller last batch. The four evaluated sets (test, train, held out,
# followed) give batches of four shapes.
IMAGES, TEST_IMAGES = 205, 40
TOLERANCE = 0.05  # relative, of the loss: more than rounding, less than the effect of a missing step

# (device, use_graphs, runs): trains that many tiny runs; returns their losses after one epoch.
TrainTiny = Callable[[str, bool, int], list[float]]


@dataclass(frozen=True)
class Abilities:
    """The ways in which a device can be used."""

    device: str
    use_graphs: bool
    max_at_once: int  # runs
    remark: str = ""  # one sentence on what does not work, for the log and the page; may be empty


def train_tiny(device: str, use_graphs: bool, runs: int) -> list[float]:
    """Train tiny runs for one epoch, side by side; return their training losses."""
    embedded = load_embedded()
    data = replace(
        embedded,
        train_images=embedded.train_images[:IMAGES],
        train_labels=embedded.train_labels[:IMAGES],
        test_images=embedded.test_images[:TEST_IMAGES],
        test_labels=embedded.test_labels[:TEST_IMAGES],
    )
    config = RunConfig(model="inception", batch_size=8, learning_rate=0.01, validation=0.2)
    trainings = [Training(config, data, device, use_graphs=use_graphs) for _ in range(runs)]
    for training in trainings:
        training.launch()
    return [training.collect().train_loss for training in trainings]


def check_device(device: str, train: TrainTiny = train_tiny) -> Abilities:
    """Check a device and return how it can be used; a CPU needs no check."""
    if device == "cpu":
        return Abilities(device, use_graphs=False, max_at_once=1)
    if device != "cuda":
        (expected,) = train("cpu", False, 1)
        if problem := _problem(lambda: train(device, False, 1), expected):
            remark = f"The {device} device cannot train here ({problem}): the CPU does."
            logging.warning(remark)
            return Abilities("cpu", False, 1, remark)
        return Abilities(device, use_graphs=False, max_at_once=1)
    try:
        (expected,) = train(device, False, 1)
    except Exception as error:
        logging.exception("The GPU cannot train.")
        return Abilities("cpu", False, 1, f"The GPU cannot train ({_first_line(error)}): the CPU does.")
    if problem := _problem(lambda: train(device, True, 1), expected):
        remark = f"CUDA graphs do not work here ({problem}): steps are launched one by one."
        logging.warning(remark)
        return Abilities(device, False, _at_once(device, False, train, expected), remark)
    if problem := _problem(lambda: train(device, True, 2), expected):
        remark = f"Two runs side by side disturb each other here ({problem}): one is trained at a time."
        logging.warning(remark)
        return Abilities(device, True, 1, remark)
    return Abilities(device, True, MAX_AT_ONCE)


def _at_once(device: str, use_graphs: bool, train: TrainTiny, expected: float) -> int:
    return 1 if _problem(lambda: train(device, use_graphs, 2), expected) else MAX_AT_ONCE


def _problem(work: Callable[[], list[float]], expected: float) -> str:
    """Describe what is wrong with the losses that `work` returns; empty if nothing is."""
    try:
        losses = work()
    except Exception as error:
        logging.exception("The check of the GPU failed.")
        return _first_line(error)
    if not np.allclose(losses, expected, rtol=TOLERANCE, atol=0):
        return f"a loss of {losses[-1]:.3g} instead of {expected:.3g}"
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
