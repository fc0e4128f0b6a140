"""Whose turn it is: several runs, between epochs and within them."""

import dataclasses
import time

import pytest
import torch

from core.config import RunConfig
from core.live.training import trainer as trainer_module
from core.live.training.trainer import WORK_SECONDS
from core.training.memory_plan import needed
from core.training.training import Training, train
from tests.samples import as_on_a_gpu, finish, reproducible

CONFIG = RunConfig(level=0.5, epochs=3, batch_size=256)


@pytest.fixture
def two_cores(trainer):
    trainer.runs.cores = 2


def seeded(seed: int, **settings) -> RunConfig:
    return dataclasses.replace(CONFIG, seed=seed, **settings)


def test_runs_of_one_visitor_take_turns(store, trainer):
    runs = [store.submit(seeded(seed), "ann") for seed in range(3)]
    for _ in range(3):
        trainer.turn()
    assert [store.run(run.run_id).epochs_done for run in runs] == [1, 1, 1]
    assert {run.status for run in store.active_runs()} == {"running"}


@pytest.mark.usefixtures("two_cores")
def test_small_networks_are_trained_side_by_side_and_as_they_would_be_alone(store, trainer, tiny):
    runs = [store.submit(seeded(seed), owner) for seed, owner in enumerate("abc")]
    trainer.turn()  # whose epoch ends first makes room for the third
    assert [store.run(run.run_id).epochs_done for run in runs] == [1, 1, 1]
    assert len(store.database.state().in_training) == 2
    finish(trainer)
    for run in runs:
        assert store.run(run.run_id).status == "finished"
        alone = reproducible(train(run.config, tiny, "cpu"))
        assert reproducible(store.records(run.run_id)) == alone


@pytest.mark.slow
@pytest.mark.usefixtures("two_cores")
def test_side_by_side_nobody_has_more_than_a_fair_share(store, trainer):
    """One visitor with three runs, two with one each."""
    mine = [store.submit(seeded(seed, epochs=50), "ann") for seed in range(3)]
    others = [store.submit(seeded(seed + 3, epochs=50), owner) for seed, owner in enumerate("bc")]
    for _ in range(20):  # each as long as an epoch of everybody
        trainer.turn()
    epochs = [store.run(run.run_id).epochs_done for run in (*mine, *others)]
    assert sum(epochs[:3]) == epochs[3] == epochs[4] == 20


@pytest.mark.usefixtures("two_cores")
def test_a_network_that_needs_all_cores_is_trained_alone(store, trainer):
    heavy = store.submit(seeded(0, model="alexnet"), "ann")
    light = [store.submit(seeded(seed), "ben") for seed in (1, 2)]
    trainer.turn()
    assert store.database.state().in_training == (heavy.run_id,)
    trainer.turn()
    assert set(store.database.state().in_training) == {run.run_id for run in light}


@pytest.mark.usefixtures("two_cores")
def test_of_two_side_by_side_one_that_fails_does_not_stop_the_other(store, trainer):
    broken = store.submit(seeded(0, learning_rate=10.0, epochs=1), "ann")
    sound = store.submit(seeded(1), "ben")
    trainer.runs.work_side_by_side = failing(trainer.runs, broken.run_id)
    finish(trainer)
    assert store.run(broken.run_id).status == "failed"
    assert store.run(sound.run_id).status == "finished"


def failing(runs, run_id: str):
    """The same work, but that of one run is broken."""
    work = runs.work_side_by_side

    def do(run_ids, seconds):
        if run_id in run_ids:
            runs._trainings[run_id].work = raise_an_error
        return work(run_ids, seconds)

    return do


def raise_an_error(_seconds):
    raise RuntimeError("broken")


@pytest.mark.slow
def test_only_so_many_are_in_memory_and_the_others_resume_from_the_disk(store, trainer, tiny):
    trainer.runs.memory = needed([seeded(0), seeded(1)], trainer.runs.device)
    for seed in range(4):
        store.submit(seeded(seed), f"visitor {seed}")
    while trainer.turn():
        assert len(trainer.runs.loaded) <= 2
    for seed in range(4):
        assert reproducible(store.records(seeded(seed).run_id)) == reproducible(
            train(seeded(seed), tiny, "cpu")
        )


@pytest.mark.slow
def test_what_is_queued_together_trains_together_where_there_is_room(store, trainer, tiny, monkeypatch):
    """As on a GPU: three at once, the fourth when its visitor's turn comes."""
    monkeypatch.setattr(trainer_module, "POLL_SECONDS", 0)
    as_on_a_gpu(trainer.runs, 3, monkeypatch)
    runs = [store.submit(seeded(seed), f"visitor {seed}") for seed in range(4)]
    trainer.turn()
    assert set(store.database.state().in_training) == {run.run_id for run in runs[:3]}
    assert trainer.runs.in_flight == {run.run_id for run in runs[1:3]}
    trainer.turn()
    assert runs[3].run_id in trainer.runs.in_flight | set(trainer.runs.loaded)
    store.pause(runs[1].run_id, by="visitor 1")
    finish(trainer)
    assert store.run(runs[1].run_id).status == "paused" and store.run(runs[1].run_id).epochs_done < 3
    assert {store.run(runs[other].run_id).status for other in (0, 2, 3)} == {"finished"}
    store.resume(runs[1].run_id, by="visitor 1")
    finish(trainer)
    for run in runs:
        assert reproducible(store.records(run.run_id)) == reproducible(train(run.config, tiny, "cpu"))


def test_on_a_gpu_one_visitors_runs_take_turns_where_there_is_no_room_for_all(
    store, trainer, monkeypatch
):
    """Two had all the turns until they ended, and two waited."""
    monkeypatch.setattr(trainer_module, "POLL_SECONDS", 0)
    as_on_a_gpu(trainer.runs, 2, monkeypatch)
    runs = [store.submit(seeded(seed, epochs=20), "ann") for seed in range(4)]
    while sum(store.run(run.run_id).epochs_done for run in runs) < 16:
        trainer.turn()
    epochs = [store.run(run.run_id).epochs_done for run in runs]
    assert min(epochs) >= 3, epochs


@pytest.mark.slow
def test_out_of_memory_beside_others_is_no_failed_attempt(store, trainer, tiny, monkeypatch):
    monkeypatch.setattr(trainer_module, "POLL_SECONDS", 0)
    as_on_a_gpu(trainer.runs, 3, monkeypatch)
    launch = Training.launch

    def limited(training):
        if trainer.runs.in_flight:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        launch(training)

    monkeypatch.setattr(Training, "launch", limited)
    runs = [store.submit(seeded(seed), f"visitor {seed}") for seed in range(5)]
    finish(trainer)
    for run in runs:
        assert reproducible(store.records(run.run_id)) == reproducible(train(run.config, tiny, "cpu"))
        assert store.run(run.run_id).status == "finished"


def test_a_run_that_ends_while_others_are_under_way_lets_the_next_in(store, trainer, monkeypatch):
    """A GPU finishes light epochs before heavy ones: nobody waits for the slowest."""
    monkeypatch.setattr(trainer_module, "POLL_SECONDS", 0)
    as_on_a_gpu(trainer.runs, 2, monkeypatch)
    heavy, light, next_one = (
        store.submit(seeded(seed, epochs=2), f"visitor {seed}") for seed in (0, 1, 2)
    )
    held = [heavy.config]
    is_ready = Training.is_ready.fget
    monkeypatch.setattr(
        Training,
        "is_ready",
        property(lambda training: training.config not in held and is_ready(training)),
    )
    for _ in range(4):
        trainer.turn()
    assert [store.run(run.run_id).epochs_done for run in (heavy, light, next_one)] == [0, 2, 2]
    store.cancel(heavy.run_id, by="visitor 0")
    held.clear()
    finish(trainer)
    assert store.run(heavy.run_id).status == "cancelled" and trainer.runs.loaded == []
    assert store.run(heavy.run_id).epochs_done == 1  # what was in flight is reported


# Within an epoch: a turn is one step, or one batch that is evaluated.


@pytest.fixture
def step_by_step(trainer, monkeypatch):
    """Each counts as a minute of the device, however long this machine was about something else."""
    monkeypatch.setattr(trainer_module, "WORK_SECONDS", 0.0)
    work = trainer.runs.work_side_by_side
    monkeypatch.setattr(
        trainer.runs,
        "work_side_by_side",
        lambda run_ids, seconds: dict.fromkeys(work(run_ids, seconds), 60.0),
    )


HEAVY = RunConfig(level=0.5, epochs=2, batch_size=10)  # 20 steps an epoch


def steps_taken(monkeypatch) -> list[str]:
    """The run of each step, as they come."""
    taken, step = [], Training.step
    monkeypatch.setattr(
        Training,
        "step",
        lambda training, size: taken.append(training.config.run_id) or step(training, size),
    )
    return taken


@pytest.mark.slow
def test_a_light_run_need_not_wait_for_a_heavy_ones_epoch(store, trainer, tiny, step_by_step):
    heavy, light = store.submit(HEAVY, "ann"), store.submit(CONFIG, "ben")
    while store.run(light.run_id).status != "finished":
        trainer.turn()
    assert store.run(heavy.run_id).epochs_done == 0
    finish(trainer)
    for run in (heavy, light):
        assert reproducible(store.records(run.run_id)) == reproducible(train(run.config, tiny, "cpu"))


@pytest.mark.parametrize("click", ["pause", "cancel"])
def test_pause_and_cancel_act_within_an_epoch(store, trainer, tiny, step_by_step, monkeypatch, click):
    taken, run_id = steps_taken(monkeypatch), store.submit(HEAVY, "ann").run_id
    for _ in range(5):
        trainer.turn()
    getattr(store, click)(run_id, by="ann")
    assert not trainer.turn() and len(taken) == 5
    assert store.database.state().in_training == ()
    if click == "pause":
        store.resume(run_id, by="ann")
    else:
        assert trainer.runs.loaded == []
        store.submit(HEAVY, "ann")
    finish(trainer)
    again = {"pause": 0, "cancel": 5}[click]  # a paused run goes on in the middle of its epoch
    assert len(taken) == 40 + again
    assert reproducible(store.records(run_id)) == reproducible(train(HEAVY, tiny, "cpu"))


def test_the_teachers_pause_acts_within_an_epoch(store, trainer, step_by_step, monkeypatch):
    taken, run_id = steps_taken(monkeypatch), store.submit(HEAVY, "ann").run_id
    for _ in range(5):
        trainer.turn()
    store.database.set_paused(True)
    assert not trainer.turn() and store.database.state().in_training == ()
    store.database.set_paused(False)
    finish(trainer)
    assert len(taken) == 40 and store.run(run_id).status == "finished"


def test_one_visitors_runs_finish_their_epochs_one_after_the_other(
    store, trainer, step_by_step, monkeypatch
):
    taken = steps_taken(monkeypatch)
    first, second = (store.submit(seeded(seed, batch_size=50), "ann").run_id for seed in (0, 1))
    while len(taken) < 12:
        trainer.turn()
    assert taken == [first] * 4 + [second] * 4 + [first] * 4


def test_the_store_hears_of_progress_within_an_epoch(store, trainer, step_by_step, monkeypatch):
    losses, step = [], Training.step
    monkeypatch.setattr(
        Training,
        "step",
        lambda training, size: step(training, size) or losses.append(training.loss.item()),
    )
    run_id, seen = store.submit(seeded(0, epochs=1, batch_size=40), "ann").run_id, []
    while trainer.turn():
        run = store.run(run_id)
        seen.append((run.images_done, run.running_loss))
    images = [images for images, _ in seen]
    assert sorted(set(images)) == [0, 40, 80, 120, 160, 200] and images[-1] == 0
    for done, loss in seen[:5]:
        assert loss == pytest.approx(sum(losses[: done // 40]) / (done // 40))


@pytest.mark.slow
def test_epochs_that_fill_the_memory_are_finished_before_others_begin(
    store, trainer, tiny, step_by_step, monkeypatch
):
    trainer.runs.memory = needed([seeded(0), seeded(1)], trainer.runs.device)
    taken = steps_taken(monkeypatch)
    runs = [store.submit(seeded(seed, batch_size=20), f"visitor {seed}") for seed in range(4)]
    while trainer.turn():
        assert len(trainer.runs.in_flight) <= 2 and len(trainer.runs.loaded) <= 2
    assert len(taken) == 4 * 3 * 10  # no step was taken twice
    for run in runs:
        assert reproducible(store.records(run.run_id)) == reproducible(train(run.config, tiny, "cpu"))


@pytest.mark.slow
def test_a_paused_epoch_is_given_up_where_another_run_needs_the_memory(
    store, trainer, tiny, step_by_step
):
    trainer.runs.memory = needed([HEAVY], trainer.runs.device)
    paused, other = store.submit(HEAVY, "ann"), store.submit(CONFIG, "ben")
    while not store.run(paused.run_id).images_done:
        trainer.turn()
    store.pause(paused.run_id, by="ann")
    finish(trainer)
    assert store.run(other.run_id).status == "finished" and trainer.runs.loaded == []
    store.resume(paused.run_id, by="ann")
    finish(trainer)
    assert reproducible(store.records(paused.run_id)) == reproducible(train(HEAVY, tiny, "cpu"))


@pytest.mark.slow
def test_within_a_long_epoch_the_trainer_looks_into_the_store(store, trainer, monkeypatch):
    """With the real times: between two looks into the store there is half a second at most."""
    monkeypatch.setattr(trainer_module, "WORK_SECONDS", WORK_SECONDS)
    looks, active_runs = [], store.active_runs
    monkeypatch.setattr(store, "active_runs", lambda: looks.append(time.monotonic()) or active_runs())
    slow = seeded(0, batch_size=4, epochs=1)
    step = Training.step
    monkeypatch.setattr(
        Training, "step", lambda training, size: time.sleep(0.04) or step(training, size)
    )
    store.submit(slow, "ann")
    finish(trainer)
    assert len(looks) >= 50 * 0.04 / WORK_SECONDS / 2
