from core.config import RunConfig
from core.live.estimate import estimate, reference
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
