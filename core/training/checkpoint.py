"""Checkpoints: the state of a run after an epoch, in safetensors; nothing is unpickled."""

import json
from contextlib import suppress
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
from core.paths import put_in_place
from core.records import EpochRecord, is_complete

SCORES = "scores."  # before the names of their arrays


def save_checkpoint(
    path: Path,
    config: RunConfig,
    model: Module,
    optimizer: Optimizer,
    loss: Module,
    records: list[EpochRecord],
    scores: ImageScores | None,
) -> None:
    """Replace the checkpoint at `path`, atomically; records, scores: of all epochs so far.

    Raises StorageError (a full disk).
    """
    about = {
        "config": json.dumps(config.overrides()),
        "records": json.dumps([asdict(record) for record in records]),
    }
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)  # deleted while the run was trained, say
        # safetensors takes no channels-last tensors; loading copies back into that layout.
        tensors = {
            name: tensor.cpu().contiguous() for name, tensor in _tensors(model, optimizer, loss).items()
        }
        for name, array in to_arrays(scores).items() if scores else ():
            tensors[SCORES + name] = torch.from_numpy(np.array(array))
        save_file(tensors, part, metadata=about)
        put_in_place(part, path)
    except (OSError, SafetensorError) as error:  # the latter reports a failed write, too
        raise StorageError(path, error) from None
    finally:
        with suppress(OSError):  # the folder is a file, say: it is said already
            part.unlink(missing_ok=True)


def load_checkpoint(
    path: Path, config: RunConfig, model: Module, optimizer: Optimizer, loss: Module
) -> tuple[list[EpochRecord], ImageScores | None]:
    """Put the state at `path` into model, optimizer and loss; return the records of its epochs.

    And the scores of its images; None where an earlier version, which kept none, has saved it.
    A shorter run is the first part of a longer one: no weight depends on how many epochs are to come.
    (Its last epoch was evaluated on all training images, which of 50,000 the longer one's is not.)
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
    except torch.OutOfMemoryError:  # a RuntimeError, too, but no fault of the file
        raise
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise CheckpointError(
            f"{path} is no checkpoint, or a damaged one ({error}): name another file, or delete this "
            "one to start the run again."
        ) from None
    return records, scores


def _check_is_part(
    path: Path, saved_for: RunConfig, config: RunConfig, records: list[EpochRecord]
) -> None:
    """Raise CheckpointError where these epochs of a run are not the first ones of `config`'s."""
    if saved_for == config:
        return
    lengths = {name: getattr(config, name) for name in ("epochs", "epochs_after_fitted", "max_epochs")}
    as_long = replace(saved_for, **lengths)
    if as_long != config:
        raise CheckpointError(f"{path} belongs to a run with other settings.")
    if is_complete(config, records[:-1]):
        raise CheckpointError(
            f"{path} holds {len(records)} epochs, more than this run has: ask for as many or more to "
            "continue it."
        )


def _tensors(model: Module, optimizer: Optimizer, loss: Module) -> dict[str, torch.Tensor]:
    """Weights, momentum and the buffers of both modules by name, without copying."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"loss.{name}": tensor for name, tensor in loss.state_dict().items()}
    for name, parameter in model.named_parameters():
        momentum = optimizer.state[parameter].get("momentum_buffer")
        if momentum is not None:  # SGD keeps none at momentum 0
            tensors[f"momentum.{name}"] = momentum
    return tensors
