"""Every page test has a store of its own and no trainer."""

import pytest
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.runtime.fragment import MemoryFragmentStorage

from core.live.classroom.annotation import Annotation
from core.live.classroom.classroom import Classroom
from core.live.classroom.level_sweep import SharedLevels
from core.live.runs.store import Store
from core.live.training.supervisor import TrainerProcess
from pages.shared.figures.level_figure import points_of
from pages.shared.server import computed_once, polling, resources


@pytest.fixture(autouse=True)
def no_components(monkeypatch):
    """Every AppTest looks through all installed packages for components (80 ms); there are none."""
    manager = BidiComponentManager
    monkeypatch.setattr(manager, "discover_and_register_components", lambda *_, **__: None)


@pytest.fixture(autouse=True)
def no_fragment_in_a_fragment(monkeypatch):
    """What one fragment draws must not hang on when another is drawn."""
    register, inner = MemoryFragmentStorage.register, []

    def watched(storage, key, fragment, *, parent_fragment_id=None, **named):
        if parent_fragment_id:
            inner.append(getattr(fragment, "__qualname__", fragment))
        return register(storage, key, fragment, parent_fragment_id=parent_fragment_id, **named)

    monkeypatch.setattr(MemoryFragmentStorage, "register", watched)
    yield
    assert not inner


@pytest.fixture(autouse=True)
def store(data_folder, monkeypatch) -> Store:
    """A store of its own for each test, and no trainer behind it."""
    store = Store(data_folder / "runs.sqlite")
    classroom, shared = Classroom(store), SharedLevels(store)
    monkeypatch.setattr(resources, "store", lambda: store)
    monkeypatch.setattr(resources, "classroom", lambda: classroom)
    monkeypatch.setattr(resources, "annotation", lambda: Annotation(store))
    monkeypatch.setattr(resources, "shared_levels", lambda: shared)
    monkeypatch.setattr(resources, "is_shared_out", shared.is_open)
    monkeypatch.setattr(resources, "board", resources.read_board)  # every test looks anew
    for kept in (resources.records, points_of, computed_once._ranked):
        kept.clear()
    monkeypatch.setattr(polling, "_present", polling._Present())
    monkeypatch.setattr(resources, "trainer", TrainerProcess)
    return store
