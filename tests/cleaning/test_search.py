import numpy as np
import pytest

from core.cleaning.search import images_to_mark, repair_shares
from core.config import MAX_REPAIRED, RunConfig, format_matrix
from core.data.corruption import given_labels

IDENTITY = format_matrix(tuple(map(tuple, np.eye(10).tolist())))
TRUE = np.random.default_rng(2).integers(10, size=2000)
SHAPES = [
    {"noise": "uniform"},
    {"noise": "pair"},
    {"noise": "cifar10n-aggregate-matrix"},
    {"noise": "own", "noise_matrix": IDENTITY},
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["noise"])
@pytest.mark.parametrize("level", [0.05, 0.4, 1.0])
def test_as_many_of_the_forty_are_wrong_as_of_all(shape, level):
    config = RunConfig(level=level, seed=4, **shape)
    corrupted = given_labels(config, TRUE)
    marked = images_to_mark(config, corrupted, 40)
    assert len(set(marked.tolist())) == 40
    assert abs(corrupted.is_wrong[marked].mean() - corrupted.is_wrong.mean()) < 0.05
    assert (marked == images_to_mark(config, corrupted, 40)).all()


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["noise"])
@pytest.mark.parametrize("level", [0.05, 0.4, 1.0])
def test_every_share_that_is_offered_is_a_run_and_the_first_is_near_what_is_wrong(shape, level):
    config = RunConfig(level=level, **shape)
    offered, first = repair_shares(config)
    assert first in offered and offered == sorted(set(offered))
    for share in offered:
        assert RunConfig(level=level, **shape, repair="drop", repaired=share).repaired == share
    wrong = given_labels(config, TRUE).is_wrong.mean()
    assert abs(first - min(wrong, MAX_REPAIRED)) < 0.06


def test_at_forty_per_cent_exactly_as_many_as_are_wrong_can_be_mended():
    """The share of the stored runs."""
    offered, first = repair_shares(RunConfig(level=0.4))
    assert first == 0.36 and {0.18, 0.36, 0.45} <= set(offered)
