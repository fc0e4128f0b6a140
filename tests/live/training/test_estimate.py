import pytest

from core.choices import NETWORKS
from core.config import RunConfig
from core.live.training.estimate import estimate, reference
from tests.samples import live_run

HALF = RunConfig(level=0.5, epochs=40)


def test_estimates_prefer_what_was_measured_here():
    measured = estimate(HALF, {("mlp-1x512", 64): 20_000.0})
    assert measured.seconds == 5_000 * 40 / 20_000 and "this machine" in measured.basis
    beside = [
        live_run(RunConfig(seed=seed, epochs=40), owner=owner)
        for seed, owner in ((1, "ben"), (2, "eve"))
    ]
    shared = estimate(HALF, {("mlp-1x512", 64): 20_000.0}, beside)
    assert shared.seconds == 3 * measured.seconds
    fresh = estimate(HALF, {})
    assert "this machine has trained none yet" in fresh.basis
    row = next(r for r in reference()["rows"] if (r["model"], r["batch_size"]) == ("mlp-1x512", 64))
    twice = {("mlp-1x512", 64): 2 * row["epoch_images_per_second"]}
    alexnet = RunConfig(model="alexnet")
    assert estimate(alexnet, twice).seconds == estimate(alexnet, {}).seconds / 2


@pytest.mark.parametrize("model", NETWORKS)
def test_a_batch_size_that_nobody_measured_lies_where_its_steps_say(model):
    """Batch 1 once took the time of batch 32."""
    measured = {
        row["batch_size"]: row["epoch_images_per_second"]
        for row in reference()["rows"]
        if row["model"] == model
    }
    seconds = [
        estimate(RunConfig(model=model, batch_size=size, epochs=1), {}).seconds
        for size in (1, 2, 8, 32, 48, 64, 128, 1024)
    ]
    assert seconds[:4] == sorted(seconds[:4], reverse=True)  # smaller batches than were measured
    if sorted(measured.values()) == [measured[size] for size in sorted(measured)]:
        assert seconds == sorted(seconds, reverse=True)
    for size in measured:
        exact = estimate(RunConfig(model=model, batch_size=size, epochs=1), {}).seconds
        assert exact == pytest.approx(5_000 / measured[size])
    if model.startswith("mlp"):  # of which a step takes as long as many images
        assert seconds[0] > 10 * seconds[3]


@pytest.mark.parametrize(("width", "times"), [(1, 0.15), (512, 1), (1024, 2), (4096, 8)])
def test_more_hidden_units_take_longer(width, times):
    speeds = {("mlp-1x512", 64): 20_000.0}
    usual = estimate(RunConfig(), speeds).seconds
    assert estimate(RunConfig(width=width), speeds).seconds == pytest.approx(times * usual)
