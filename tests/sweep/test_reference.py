import pytest

from core.config import RunConfig
from core.sweep.reference import (
    earlier_attempts,
    earlier_points,
    paper,
    paper_test_error,
    poster,
    poster_points,
)
from core.view.sweep.captions import describe_others


def test_the_papers_values_are_found_by_level():
    assert paper_test_error(paper(), RunConfig(level=0.3)) == 0.7186
    assert paper_test_error(paper(), RunConfig(level=0.1 + 0.2)) == 0.7186  # 0.30000000000000004
    assert paper_test_error(paper(), RunConfig(level=0.35)) is None
    assert paper_test_error(paper(), RunConfig(model="mlp-3x512", level=0.3)) is None
    assert paper_test_error(paper(), RunConfig(corruption="gaussian")) is None
    assert paper_test_error(paper(), RunConfig(level=0.3, mixup=1.0)) is None
    assert paper_test_error(paper(), RunConfig(level=0.3, noise="pair")) is None


def test_the_posters_and_earlier_attempts_values_are_theirs():
    assert poster_points(poster(), "mlp-1x512")[["level", "error"]].values.tolist() == [
        [0.0, 0.45],
        [1.0, 0.9],
    ]
    assert poster_points(poster(), "inception").error.tolist() == [0.25]
    assert len(poster_points(poster(), "alexnet")) == 0
    earlier = earlier_points(earlier_attempts(), "mlp-1x512")
    assert earlier.level.tolist() == [0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    assert earlier.error.iloc[1] == 0.5723 and earlier.error.iloc[-1] == pytest.approx(0.9043)
    assert len(earlier_points(earlier_attempts(), "mlp-3x512")) == 0
    said = describe_others(True, True, earlier_attempts())
    assert "the test labels were corrupted too" in said and "poster of 2023" in said
    assert describe_others(False, False, earlier_attempts()) == ""
