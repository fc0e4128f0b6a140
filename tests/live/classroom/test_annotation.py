import numpy as np
import pytest

from core.errors import ConfigError, RefusedError
from core.live.classroom.annotation import POOL, SHOWN, TIMED_FROM, Annotation
from core.live.runs.store import Store

LABELS = np.arange(5_000) % 10


@pytest.fixture
def annotation(tmp_path):
    return Annotation(Store(tmp_path / "runs.sqlite"))


def test_each_visitor_has_twenty_of_the_rooms_fifty_and_the_same_after_a_reload(annotation):
    shown = {name: annotation.images("ROOM1", name, LABELS) for name in map(str, range(30))}
    assert all(len(set(images)) == SHOWN for images in shown.values())
    pool = set().union(*shown.values())
    assert len(pool) == POOL and np.bincount(LABELS[list(pool)]).tolist() == [5] * 10
    assert annotation.images("ROOM1", "7", LABELS) == shown["7"] != shown["8"]
    assert set(annotation.images("ROOM2", "7", LABELS)) - pool


def test_the_first_answer_counts_and_is_anonymous_to_the_room(annotation):
    annotation.add("ROOM1", "ann", 0, 17, 3)
    with pytest.raises(RefusedError, match="first answer counts"):
        annotation.add("ROOM1", "ann", 0, 17, 4)
    annotation.add("ROOM1", "ben", TIMED_FROM, 17, None)
    annotation.add("", "ann", 0, 17, 5)
    assert annotation.answers_of("ROOM1", "ann") == [("ann", 17, 3, False)]
    assert annotation.answers("ROOM1") == [("ann", 17, 3, False), ("ben", 17, None, True)]


@pytest.mark.parametrize("label", [-1, 10])
def test_what_is_no_class_is_refused(annotation, label):
    with pytest.raises(ConfigError, match="ten names"):
        annotation.add("ROOM1", "ann", 0, 17, label)
    assert annotation.answers("ROOM1") == []
