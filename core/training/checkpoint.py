"""Checkpoints: the state of a run after an epoch, in safetensors; nothing is unpickled."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.nn import Module
from torch.optim import Optimizer

from core.cleaning.scores import ImageScores, from_arrays, to_arrays
from core.config import RunConfig
from core.errors import CheckpointError, StorageError
from core.paths import replacing
from core.records import EpochRecord, is_complete

SCORES = "scores."  # prefix of the names of score arrays


def save_checkpoint(
    path: Path,
    config: RunConfig,
    model: Module,
    optimizer: Optimizer,
    loss: Module,
    records: list[EpochRecord],
    scores: ImageScores | None,
) -> None:
    """Replace the checkpoint at `path` atomically. Raises StorageError, for a full disk for example.

    records, scores: of all epochs so far.
    """
    about = {
        "config": json.dumps(config.overrides()),
        "records": json.dumps([asdict(record) for record in records]),
    }
    # safetensors takes no channels-last tensors; loading copies back into that layout.
    tensors = {
        name: tensor.cpu().contiguous() for name, tensor in _tensors(model, optimizer, loss).items()
    }
    for name, array in to_arrays(scores).items() if scores else ():
        tensors[SCORES + name] = torch.from_numpy(np.array(array))
    try:
        with replacing(path) as part:
            save_file(tensors, part, metadata=about)
    except (OSError, SafetensorError) as error:  # safetensors reports a failed write as its own error
        raise StorageError(path, error) from None


def load_checkpoint(
    path: Path, config: RunConfig, model: Module, optimizer: Optimizer, loss: Module
) -> tuple[list[EpochRecord], ImageScores | None]:
    """Load the state at `path` into model, optimizer and loss; return the records and the scores.

    The scores are None in a checkpoint of an older version, which stored none.
    The checkpoint of a shorter run can be continued as a longer one, because no weight depends on
    the number of epochs to come. (The shorter run evaluated its last epoch on all training images;
    the longer one evaluates that epoch on a part of them where there are 50,000.)
    Raises CheckpointError where the file is damaged or belongs to another run.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            saved_for = RunConfig(**json.loads(about["config"]))
            records = [EpochRecord(**record) for record in json.loads(about["records"])]
            _check_is_part(path, saved_for, config, records)
            saved = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dict)
        for group in optimizer.param_groups:
            for parameter in group["params"] if config.momentum else ():
                optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        for name, tensor in _tensors(model, optimizer, loss).items():
            tensor.copy_(saved[name])
        arrays = {
            name.removeprefix(SCORES): tensor.numpy().copy()  # not a view of the mapped file
            for name, tensor in saved.items()
            if name.startswith(SCORES)
        }
        scores = from_arrays(arrays) if arrays else None
    except torch.OutOfMemoryError:  # also a RuntimeError, but the file is sound
        raise
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint, or is damaged ({error}): name another file, or delete this "
            "one to start the run again."
        ) from None
    return records, scores


def _check_is_part(
    path: Path, saved_for: RunConfig, config: RunConfig, records: list[EpochRecord]
) -> None:
    """Raise CheckpointError unless these records are the first epochs of the run of `config`."""
    if saved_for == config:
        return
    lengths = {name: getattr(config, name) for name in ("epochs", "epochs_after_fitted", "max_epochs")}
    as_long = replace(saved_for, **lengths)
    if as_long != config:
        raise CheckpointError(f"{path} belongs to a run with other settings.")
    if is_complete(config, records[:-1]):
        raise CheckpointError(
            f"{path} holds {len(records)} epochs, more than this run has: ask for at least as many to "
            "continue it."
        )


def _tensors(model: Module, optimizer: Optimizer, loss: Module) -> dict[str, torch.Tensor]:
    """Map names to weights, momentum and the buffers of both modules, without copying."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"loss.{name}": tensor for name, tensor in loss.state_dict().items()}
    for name, parameter in model.named_parameters():
        momentum = optimizer.state[parameter].get("momentum_buffer")
        if momentum is not None:  # SGD has no momentum buffer at momentum 0
            tensors[f"momentum.{name}"] = momentum
    return tensors
