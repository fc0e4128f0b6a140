import numpy as np
import pytest

from core.config import RunConfig
from core.errors import RefusedError
from core.live.classroom.classroom import ALPHABET, TEACHER_SECONDS, Classroom, Lesson, room_code
from core.live.runs.store import Store
from core.sweep.figures import guess_gaps
from core.sweep.protocol import label_runs
from core.sweep.results import load_runs
from core.view.classroom.captions import describe_guess, describe_guesses, describe_queue
from core.view.sweep import charts

ROOM = Lesson("Lies", RunConfig(level=0.5, epochs=30), ("preset",), guess_first=True)


@pytest.fixture
def classroom(tmp_path):
    return Classroom(Store(tmp_path / "runs.sqlite"))


def test_a_room_keeps_its_lesson(classroom):
    code = classroom.open_room(ROOM)
    assert len(code) == 5 and set(code) <= set(ALPHABET)
    assert Classroom(classroom.store).lesson(code) == ROOM == classroom.lesson(code.lower())
    assert classroom.lesson("NONE") is None and classroom.lesson(None) is None
    assert classroom.rooms() == {code: ROOM}


@pytest.mark.parametrize(
    "typed", ["SUZJN", "su-zjn", " SU ZJN ", "su–zjn", "ＳＵＺＪＮ", "s.u.z.j.n", "suzjn\n"]
)
def test_a_code_is_taken_as_people_type_it(typed):
    assert room_code(typed) == "SUZJN"


@pytest.mark.parametrize("typed", ["", "   ", "--", "\u200b"])
def test_what_is_no_code_is_none(typed, classroom):
    assert room_code(typed) == "" and classroom.lesson(typed) is None


@pytest.mark.parametrize("wrong", [{"title": " "}, {"title": "x" * 81}, {"hidden": ("results",)}])
def test_a_wrong_lesson_is_refused(wrong):
    with pytest.raises(ValueError):
        Lesson(**wrong)


def test_guesses_are_kept_by_room_and_without_a_name(classroom):
    classroom.add_guess("A", "ann", [0.1] * 11, [0.2] * 11)
    classroom.add_guess("A", "ben", [0.3] * 11, [0.4] * 11)
    classroom.add_guess("B", "ann", [0.5] * 11, [0.6] * 11)
    assert classroom.guesses("A").tolist() == [[[0.1] * 11, [0.2] * 11], [[0.3] * 11, [0.4] * 11]]
    assert classroom.guesses("none").shape == (0, 2, 11)
    with classroom.store.database.connect() as connection:
        columns = {row["name"] for row in connection.execute("PRAGMA table_info(guesses)")}
    assert columns == {"room", "guess", "made", "visitor"}  # at random, and shown nowhere


@pytest.mark.parametrize("wrong", [[0.1] * 10, [1.1] * 11, [float("nan")] * 11, ["<b>"] * 11])
def test_what_is_no_guess_is_refused(classroom, wrong):
    with pytest.raises(ValueError):
        classroom.add_guess("A", "ann", wrong, [0.5] * 11)
    assert len(classroom.guesses("A")) == 0


def test_a_room_keeps_so_many_guesses_and_no_more(classroom, monkeypatch):
    monkeypatch.setattr("core.live.classroom.classroom.MAX_GUESSES", 3)
    for step in range(5):
        classroom.add_guess("A", f"visitor {step}", [step / 10] * 11, [0.0] * 11)
    assert classroom.guesses("A")[:, 0, 0].tolist() == [0.2, 0.3, 0.4]


def test_the_reins(classroom):
    for seed in range(3):
        classroom.store.submit(RunConfig(seed=seed), "ann")
    classroom.store.pause(RunConfig(seed=1).run_id, by="ann")
    assert (
        describe_queue(classroom.waiting(), False)
        == "2 runs from 1 visitor are taking turns. 1 run is paused."
    )
    assert describe_queue(classroom.waiting()[:1], False) == "1 run is training."
    classroom.pause_all(True)
    assert classroom.is_paused
    assert classroom.clear_queue() == 3 and classroom.waiting() == []
    classroom.pause_all(False)
    assert not classroom.is_paused and describe_queue([], False) == "Nobody is training."


def test_the_gap_of_a_guess_is_the_mean_over_the_levels():
    runs = label_runs(load_runs())
    ours = runs[runs.model == "mlp-1x512"]
    truth = ours.groupby("level")[["final_test_error", "final_train_error"]].mean()
    exact = (truth.final_test_error.tolist(), truth.final_train_error.tolist())
    assert guess_gaps(exact, ours) == pytest.approx((0, 0), abs=1e-12)
    off = ([value - 0.1 for value in exact[0]], [value + 0.2 for value in exact[1]])
    assert guess_gaps(off, ours) == pytest.approx((0.1, 0.2))
    assert "off by 10 percentage points" in describe_guess(off, ours) and "by 20" in describe_guess(
        off, ours
    )
    assert guess_gaps(exact, runs[runs.model == "none"]) is None


def test_many_guesses_are_a_median_and_a_band():
    guesses = np.zeros((5, 2, 11))
    guesses[:, 0, :] = np.array([0.1, 0.2, 0.3, 0.4, 1.0])[:, None]
    table = charts.guess_bands(guesses, None).to_dict()
    rows = next(iter(table["datasets"].values()))
    row = next(row for row in rows if row["quantity"] == "test error" and row["level"] == 0.5)
    assert (row["low"], row["error"], row["high"]) == (0.2, 0.3, 0.4)
    assert (
        "5 guesses so far" in describe_guesses(guesses)
        and describe_guesses(guesses[:0]) == "No guesses yet."
    )


def test_a_second_guess_of_one_visitor_in_a_room_is_refused_and_the_first_kept(classroom):
    assert classroom.guess_of("A", "ann") is None
    classroom.add_guess("A", "ann", [0.1] * 11, [0.2] * 11)
    with pytest.raises(RefusedError, match="the first one counts"):
        classroom.add_guess("A", "ann", [0.9] * 11, [0.9] * 11)
    assert classroom.guess_of("A", "ann") == ([0.1] * 11, [0.2] * 11)
    assert classroom.guess_of("B", "ann") is None and len(classroom.guesses("A")) == 1


def test_an_opened_teachers_page_closes_after_a_day_of_school(classroom, monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr("core.live.classroom.classroom.time.time", lambda: now[0])
    classroom.let_in("a key")
    now[0] += TEACHER_SECONDS - 1
    assert classroom.is_teacher("a key") and not classroom.is_teacher("another")
    now[0] += 2
    assert not classroom.is_teacher("a key")


def test_a_locked_teachers_page_is_closed_at_once_and_for_this_key_alone(classroom):
    for key in ("a key", "another"):
        classroom.let_in(key)
    classroom.lock_out("a key")
    assert not classroom.is_teacher("a key") and classroom.is_teacher("another")


def test_the_first_stop_of_a_replay_counts_and_none_is_none(classroom):
    assert classroom.stop_of("A", "ann", "abc") is None
    classroom.add_stop("A", "ann", "abc", 7)
    with pytest.raises(RefusedError, match="the first time counts"):
        classroom.add_stop("A", "ann", "abc", 9)
    assert classroom.stop_of("A", "ann", "abc") == 7 and classroom.stops("A", "abc") == [7]
