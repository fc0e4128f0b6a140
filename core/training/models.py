"""The paper's five networks, at the paper's parameter counts (Zhang et al. 2017, appendix A).

B = batch, C = channels, H = W = 28 pixels, K = classes. Every network maps
standardized images of shape (B, 3, 28, 28) to logits of shape (B, K).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from core.config import USUAL_WIDTH

IMAGE_SIZE = 28  # pixels, after the crop
PIXEL_VALUES = 3 * IMAGE_SIZE**2  # 2,352


def build_model(name: str, num_classes: int = 10, width: int = USUAL_WIDTH) -> nn.Sequential:
    """The network of that name, freshly initialized from torch's global generator.

    width: units of the hidden layer of "mlp-1x512".
    """
    if name == "mlp-1x512":
        return mlp(1, num_classes, width)
    if name == "mlp-3x512":
        return mlp(3, num_classes)
    if name == "alexnet":
        return alexnet(num_classes)
    if name == "inception":
        return inception(True, num_classes)
    if name == "inception-no-bn":
        return inception(False, num_classes)
    raise ValueError(f"there is no network {name!r}.")


def mlp(hidden_layers: int, num_classes: int = 10, width: int = USUAL_WIDTH) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = PIXEL_VALUES
    for _ in range(hidden_layers):
        layers += [Linear(inputs, width), nn.ReLU(inplace=True)]
        inputs = width
    return nn.Sequential(*layers, Linear(inputs, num_classes))


def alexnet(num_classes: int = 10) -> nn.Sequential:
    """The small AlexNet, not the one for 224-pixel images."""
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
        Linear(192, num_classes),
    )


def inception(batch_norm: bool, num_classes: int = 10) -> nn.Sequential:
    bn = batch_norm
    return nn.Sequential(
        conv_unit(3, 96, 3, bn),  # (B, 96, 28, 28)
        InceptionBlock(96, 32, 32, bn),
        InceptionBlock(64, 32, 48, bn),
        Downsample(80, 80, bn),  # (B, 160, 14, 14)
        InceptionBlock(160, 112, 48, bn),
        InceptionBlock(160, 96, 64, bn),
        InceptionBlock(160, 80, 80, bn),
        InceptionBlock(160, 48, 96, bn),
        Downsample(144, 96, bn),  # (B, 240, 7, 7)
        InceptionBlock(240, 176, 160, bn),
        InceptionBlock(336, 176, 160, bn),
        nn.AdaptiveAvgPool2d(1),  # the mean over 7 x 7
        nn.Flatten(),  # (B, 336)
        Linear(336, num_classes),
    )


class InceptionBlock(nn.Module):
    """A 1x1 convolution beside a 3x3 one: (B, C, H, W) to (B, narrow + wide, H, W)."""

    def __init__(self, channels: int, narrow: int, wide: int, batch_norm: bool):
        super().__init__()
        self.narrow = conv_unit(channels, narrow, 1, batch_norm)
        self.wide = conv_unit(channels, wide, 3, batch_norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.narrow(x), self.wide(x)], dim=1)


class Downsample(nn.Module):
    """A 3x3 convolution of stride 2 beside a max-pool: (B, C, H, W) to (B, out + C, H/2, W/2)."""

    def __init__(self, channels: int, out_channels: int, batch_norm: bool):
        super().__init__()
        self.conv = conv_unit(channels, out_channels, 3, batch_norm, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.conv(x), self.pool(x)], dim=1)


def conv_unit(
    channels: int, out_channels: int, size: int, batch_norm: bool, stride: int = 1
) -> nn.Sequential:
    """conv, batch norm, ReLU; one learned shift per channel, in the norm or in the conv."""
    if not batch_norm:
        # Without normalization He's gain of 2 diverges at the paper's learning rate of 0.1.
        return nn.Sequential(
            conv(channels, out_channels, size, stride, gain=1.5), nn.ReLU(inplace=True)
        )
    return nn.Sequential(
        conv(channels, out_channels, size, stride, bias=False),
        ShiftNorm(out_channels),
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

    The same as nn.LocalResponseNorm(9, alpha=0.001), which divides alpha by the size:
    TensorFlow's radius 4 with alpha 0.001 / 9. Summing nine neighbouring channels is a
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
        # float32: beside the 1, bfloat16 would round sums under 1/256 away.
        root = torch.rsqrt(1 + F.conv2d(x * x, self.band).float())
        return x * (root * torch.sqrt(root)).to(x.dtype)  # y^-0.75 without a slow pow


class Linear(nn.Module):
    """A linear layer with its weights stored as (inputs, outputs).

    Transposed from torch's own, so that the gradient of the weights is x^T g in the
    order the product wants: a tenth faster on a CPU in bfloat16.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.normal_(self.weight, std=math.sqrt(1 / inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.addmm(self.bias, x, self.weight)


def conv(
    channels: int, out_channels: int, size: int, stride: int = 1, bias: bool = True, gain: float = 2.0
) -> nn.Conv2d:
    """A padded convolution, its weights of variance gain / inputs (2: He et al. 2015)."""
    layer = nn.Conv2d(channels, out_channels, size, stride, padding=size // 2, bias=bias)
    nn.init.normal_(layer.weight, std=math.sqrt(gain / (channels * size * size)))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
