"""The paper's five networks, with the paper's parameter counts (Zhang et al. 2017, appendix A),
and the Inception from the code that the student's poster cites.

B = batch, C = channels, H = W = 28 pixels, K = classes. Every network maps
standardized images of shape (B, 3, 28, 28) to logits of shape (B, K).
"""

import math
from functools import partial
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import nn

from core.choices import NETWORKS
from core.config import CLASS_COUNT, USUAL_WIDTH

IMAGE_SIZE = 28  # pixels, after the crop
PIXEL_VALUES = 3 * IMAGE_SIZE**2  # 2,352


def build_model(name: str, width: int = USUAL_WIDTH) -> nn.Sequential:
    """Build a network by its name, freshly initialized from torch's global generator.

    width: hidden units, for a network that has this setting. Raises ValueError for an unknown name.
    """
    if name not in NETWORKS:
        raise ValueError(f"there is no network {name!r}.")
    network = NETWORKS[name]
    return network.build(width=width) if network.has_width else network.build()


def mlp(hidden_layers: int, width: int = USUAL_WIDTH) -> nn.Sequential:
    """A multilayer perceptron with ReLU and `width` units in each hidden layer."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = PIXEL_VALUES
    for _ in range(hidden_layers):
        layers += [Linear(inputs, width), nn.ReLU(inplace=True)]
        inputs = width
    return nn.Sequential(*layers, Linear(inputs, CLASS_COUNT))


def alexnet() -> nn.Sequential:
    """The paper's small AlexNet for 28-pixel images."""
    return nn.Sequential(
        conv(3, 64, 5),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, padding=1),
        ResponseNorm(),  # (B, 64, 14, 14)
        conv(64, 64, 5),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, padding=1),
        ResponseNorm(),  # (B, 64, 7, 7)
        nn.Flatten(),  # (B, 3136)
        Linear(64 * 7 * 7, 384),
        nn.ReLU(inplace=True),
        Linear(384, 192),
        nn.ReLU(inplace=True),
        Linear(192, CLASS_COUNT),
    )


def inception(batch_norm: bool) -> nn.Sequential:
    """The paper's small Inception, with or without batch normalization."""
    return nn.Sequential(
        *inception_blocks(partial(conv_unit, batch_norm=batch_norm), padding=1),  # (B, 336, 7, 7)
        nn.AdaptiveAvgPool2d(1),  # the mean over 7 x 7
        nn.Flatten(),  # (B, 336)
        Linear(336, CLASS_COUNT),
    )


def inception_7x7() -> nn.Sequential:
    """The Inception from the code that the poster cites, with torch's default initialization.

    It differs from the paper's at the borders and at the end. Without padding its last map is
    5 x 5, which it stretches to 7 x 7. The last layer then sees all 16,464 values, while the
    paper's sees the mean of each of 336 channels. Convolutions have a bias and batch norms a scale.
    Source: github.com/mdv3101/Rethinking_Generalization, Input_Corruption.ipynb.
    """
    return nn.Sequential(
        *inception_blocks(default_conv_unit, padding=0),  # (B, 336, 5, 5)
        nn.AdaptiveAvgPool2d(7),  # (B, 336, 7, 7): repeats cells
        nn.Flatten(),  # (B, 16464)
        nn.Linear(336 * 7 * 7, CLASS_COUNT),
    )


class ConvUnit(Protocol):
    """Builds a convolution, its norm and ReLU: (B, channels, H, W) to (B, out_channels, H', W')."""

    def __call__(
        self, channels: int, out_channels: int, size: int, stride: int, padding: int
    ) -> nn.Sequential: ...


def inception_blocks(unit: ConvUnit, padding: int) -> list[nn.Module]:
    """The small Inception without its last layers: (B, 3, 28, 28) to (B, 336, 7, 7), or 5 x 5.

    padding: pixels of padding in the first convolution and the downsampling ones, 1 or 0.
    """
    return [
        unit(3, 96, 3, 1, padding),  # (B, 96, 28, 28), or 26
        InceptionBlock(unit, 96, 32, 32),
        InceptionBlock(unit, 64, 32, 48),
        Downsample(unit, 80, 80, padding),  # (B, 160, 14, 14), or 12
        InceptionBlock(unit, 160, 112, 48),
        InceptionBlock(unit, 160, 96, 64),
        InceptionBlock(unit, 160, 80, 80),
        InceptionBlock(unit, 160, 48, 96),
        Downsample(unit, 144, 96, padding),  # (B, 240, 7, 7), or 5
        InceptionBlock(unit, 240, 176, 160),
        InceptionBlock(unit, 336, 176, 160),
    ]


class InceptionBlock(nn.Module):
    """A 1x1 and a 3x3 convolution in parallel: (B, C, H, W) to (B, narrow + wide, H, W)."""

    def __init__(self, unit: ConvUnit, channels: int, narrow: int, wide: int):
        super().__init__()
        self.narrow = unit(channels, narrow, 1, 1, 0)
        self.wide = unit(channels, wide, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.narrow(x), self.wide(x)], dim=1)


class Downsample(nn.Module):
    """A 3x3 convolution of stride 2 and a max-pool: (B, C, H, W) to (B, out + C, H/2, W/2)."""

    def __init__(self, unit: ConvUnit, channels: int, out_channels: int, padding: int):
        super().__init__()
        self.conv = unit(channels, out_channels, 3, 2, padding)
        self.pool = nn.MaxPool2d(3, stride=2, padding=padding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.conv(x), self.pool(x)], dim=1)


def conv_unit(
    channels: int, out_channels: int, size: int, stride: int, padding: int, batch_norm: bool
) -> nn.Sequential:
    """Convolution, optional batch norm, ReLU; one learned shift per channel, in norm or convolution."""
    if not batch_norm:
        # Without normalization, training with He's gain of 2 diverges at the paper's learning
        # rate of 0.1.
        return nn.Sequential(
            conv(channels, out_channels, size, stride, padding, gain=1.5), nn.ReLU(inplace=True)
        )
    return nn.Sequential(
        conv(channels, out_channels, size, stride, padding, bias=False),
        ShiftNorm(out_channels),
        nn.ReLU(inplace=True),
    )


def default_conv_unit(
    channels: int, out_channels: int, size: int, stride: int, padding: int
) -> nn.Sequential:
    """Convolution with a bias, batch norm with a scale, ReLU, in torch's default initialization."""
    return nn.Sequential(
        nn.Conv2d(channels, out_channels, size, stride, padding),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class ShiftNorm(nn.BatchNorm2d):
    """Batch normalization with a learned shift and no learned scale.

    The paper's count of 1,649,402 parameters leaves room for one number per channel;
    torch's default, scale and shift, would make it 1,651,114.
    """

    def __init__(self, channels: int):
        super().__init__(channels)
        del self.weight
        self.register_buffer("weight", torch.ones(channels), persistent=False)


class ResponseNorm(nn.Module):
    """Local response normalization: x / (1 + alpha * sum of x^2 over 9 channels)^0.75.

    It equals nn.LocalResponseNorm(9, alpha=0.001), which divides alpha by the size:
    TensorFlow's radius 4 with alpha 0.001 / 9. The sum over nine neighboring channels is a
    1x1 convolution with a banded matrix, much faster than torch's pooling over channels.
    """

    band: torch.Tensor

    def __init__(self, channels: int = 64, radius: int = 4, alpha: float = 0.001 / 9):
        super().__init__()
        index = torch.arange(channels)
        near = (index[:, None] - index[None, :]).abs() <= radius
        band = alpha * near.float()
        self.register_buffer("band", band[:, :, None, None], persistent=False)  # (C, C, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # float32, because 1 + a sum under 1/256 would be rounded to 1 in bfloat16.
        root = torch.rsqrt(1 + F.conv2d(x * x, self.band).float())
        return x * (root * torch.sqrt(root)).to(x.dtype)  # y^-0.75; pow would be slow


class Linear(nn.Module):
    """A linear layer with its weights stored as (inputs, outputs).

    This is the transpose of torch's nn.Linear, so that the product x^T g gives the gradient of
    the weights in their memory order: a tenth faster on a CPU in bfloat16.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.normal_(self.weight, std=math.sqrt(1 / inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.bias, x, self.weight)


def conv(
    channels: int,
    out_channels: int,
    size: int,
    stride: int = 1,
    padding: int | None = None,
    bias: bool = True,
    gain: float = 2.0,
) -> nn.Conv2d:
    """A convolution with weights of variance gain / inputs (gain 2: He et al. 2015).

    padding: size // 2 by default, which keeps height and width at a stride of 1.
    """
    padding = size // 2 if padding is None else padding
    layer = nn.Conv2d(channels, out_channels, size, stride, padding=padding, bias=bias)
    nn.init.normal_(layer.weight, std=math.sqrt(gain / (channels * size * size)))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
