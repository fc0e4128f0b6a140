"""Stop in time, find the wrong labels, defend: on stored runs, on live ones, and on none."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.cleaning import search
from core.cleaning.ranking import Ranking, sources
from core.cleaning.scores import no_scores
from core.config import RunConfig
from core.data.corruption import given_labels, held_out_images
from core.errors import ConfigError, RefusedError
from core.live.runs.image_scores import put_scores
from core.live.runs.store import Status
from core.sweep import results
from pages.find import photo_marker
from pages.shared.components import stop_game
from pages.shared.server import resources
from tests.pages.opened import finished, metrics, open_page, press, texts
from tests.samples import record

BASE = RunConfig(level=0.4)
MARKS = list(range(10))


@pytest.fixture
def nothing_stored(monkeypatch, tmp_path):
    """A sweep without a run."""
    for function in (results.load_runs, results.load_epochs, results.load_records, results.load_scores):
        *defaults, _ = function.__defaults__
        monkeypatch.setattr(function, "__defaults__", (*defaults, tmp_path))
    monkeypatch.setattr(results, "stamp", lambda: -1)
    resources.sweep_ids.clear()


def opened(marks: list[int] | None = None, **address) -> AppTest:
    if marks is not None:
        address["marks"] = " ".join(map(str, marks))
    return open_page("find", **address)


def scored(config: RunConfig, folder, embedded, sees_through: float = 0.8) -> None:
    """As if this run had been trained, by a network that knows the true class of so many images."""
    rng = np.random.default_rng(1)
    labels = given_labels(config, embedded.train_labels).labels
    said = np.where(rng.random(5000) < sees_through, embedded.train_labels, labels)
    logits = 4 * np.eye(10)[said] + rng.normal(size=(5000, 10))
    answers = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)
    held_out = held_out_images(5000, config.validation, config.fold, config.seed)
    scores = no_scores(5000, held_out, 10).add_epoch(np.arange(5000), answers, labels, 0.5)
    put_scores(folder / "checkpoints", config.run_id, scores)


def done(store, config: RunConfig, **last) -> None:
    """As if it had been trained to its end."""
    store.submit(config, "somebody")
    store.report_start(config.run_id, "2 CPU threads")
    store.add_epoch(config.run_id, record(1, **last))
    store.report_end(config.run_id)


@pytest.mark.parametrize("marks", ["", "1 2 3", "a b", "0 1 2 3 4 5 6 7 8 40", "0 " * 10])
def test_marks_that_no_page_of_ours_writes_into_the_address_count_as_none(marks):
    assert "Mark the 10" in texts(open_page("find", marks=marks))


@pytest.mark.slow
def test_marks_survive_a_reload_and_are_the_same_for_who_gets_the_link(monkeypatch):
    state = SimpleNamespace(photo_marker=SimpleNamespace(marks=[9, *range(9)]))
    monkeypatch.setattr(photo_marker.st, "session_state", state)
    assert photo_marker.sent_marks(40) == MARKS
    monkeypatch.undo()
    assert "The machine's turn" in [header.value for header in opened(MARKS).header]


@pytest.mark.parametrize("noise", ["pair", "cifar10n-worst-matrix", "own"])
@pytest.mark.parametrize("level", [0.05, 1.0])
def test_every_shape_of_noise_can_be_searched(store, data_folder, embedded, noise, level):
    """Also where every label is wrong, so that there is nothing to rank, and where none is."""
    identity = ";".join(" ".join("1" if i == j else "0" for j in range(10)) for i in range(10))
    matrix = {"noise_matrix": identity} if noise == "own" else {}
    config = RunConfig(level=level, noise=noise, epochs=2, **matrix)
    run_id = finished(store, level=level, noise=noise, **matrix)
    assert run_id == config.run_id
    for source in sources(config, "loss"):
        scored(source, data_folder, embedded)
        done(store, source)
    page = opened(MARKS, run=run_id, rank="Loss when it was time to stop")
    assert not page.exception and not page.error
    assert "photographs are left out" in texts(page)


def test_first_the_visitor_marks_ten_of_forty():
    page = opened()
    assert "Mark the 10 labels that you trust least" in texts(page)
    assert "The machine's turn" not in [header.value for header in page.header]


@pytest.mark.parametrize(
    "sent", [None, "abc", [1, 2], list(range(11)), [*range(9), 40], [*range(9), -1]]
)
def test_marks_that_no_page_of_ours_sends_are_refused(monkeypatch, sent):
    state = SimpleNamespace(photo_marker=SimpleNamespace(marks=sent))
    monkeypatch.setattr(photo_marker.st, "session_state", state)
    with pytest.raises(ConfigError, match="Mark 10 photographs first"):
        photo_marker.sent_marks(40)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("name", "runs", "held_out"),
    [
        ("Loss when it was time to stop", 1, 0.2),
        ("Confident learning", 4, 0.25),
        ("Area under the margin", 1, 0.0),
        ("Forgetting", 2, 0.5),
    ],
)
def test_what_is_not_computed_is_trained_on_demand(store, name, runs, held_out):
    page = opened(MARKS, rank=name)
    assert not page.exception and "have to be trained" in texts(page).replace("has to", "have to")
    press(page, "Search for them")
    assert len(store.active_runs()) == runs
    assert {run.config.validation for run in store.active_runs()} == {held_out}


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", ["confident", "margin", "loss", "forgetting"])
def test_the_machine_finds_and_the_mended_run_is_held_against_the_others(
    store, data_folder, embedded, name
):
    words = {
        "confident": "Confident learning",
        "margin": "Area under the margin",
        "loss": "Loss when it was time to stop",
        "forgetting": "Forgetting",
    }
    for source in sources(BASE, name):
        scored(source, data_folder, embedded)
        done(store, source)
    page = opened(MARKS, rank=words[name])
    assert not page.exception
    said = texts(page)
    assert "the machine's 10, chosen from the same 40 photographs, hit 10." in said
    assert "Estimated without the true labels" in said or name != "confident"
    assert "1,800 photographs are left out:" in said
    press(page, "Train again")
    waiting = {run.config.repair for run in store.active_runs()}
    assert waiting == {"none", "drop"} and len(store.active_runs()) == 3
    mended = replace(BASE, repair="drop", repaired=0.36, ranking=name)
    for config, error in ((BASE, 0.7), (mended, 0.65), (replace(BASE, level=0.0), 0.6)):
        done(store, config, test_error=error)
    page = opened(MARKS, rank=words[name])
    assert metrics(page)["After: test error"] == "65.0%"
    assert "fell by 5.0 points, from 70.0% to 65.0%. That is 50% of the way" in texts(page)


@pytest.mark.usefixtures("nothing_stored")
def test_a_run_that_failed_says_why(store):
    (source,) = sources(BASE, "loss")
    store.submit(source, "ann")
    store.report_failure(source.run_id, "The memory is full: try a smaller network.")
    page = opened(MARKS, rank="Loss when it was time to stop")
    assert "The memory is full" in texts(page) and press(page, "Search for them")
    assert store.run(source.run_id).status is Status.QUEUED


def test_the_labels_of_a_run_of_ones_own_are_searched(store):
    config = RunConfig(level=1.0, noise="cifar10n-worst-matrix", epochs=2, seed=3)
    run_id = finished(store, level=1.0, noise="cifar10n-worst-matrix", seed=3)
    page = opened(run=run_id)
    assert "40% have a wrong label (100% labels that people confuse, the worst of three)" in texts(page)
    assert config.run_id == run_id and not page.get("button_group")  # no other network


@pytest.mark.parametrize("settings", [{"level": 0.0}, {"data": "full"}])
def test_where_there_is_nothing_to_find_the_usual_run_is_searched(store, settings):
    page = opened(run=finished(store, **settings))
    assert "needs a run on the 5,000 photographs" in page.info[0].value and not page.exception


def test_links_from_the_lab_lead_to_finding(store):
    page = open_page("lab", run=finished(store))
    assert "Find the wrong labels" in [link.proto.label for link in page.get("page_link")]


def stop(page_state, monkeypatch, sent) -> None:
    state = SimpleNamespace(stop_game=SimpleNamespace(stop=sent))
    monkeypatch.setattr(stop_game.st, "session_state", state)


@pytest.mark.parametrize("sent", [None, "x", 0, 61, -3])
def test_stops_that_no_page_of_ours_sends_are_refused(monkeypatch, sent):
    stop(None, monkeypatch, sent)
    with pytest.raises(ConfigError, match="Press Start first"):
        stop_game.sent_epoch(60)


def test_the_first_stop_of_a_visitor_counts():
    classroom = resources.classroom()
    classroom.add_stop("", "ann", "abc", 7)
    with pytest.raises(RefusedError, match="the first time counts"):
        classroom.add_stop("", "ann", "abc", 9)
    classroom.add_stop("ROOM1", "ann", "abc", 9)
    classroom.add_stop("ROOM1", "bob", "abc", 5)
    assert classroom.stop_of("", "ann", "abc") == 7 and classroom.stop_of("", "bob", "abc") is None
    assert sorted(classroom.stops("ROOM1", "abc")) == [5, 9] and classroom.stops("", "xyz") == []


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", ["stop", "defend"])
@pytest.mark.parametrize("network", ["small network", "AlexNet", "made up"])
def test_without_stored_runs_the_pages_say_so(name, network):
    page = open_page(name, network=network)
    assert not page.exception and not page.error and "not computed yet" in texts(page)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["small network", "AlexNet"])
@pytest.mark.parametrize("read", ["At the end", "At its best epoch"])
def test_defences_are_shown_and_can_be_tried(store, network, read):
    page = open_page("defend", network=network, read=read)
    assert not page.exception and not page.error
    page.button(key="try-generalized").click()
    page.run()
    (run,) = store.active_runs()
    assert run.config.loss == "generalized" and run.config.level == 0.4


def test_the_game_is_of_a_stored_run_and_tells_nothing_before_it_is_stopped():
    page = open_page("stop")
    (game,) = page.get("bidi_component") or (None,)
    if game is None:
        pytest.skip("its run is not computed")
    assert '"test":[]' in game.proto.json.replace(" ", "") and '"best":0' in game.proto.json.replace(
        " ", ""
    )


@pytest.mark.usefixtures("nothing_stored")
def test_a_source_that_is_trained_but_tells_nothing_is_trained_again(store, data_folder):
    """Its scores were deleted: the page ran again and again, without an end."""
    (source,) = sources(BASE, "loss")
    done(store, source)
    page = opened(MARKS, rank="Loss when it was time to stop")
    assert press(page, "Search for them") and not page.exception
    assert store.run(source.run_id).status is Status.QUEUED


@pytest.mark.usefixtures("nothing_stored")
def test_what_is_forgotten_of_one_half_is_shown_with_its_ranking(store, data_folder, embedded):
    for half in sources(BASE, "forgetting"):
        scored(half, data_folder, embedded)
        store.submit(half, "somebody")
        store.report_start(half.run_id, "2 CPU threads")
        for epoch in range(1, half.epochs + 1):
            gone = epoch > half.switch_after
            store.add_epoch(
                half.run_id,
                record(
                    epoch,
                    memorized=0.08 if gone else 1.0,
                    right_label_error=0.7 if gone else 0.0,
                    test_error=0.68,
                ),
            )
        store.report_end(half.run_id)
    page = opened(MARKS, rank="Forgetting")
    assert not page.exception
    assert "repeats 8% of the wrong labels and 30% of the right ones" in texts(page)
    assert "So the wrong labels are gone" in texts(page)


@pytest.mark.usefixtures("nothing_stored")
def test_the_kernel_ranks_without_a_press(monkeypatch):
    def ranked(data, labels):  # the real one takes ten seconds
        is_wrong = labels != data.train_labels
        return Ranking(np.argsort(~is_wrong, kind="stable"), data.train_labels.astype(np.int64))

    monkeypatch.setattr(search, "rank_by_kernel", ranked)
    page = opened(MARKS, rank="Kernel fit without it")
    assert not page.exception and "the machine's 10, chosen from the same 40" in texts(page)
