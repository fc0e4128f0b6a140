import json

import pytest
import torch

from core.cli import bench
from core.config import MODELS


@pytest.mark.parametrize(
    ("model", "multiply_adds"),
    [("mlp-1x512", 2352 * 512 + 512 * 10), ("mlp-3x512", 2352 * 512 + 2 * 512 * 512 + 512 * 10)],
)
def test_operations_are_the_count_by_hand(model, multiply_adds):
    needed, forward = bench.flops_per_image(model)
    assert forward == 2 * multiply_adds
    assert needed == 3 * forward - 2 * 2352 * 512  # no gradient of the images


def test_inception_costs_what_is_known():
    needed, forward = bench.flops_per_image("inception")
    assert forward == pytest.approx(2 * 0.204e9, rel=0.01)
    assert needed == pytest.approx(1.22e9, rel=0.01)


def test_a_row_has_every_figure(capsys, tmp_path):
    bench.print_bench(["mlp-1x512"], [128], seconds=0.2, out=tmp_path / "bench.json")
    printed = capsys.readouterr().out
    assert "GFLOP/s" in printed and "mlp-1x512" in printed
    (row,) = json.loads((tmp_path / "bench.json").read_text())["rows"]
    assert row["images_per_second"] > row["epoch_images_per_second"] > 0
    assert row["plain_images_per_second"] > 0 and row["share_of_peak"] > 0


def test_a_gang_is_measured_beside_one_run_and_the_plain_loop(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "CONCURRENT", (1, 3))
    bench.print_concurrent(["mlp-1x512"], [128], seconds=0.2, out=tmp_path / "gang.json")
    assert "3 side by side" in capsys.readouterr().out
    rows = json.loads((tmp_path / "gang.json").read_text())["rows"]
    assert [row["runs"] for row in rows] == [1, 1, 1, 3]
    plain, _, one, three = (row["images_per_second"] for row in rows)
    assert plain < one and three > plain  # on a CPU they take turns
    assert rows[3]["bytes_planned"] == 3 * rows[2]["bytes_planned"]


def test_the_peak_is_that_of_products_that_were_done():
    assert 1e9 < bench.matrix_peak(torch.device("cpu")) < 1e15


def test_unknown_networks_are_refused():
    with pytest.raises(ValueError, match="one of"):
        bench.print_bench(["vgg"])


def test_the_reference_figures_cover_every_network():
    from core.live.estimate import reference

    assert {row["model"] for row in reference()["rows"]} == set(MODELS)
    assert reference()["device"] and reference()["date"]
