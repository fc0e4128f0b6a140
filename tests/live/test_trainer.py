"""The trainer's decisions, in this process."""

import dataclasses
import time

import pytest
import torch

from core.cleaning.ranking import rank, sources
from core.config import RunConfig
from core.data.corruption import given_labels
from core.errors import StoreError
from core.live import trainer as trainer_module
from core.live.image_scores import find_scores
from core.live.store import MAX_ATTEMPTS, Store
from core.live.trainer import WORK_SECONDS, Trainer
from core.training.memory_plan import needed
from core.training.training import Training, train, train_to_end
from tests.samples import as_on_a_gpu, reproducible

CONFIG = RunConfig(level=0.5, epochs=3, batch_size=256)


@pytest.fixture
def store(data_folder):
    return Store(data_folder / "runs.sqlite")


@pytest.fixture
def trainer(store, tiny, data_folder, monkeypatch):
    """A turn is an epoch of one run; step_by_step makes it shorter, two_cores make it one of two."""
    monkeypatch.setattr(trainer_module, "WORK_SECONDS", 60.0)
    monkeypatch.setattr(trainer_module, "load", lambda name: tiny)
    trainer = Trainer(store, "cpu", data_folder / "checkpoints")
    trainer.runs.cores = 1
    return trainer


@pytest.fixture
def two_cores(trainer):
    trainer.runs.cores = 2


def test_a_queued_run_is_trained_to_its_end(store, trainer, tiny):
    run = store.submit(CONFIG, "ann")
    assert [trainer.turn() for _ in range(4)] == [True, True, True, False]
    assert store.run(run.run_id).status == "finished"
    assert reproducible(store.records(run.run_id)) == reproducible(train(CONFIG, tiny, "cpu"))
    assert [path.name for path in trainer.folder.iterdir()] == [f"{run.run_id}.npz"]
    assert find_scores(trainer.folder, run.run_id).epochs == 3 and trainer.runs.loaded == []
    assert store.speeds()[("mlp-1x512", 256)] > 0


REPAIRED = dataclasses.replace(CONFIG, repair="drop", repaired=0.25)


def test_a_repaired_run_is_trained_by_the_scores_of_the_runs_before_it(store, trainer, tiny):
    (source,) = sources(REPAIRED, "loss")
    store.submit(source, "ann")
    while trainer.turn():
        pass
    store.submit(REPAIRED, "ann")
    while trainer.turn():
        pass
    labels = given_labels(REPAIRED, tiny.train_labels).labels
    scores = find_scores(trainer.folder, source.run_id)
    ranking = rank("loss", [scores], labels)
    assert store.run(REPAIRED.run_id).status == "finished"
    expected, _ = train_to_end(REPAIRED, tiny, "cpu", ranking)
    assert reproducible(store.records(REPAIRED.run_id)) == reproducible(expected)


def test_a_repaired_run_without_them_ends_in_a_sentence(store, trainer):
    run = store.submit(REPAIRED, "ann")
    while trainer.turn():
        pass
    ended = store.run(run.run_id)
    assert ended.status == "failed" and "train the runs that find the wrong labels" in ended.message


def test_damaged_scores_are_as_good_as_none(store, trainer):
    trainer.folder.joinpath("abc.npz").write_bytes(b"PK")
    assert find_scores(trainer.folder, "abc") is None


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
    while trainer.turn():
        pass
    for run in runs:
        assert store.run(run.run_id).status == "finished"
        alone = reproducible(train(run.config, tiny, "cpu"))
        assert reproducible(store.records(run.run_id)) == alone


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
    while trainer.turn():
        pass
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
    while trainer.turn():
        pass
    assert store.run(runs[1].run_id).status == "paused" and store.run(runs[1].run_id).epochs_done < 3
    assert {store.run(runs[other].run_id).status for other in (0, 2, 3)} == {"finished"}
    store.resume(runs[1].run_id, by="visitor 1")
    while trainer.turn():
        pass
    for run in runs:
        assert reproducible(store.records(run.run_id)) == reproducible(train(run.config, tiny, "cpu"))


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
    while trainer.turn():
        pass
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
    while trainer.turn():
        pass
    assert store.run(heavy.run_id).status == "cancelled" and trainer.runs.loaded == []
    assert store.run(heavy.run_id).epochs_done == 1  # what was in flight is reported


def test_a_teachers_pause_holds_for_all_and_loses_nothing(store, trainer):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    store.database.set_paused(True)
    assert not trainer.turn() and store.run(run_id).status == "running"
    store.database.set_paused(False)
    while trainer.turn():
        pass
    assert store.run(run_id).epochs_done == 3


def test_pause_one_epoch_and_going_on_change_no_number(store, trainer, tiny):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    store.pause(run_id, by="ann")
    assert not trainer.turn() and trainer.runs.in_flight == set()
    store.one_epoch(run_id, by="ann")
    assert trainer.turn() and not trainer.turn()
    assert store.run(run_id).status == "paused" and store.run(run_id).epochs_done == 2
    store.resume(run_id, by="ann")
    while trainer.turn():
        pass
    assert store.run(run_id).status == "finished"
    assert reproducible(store.records(run_id)) == reproducible(train(CONFIG, tiny, "cpu"))


@pytest.mark.parametrize(
    ("clicks", "epochs_done", "status"),
    [
        (("pause",), 2, "paused"),
        (("pause", "resume"), 3, "finished"),
        (("pause", "one_epoch"), 2, "paused"),
        (("cancel",), 2, "cancelled"),
        (("cancel", "submit"), 3, "finished"),
    ],
)
def test_clicks_while_an_epoch_is_trained(store, trainer, monkeypatch, clicks, epochs_done, status):
    """All of them within the second epoch."""
    run_id, trained = store.submit(CONFIG, "ann").run_id, []
    launch = Training.launch

    def clicked_launch(training):
        trained.append(len(training.records) + 1)
        if trained[-1] == 2:
            for click in clicks:
                if click == "submit":
                    store.submit(CONFIG, "ann")
                else:
                    getattr(store, click)(run_id, by="ann")
        launch(training)

    monkeypatch.setattr(Training, "launch", clicked_launch)
    for _ in range(8):
        trainer.turn()
    assert (store.run(run_id).epochs_done, store.run(run_id).status) == (epochs_done, status)
    assert trained == list(range(1, epochs_done + 1))  # nothing was trained twice


def test_a_run_cancelled_in_its_last_epoch_can_be_taken_up_again(store, trainer, monkeypatch):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    trainer.turn()
    add_epoch = store.add_epoch
    monkeypatch.setattr(
        store, "add_epoch", lambda *epoch: (add_epoch(*epoch), store.cancel(run_id, by="ann"))
    )
    trainer.turn()
    assert store.run(run_id).status == "cancelled"
    monkeypatch.setattr(store, "add_epoch", add_epoch)
    store.submit(CONFIG, "ann")
    trainer.turn()
    assert store.run(run_id).status == "finished" and store.run(run_id).epochs_done == 3


def test_one_epoch_from_another_trainer_is_a_new_epoch(store, trainer):
    """A trainer that resumes trains and reports the first one again; that is not the one requested."""
    trainer.runs.save_after = 60.0
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    store.pause(run_id, by="ann")
    other = Trainer(store, "cpu", trainer.folder)
    store.one_epoch(run_id, by="ann")
    while other.turn():
        pass
    assert store.run(run_id).epochs_done == 2 and store.run(run_id).status == "paused"


def test_cancelled_runs_leave_memory_and_can_be_taken_up_again(store, trainer, tiny):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    store.cancel(run_id, by="ann")
    trainer.turn()
    assert trainer.runs.loaded == [] and store.run(run_id).status == "cancelled"
    store.submit(CONFIG, "ann")
    while trainer.turn():
        pass
    assert reproducible(store.records(run_id)) == reproducible(train(CONFIG, tiny, "cpu"))


@pytest.mark.slow
def test_divergence_ends_one_run_and_not_the_others(store, trainer):
    bad = RunConfig(model="inception-no-bn", learning_rate=10, epochs=3, batch_size=256)
    store.submit(bad, "ann")
    store.submit(CONFIG, "ann")
    while trainer.turn():
        pass
    run = store.run(bad.run_id)
    assert run.status == "failed" and "diverged" in run.message and "learning rate" in run.message
    assert store.run(CONFIG.run_id).status == "finished"


def test_an_unforeseen_error_ends_one_run_and_its_traceback_is_in_the_log(
    store, trainer, monkeypatch, caplog
):
    def broken(training):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Training, "launch", broken)
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    assert store.run(run_id).status == "failed"
    assert "message is in the terminal" in store.run(run_id).message
    assert "out of memory" not in store.run(run_id).message
    assert "RuntimeError: out of memory" in caplog.text  # with its traceback


def test_a_damaged_checkpoint_starts_the_run_again(store, trainer, tiny):
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()
    (trainer.folder / f"{run_id}.safetensors").write_bytes(b"broken")
    other = Trainer(store, "cpu", trainer.folder)
    while other.turn():
        pass
    assert store.run(run_id).status == "finished"
    assert reproducible(store.records(run_id)) == reproducible(train(CONFIG, tiny, "cpu"))


def test_a_run_that_kills_the_trainer_is_given_up(store, trainer):
    run_id = store.submit(CONFIG, "ann").run_id
    for _ in range(MAX_ATTEMPTS):  # as many trainers died in its first epoch
        store.report_start(run_id, "cpu")
    trainer.turn()
    run = store.run(run_id)
    assert run.status == "failed" and "never finished an epoch" in run.message


@pytest.mark.parametrize("save_seconds", [0.0, 60.0])
def test_a_full_disk_stops_the_trainer_and_no_epoch_is_lost(
    store, trainer, tiny, monkeypatch, save_seconds
):
    """The trainer ends; the next one goes on where it was, once there is room.

    Its checkpoint is an epoch ahead of what is in the store, or has none at all.
    """
    trainer.runs.save_after = save_seconds
    run_id = store.submit(CONFIG, "ann").run_id
    trainer.turn()

    def no_room(*_):
        raise StoreError("database or disk is full")

    with monkeypatch.context() as patch, pytest.raises(StoreError):
        patch.setattr(store, "add_epoch", no_room)
        trainer.turn()
    assert store.run(run_id).status == "running" and store.run(run_id).epochs_done == 1
    other = Trainer(store, "cpu", trainer.folder)
    while other.turn():
        pass
    assert store.run(run_id).status == "finished"
    assert reproducible(store.records(run_id)) == reproducible(train(CONFIG, tiny, "cpu"))


# Within an epoch: a turn is one step, or one batch that is evaluated.


@pytest.fixture
def step_by_step(monkeypatch):
    monkeypatch.setattr(trainer_module, "WORK_SECONDS", 0.0)


HEAVY = RunConfig(level=0.5, epochs=2, batch_size=10)  # 20 steps an epoch


def finish(trainer) -> None:
    while trainer.turn():
        pass


def steps_taken(monkeypatch) -> list[str]:
    """The run of each step, as they come."""
    taken, step = [], Training.step
    monkeypatch.setattr(
        Training,
        "step",
        lambda training, size: taken.append(training.config.run_id) or step(training, size),
    )
    return taken


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


@pytest.fixture
def quick(monkeypatch):
    """Epochs too quick for a checkpoint."""
    monkeypatch.setattr(trainer_module, "SAVE_SECONDS", 60.0)


@pytest.mark.usefixtures("quick")
def test_epochs_that_the_checkpoint_lacks_are_trained_again_and_saved_one_by_one(
    store, trainer, tiny, data_folder
):
    """So that the run gets on, however often the trainer is killed; and no page sees it go back."""
    run = store.submit(dataclasses.replace(CONFIG, epochs=6), "ann")
    trainer = Trainer(store, "cpu", data_folder / "checkpoints")
    for _ in range(4):
        trainer.turn()
    assert not list(trainer.folder.glob("*.safetensors"))
    for lacked in (4, 3, 2, 1):  # more often than a run is started that gets nowhere
        next_trainer = Trainer(store, "cpu", data_folder / "checkpoints")  # the last one was killed
        next_trainer.turn()
        assert len(next_trainer.runs.records(run.run_id)) == 5 - lacked
        now = store.run(run.run_id)
        assert now.status == "running" and now.epochs_done == 4 and now.images_done == 0
        assert len(store.records(run.run_id)) == 4
        assert find_scores(trainer.folder, run.run_id).epochs == 4
    finish(next_trainer)
    assert store.run(run.run_id).status == "finished"
    assert reproducible(store.records(run.run_id)) == reproducible(train(run.config, tiny, "cpu"))


@pytest.mark.usefixtures("quick")
def test_a_trainer_that_ends_by_itself_saves_what_is_in_memory(store, trainer, data_folder):
    run = store.submit(CONFIG, "ann")
    trainer = Trainer(store, "cpu", data_folder / "checkpoints")
    trainer.turn()
    trainer.close()
    next_trainer = Trainer(store, "cpu", data_folder / "checkpoints")
    next_trainer.turn()
    assert store.run(run.run_id).epochs_done == 2
