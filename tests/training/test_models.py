from functools import partial

import pytest
import torch
from torch import nn

from core.choices import NETWORKS
from core.training.models import InceptionBlock, Linear, ResponseNorm, ShiftNorm, build_model, conv_unit

PAPER_PARAMETERS = {  # Zhang et al. 2017, table 1
    "mlp-1x512": 1_209_866,
    "mlp-3x512": 1_735_178,
    "alexnet": 1_387_786,
    "inception": 1_649_402,
    "inception-no-bn": 1_649_402,
}


@pytest.mark.parametrize("name", PAPER_PARAMETERS)
def test_parameter_counts_are_the_papers(name):
    model = build_model(name)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == PAPER_PARAMETERS[name]


def test_every_network_says_how_many_weights_it_has():
    for name, network in NETWORKS.items():
        assert sum(each.numel() for each in build_model(name).parameters()) == network.weights


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_have_the_right_shape_and_a_sane_size(name):
    torch.manual_seed(0)
    model = build_model(name)
    logits = model(torch.randn(16, 3, 28, 28))
    assert logits.shape == (16, 10)
    assert 0.05 < logits.std() < 5  # neither vanishing nor exploding before any training


def test_inception_keeps_a_7x7_map_and_takes_its_mean():
    model = build_model("inception")
    shapes = []
    for layer in model:
        layer.register_forward_hook(
            lambda layer, inputs, output: shapes.append(tuple(output.shape[1:]))
        )
    model(torch.randn(2, 3, 28, 28))
    assert shapes == [
        (96, 28, 28), (64, 28, 28), (80, 28, 28), (160, 14, 14), (160, 14, 14), (160, 14, 14),
        (160, 14, 14), (144, 14, 14), (240, 7, 7), (336, 7, 7), (336, 7, 7), (336, 1, 1), (336,), (10,),
    ]  # fmt: skip


def cited_inception() -> nn.Sequential:
    """InceptionSmall of mdv3101/Rethinking_Generalization, Input_Corruption.ipynb, in its own words."""

    def conv(inputs, outputs, size, stride, padding):
        layer = nn.Conv2d(inputs, outputs, size, stride, padding)
        return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU())

    class Both(nn.Module):
        def __init__(self, branch1, branch2):
            super().__init__()
            self.branch1, self.branch2 = branch1, branch2

        def forward(self, x):
            return torch.cat([self.branch1(x), self.branch2(x)], 1)

    def block(inputs, f_1x1, f_3x3):
        return Both(conv(inputs, f_1x1, 1, 1, 0), conv(inputs, f_3x3, 3, 1, 1))

    def down(inputs, f_3x3):
        return Both(conv(inputs, f_3x3, 3, 2, 0), nn.MaxPool2d(3, stride=2))

    return nn.Sequential(
        conv(3, 96, 3, 1, 0), block(96, 32, 32), block(64, 32, 48), down(80, 80),
        block(160, 112, 48), block(160, 96, 64), block(160, 80, 80), block(160, 48, 96),
        down(144, 96), block(240, 176, 160), block(336, 176, 160),
        nn.AdaptiveAvgPool2d((7, 7)), nn.Flatten(), nn.Linear(16464, 10),
    )  # fmt: skip


def test_inception_7x7_is_the_network_that_the_posters_source_trains():
    torch.manual_seed(0)
    theirs = cited_inception()
    torch.manual_seed(0)
    ours = build_model("inception-7x7")
    assert sum(each.numel() for each in theirs.parameters()) == 1_814_106
    x = torch.randn(4, 3, 28, 28)
    assert torch.allclose(ours(x), theirs(x), atol=1e-5)  # the same first weights, too
    assert ours[:11](x).shape == (4, 336, 5, 5) and ours[:12](x).shape == (4, 336, 7, 7)


def test_an_inception_block_has_its_narrow_channels_first():
    block = InceptionBlock(partial(conv_unit, batch_norm=False), 96, 32, 48)
    x = torch.randn(2, 96, 28, 28)
    assert torch.equal(block(x)[:, :32], block.narrow(x))


def test_response_norm_is_torchs_with_size_9():
    x = torch.randn(4, 64, 7, 7, dtype=torch.float64) * 10
    ours, theirs = ResponseNorm().double(), nn.LocalResponseNorm(9, alpha=0.001, beta=0.75, k=1)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    weight = torch.randn_like(x)
    (ours(a) * weight).sum().backward()
    (theirs(b) * weight).sum().backward()
    # Inside, ours goes through float32 so that bfloat16 training keeps small sums.
    assert torch.allclose(ours(x), theirs(x), rtol=1e-5)
    assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-6)


def test_shift_norm_is_batch_norm_whose_scale_stays_one():
    x = torch.randn(8, 5, 4, 4)
    ours, theirs = ShiftNorm(5), nn.BatchNorm2d(5)
    assert [name for name, _ in ours.named_parameters()] == ["bias"]
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)
    assert "weight" not in ours.state_dict()


def test_linear_is_torchs_with_transposed_weights():
    ours, theirs = Linear(7, 3), nn.Linear(7, 3)
    theirs.weight.data, theirs.bias.data = ours.weight.data.T, ours.bias.data
    x = torch.randn(5, 7)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


def test_unknown_network_is_refused():
    with pytest.raises(ValueError, match="no network"):
        build_model("vgg")
