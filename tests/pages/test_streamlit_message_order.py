"""What a session has not sent yet, when one of its fragments runs again.

The oracle is a browser's tree of blocks and elements, as Streamlit's own script keeps it: a block or
element is put at its path, and what a finished run of the whole page did not touch is taken out.
"""

import runpy

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from core.paths import ROOT
from pages.shared.server.streamlit_patches.message_order import OrderedQueue


class Browser:
    """The main block of a page: children by their place, each an element or a block of some."""

    def __init__(self, *names: str | list[str]):
        self.children: list = [[name, "before"] for name in names]
        self.run = "before"

    def receive(self, queue: ForwardMsgQueue) -> None:
        for message in queue.flush():
            match message.WhichOneof("type"):
                case "new_session":
                    self.run = message.metadata.run.script_run_id
                case "script_finished":
                    if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                        self.children = [child for child in self.children if child[1] == self.run]
                case _:
                    self.put(message)

    def put(self, message: ForwardMsg) -> None:
        place, *within = message.metadata.delta_path
        assert place <= len(self.children), "bad delta path index"
        name: str | list[str] = message.ref_hash or message.delta.new_element.text.body
        if within:
            assert place < len(self.children), "cannot set a node at a delta path"
            block, _ = self.children[place]
            assert isinstance(block, list), "'setIn' cannot be called on an ElementNode"
            assert within[0] <= len(block), "bad delta path index"
            block[within[0] :] = [str(name)]
            self.children[place] = [block, self.run]
            return
        if message.delta.HasField("add_block"):
            old = self.children[place][0] if place < len(self.children) else []
            name = old if isinstance(old, list) else []
        self.children[place : place + 1] = [[name, self.run]]

    @property
    def shown(self) -> list[str | list[str]]:
        return [name for name, _ in self.children]


def begins(queue: ForwardMsgQueue, run: str, fragment: str | None = None) -> None:
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[fragment] if fragment else None)
    message = ForwardMsg()
    message.new_session.SetInParent()
    message.metadata.run.script_run_id = run
    message.metadata.run.fragment_ids.extend([fragment] if fragment else [])
    queue.enqueue(message)


def ends(queue: ForwardMsgQueue, *, fragment: bool = False) -> None:
    message = ForwardMsg()
    message.script_finished = (
        ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY if fragment else ForwardMsg.FINISHED_SUCCESSFULLY
    )
    queue.enqueue(message)


def at(*path: int, element: str = "", named: str = "", fragment: str = "") -> ForwardMsg:
    """A block, an element, or one that was sent before and is only named."""
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    if named:
        message.ref_hash = named
        return message
    message.delta.fragment_id = fragment
    if element:
        message.delta.new_element.text.body = element
    else:
        message.delta.add_block.vertical.SetInParent()
    return message


def draw_fragment(queue: ForwardMsgQueue, place: int) -> None:
    queue.enqueue(at(place, fragment="line"))
    queue.enqueue(at(place, 0, named="curve"))


def draw_page(queue: ForwardMsgQueue) -> None:
    begins(queue, "page")
    queue.enqueue(at(0, element="title"))
    draw_fragment(queue, 1)
    queue.enqueue(at(2, element="photographs"))
    ends(queue)


def draw_fragment_again(queue: ForwardMsgQueue, name: str = "line", place: int = 1) -> None:
    begins(queue, "fragment", name)
    draw_fragment(queue, place)
    ends(queue, fragment=True)


BEFORE = {"an empty page": (), "a caption in its place": ("title", "caption", ["curve"], "photographs")}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_a_fragment_that_runs_before_the_page_was_sent_stays_in_its_place(before):
    queue, browser = OrderedQueue(), Browser(*before)
    draw_page(queue)
    draw_fragment_again(queue)
    browser.receive(queue)
    assert browser.shown == ["title", ["curve"], "photographs"]


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_streamlit_still_needs_it(before):
    """The day this fails, pages/shared/server/streamlit_patches/message_order.py can go."""
    queue, browser = ForwardMsgQueue(), Browser(*before)
    draw_page(queue)
    draw_fragment_again(queue)
    with pytest.raises(AssertionError, match=r"setIn|delta path"):
        browser.receive(queue)


def test_a_run_of_the_whole_page_replaces_what_is_unsent():
    queue = OrderedQueue()
    draw_page(queue)
    draw_fragment_again(queue)
    begins(queue, "next")
    assert {message.WhichOneof("type") for message in queue.flush()} <= {
        "new_session",
        "script_finished",
    }


def test_a_fragment_that_runs_again_and_again_has_no_more_to_send_than_its_last_run():
    """Else a busy server falls ever further behind, and a page just opened stays empty."""
    queue, browser = OrderedQueue(), Browser()
    draw_page(queue)
    lengths = []
    for _ in range(4):
        draw_fragment_again(queue)
        draw_fragment_again(queue, "curve", 3)
        lengths.append(len(queue))
    assert len(set(lengths)) == 1
    browser.receive(queue)
    assert browser.shown == ["title", ["curve"], "photographs", ["curve"]]


def test_what_is_said_once_is_not_lost_with_the_run_that_said_it():
    queue = OrderedQueue()
    begins(queue, "fragment", "line")
    said = ForwardMsg()
    said.auto_rerun.interval = 2
    queue.enqueue(said)
    draw_fragment_again(queue)
    assert [message.WhichOneof("type") for message in queue.flush()].count("auto_rerun") == 1


def test_the_end_of_a_run_that_is_sent_in_part_follows_its_beginning():
    queue, browser = OrderedQueue(), Browser("title", "caption", ["curve"], "photographs")
    begins(queue, "page")
    queue.enqueue(at(0, element="title"))
    browser.receive(queue)
    draw_fragment(queue, 1)
    queue.enqueue(at(2, element="photographs"))
    ends(queue)
    draw_fragment_again(queue)
    browser.receive(queue)
    assert browser.shown == ["title", ["curve"], "photographs"]


def test_what_a_fragment_sends_is_not_put_into_the_place_of_what_the_page_sent():
    """There it would count as the page's, and be taken out when the fragment has ended."""
    queue = OrderedQueue()
    draw_page(queue)
    draw_fragment_again(queue)
    kinds = [message.WhichOneof("type") for message in queue.flush()]
    assert kinds.index("script_finished") < len(kinds) - 4
    assert kinds[-4:] == ["new_session", "delta", "ref_hash", "script_finished"]


def test_sessions_of_the_app_have_such_a_queue(monkeypatch):
    monkeypatch.setattr(app_session, "ForwardMsgQueue", ForwardMsgQueue)
    runpy.run_path(str(ROOT / "app.py"))
    assert "ForwardMsgQueue" in app_session.AppSession.__init__.__code__.co_names
    assert app_session.ForwardMsgQueue is OrderedQueue
