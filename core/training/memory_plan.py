"""How much memory a run takes on a device, computed before it starts, and how much there is."""

from functools import cache

import torch
import torch.nn.functional as F

from core.config import USUAL_WIDTH, RunConfig
from core.training.dataset import EVALUATED_IMAGES, images_of
from core.training.devices import compute_dtype
from core.training.evaluation import EVALUATION_BATCH
from core.training.models import IMAGE_SIZE, PIXEL_VALUES, build_model

CPU_BYTES = 1 << 30  # for weights: some forty runs; those of the others wait on the disk
USABLE = 0.9  # of what a GPU has free: allocators lose some of it between blocks
LIBRARIES = 96 << 20  # bytes that cuDNN and cuBLAS take for each stream; a guess
COPIES_OF_WEIGHTS = 4  # in float32: themselves, gradients, momentum, and one for casts and checkpoints


def available(device: torch.device) -> int:
    """Bytes that runs may use altogether."""
    if device.type == "cuda":
        return int(USABLE * torch.cuda.mem_get_info(device)[0])
    return CPU_BYTES


def is_short(config: RunConfig, device: torch.device) -> bool:
    """Whether a GPU has less memory free at this moment than the run takes."""
    return torch.cuda.mem_get_info(device)[0] < needed([config], device)


def needed(configs: list[RunConfig], device: torch.device) -> int:
    """Bytes that these runs take when they are trained side by side.

    On a CPU one run is trained at a time: only weights are kept for each.
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
    """The most training images that an evaluation copies for this run alone: it takes a part of them."""
    if config.validation or config.repair == "drop":
        return config.train_images  # those trained on and, beside them, those held out
    return EVALUATED_IMAGES if config.train_images > EVALUATED_IMAGES else 0


@cache
def run_bytes(model: str, batch_size: int, device: torch.device, width: int = USUAL_WIDTH) -> int:
    """Bytes for one run, without the images, which runs share."""
    weights = COPIES_OF_WEIGHTS * 4 * sum(p.numel() for p in _on_meta(model, width).parameters())
    if device.type != "cuda":
        return weights
    saved, widest = activation_bytes(model, compute_dtype(device), width)
    # The backward pass adds the gradients of the widest layers to what was saved; an evaluation
    # holds a layer's input and output at a time, and a copy where they are joined.
    training = batch_size * (saved + 3 * widest)
    evaluation = EVALUATION_BATCH * 3 * widest
    # Twice: the memory of the graphs, and what the steps before the capture left to the stream.
    return weights + 2 * max(training, evaluation) + LIBRARIES


@cache
def activation_bytes(model: str, dtype: torch.dtype, width: int = USUAL_WIDTH) -> tuple[int, int]:
    """Bytes for each image that a forward pass keeps for the backward pass; of them, its widest tensor.

    dtype: the floating-point type that is computed in. Counted by torch on tensors without
    memory: what is shared counts once, the weights do not count.
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
