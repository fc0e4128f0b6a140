"""The memory that a run needs on a device, computed before it starts, and the memory available."""

from functools import cache

import torch
import torch.nn.functional as F

from core.config import USUAL_WIDTH, RunConfig
from core.training.dataset import EVALUATED_IMAGES, images_of
from core.training.devices import compute_dtype
from core.training.evaluation import EVALUATION_BATCH
from core.training.models import IMAGE_SIZE, PIXEL_VALUES, build_model

CPU_BYTES = 1 << 30  # for weights of about forty runs; other runs wait in their checkpoints on disk
USABLE = 0.9  # share of a GPU's free memory: allocators lose some of it between blocks
LIBRARIES = 96 << 20  # bytes that cuDNN and cuBLAS take for each stream; a guess
COPIES_OF_WEIGHTS = 4  # in float32: weights, gradients, momentum, and one for casts and checkpoints


def available(device: torch.device) -> int:
    """The number of bytes that all runs together may use."""
    if device.type == "cuda":
        return int(USABLE * torch.cuda.mem_get_info(device)[0])
    return CPU_BYTES


def is_short(config: RunConfig, device: torch.device) -> bool:
    """Whether a GPU has less free memory at this moment than the run needs."""
    return torch.cuda.mem_get_info(device)[0] < needed([config], device)


def needed(configs: list[RunConfig], device: torch.device) -> int:
    """The number of bytes that these runs need together, trained side by side.

    On a CPU the plan counts only the weights of each run.
    """
    runs = sum(run_bytes(config.model, config.batch_size, device, config.width) for config in configs)
    if device.type != "cuda":
        return runs
    sets = {(config.data, *images_of(config)): 1.2 * config.train_images for config in configs}
    copied = sum(_copied_images(config) for config in configs)
    images = (sum(sets.values()) + copied) * PIXEL_VALUES * compute_dtype(device).itemsize
    crops = {config.data: config.train_images for config in configs if config.random_crop}
    return runs + int(images) + sum(crops.values()) * 3 * 32 * 32


def _copied_images(config: RunConfig) -> int:
    """An upper limit on the training images that an evaluation copies for this run alone."""
    if config.validation or config.repair == "drop":
        return config.train_images  # the trained ones and the held-out ones are separate copies
    return EVALUATED_IMAGES if config.train_images > EVALUATED_IMAGES else 0


@cache
def run_bytes(model: str, batch_size: int, device: torch.device, width: int = USUAL_WIDTH) -> int:
    """The number of bytes for one run, without the images, which runs share."""
    weights = COPIES_OF_WEIGHTS * 4 * sum(p.numel() for p in _on_meta(model, width).parameters())
    if device.type != "cuda":
        return weights
    saved, widest = activation_bytes(model, compute_dtype(device), width)
    # The backward pass adds the gradients of the widest layers to the saved activations. An
    # evaluation holds one layer's input and output at a time, and a copy where they are joined.
    training = batch_size * (saved + 3 * widest)
    evaluation = EVALUATION_BATCH * 3 * widest
    # Twice: for the graphs, and for the steps before the capture, whose memory the stream keeps.
    return weights + 2 * max(training, evaluation) + LIBRARIES


@cache
def activation_bytes(model: str, dtype: torch.dtype, width: int = USUAL_WIDTH) -> tuple[int, int]:
    """Bytes per image that a forward pass saves for the backward pass: (in total, widest tensor).

    dtype: the floating-point type of the computation. Torch counts them on tensors without
    memory; shared memory counts once, and weights do not count.
    """
    batch = 8
    network = _on_meta(model, width).train()
    weights = {p.untyped_storage()._cdata for p in [*network.parameters(), *network.buffers()]}
    saved: dict[int, torch.Tensor] = {}

    def save(tensor: torch.Tensor) -> torch.Tensor:
        saved[tensor.untyped_storage()._cdata] = tensor
        return tensor

    images = torch.empty(batch, 3, IMAGE_SIZE, IMAGE_SIZE, device="meta")
    labels = torch.empty(batch, dtype=torch.int64, device="meta")
    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        F.cross_entropy(network(images), labels)
    sizes = [
        tensor.numel() * (dtype.itemsize if tensor.is_floating_point() else tensor.itemsize)
        for storage, tensor in saved.items()
        if storage not in weights
    ]
    return sum(sizes) // batch, max(sizes) // batch


def _on_meta(model: str, width: int = USUAL_WIDTH) -> torch.nn.Module:
    with torch.device("meta"):
        return build_model(model, width=width)
