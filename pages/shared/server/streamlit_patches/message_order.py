"""Keep a session's messages to its browser in the order in which they were made.

When a fragment runs again, Streamlit 1.67 drops the fragment's unsent messages, even if the whole
page has just drawn it. The browser is then told that the page is finished without the fragment,
removes it, and moves up the rest of the page. Streamlit does not drop messages that refer to
earlier ones by their hash (more than 10 kB, sent before), so these arrive without the elements
that contain them. Under load, either case ends in a white page.

With this queue, a fragment that runs again replaces only the unsent messages of its own earlier
runs, each run as a whole. If those were kept, a busy server would have more and more to send, and
a page that was just opened would wait for all of it. The fragments of this app are siblings, not
nested, so that no fragment needs the output of another.
"""

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

REPLACED = {"new_session", "delta", "ref_hash", "script_finished"}  # other messages are sent only once


class OrderedQueue(ForwardMsgQueue):
    """The unsent messages of one session."""

    def clear(
        self, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        """Drop what the new run replaces: all of a page, or a fragment's earlier runs."""
        if not fragment_ids_this_run:
            super().clear(retain_lifecycle_msgs, fragment_ids_this_run)
            return
        kept: list[ForwardMsg] = []
        is_replaced = False  # messages before the first run belong to a run that is partly sent
        for message in self._queue:
            if message.WhichOneof("type") == "new_session":
                drawn = set(message.metadata.run.fragment_ids)
                is_replaced = bool(drawn) and drawn <= set(fragment_ids_this_run)
            if not (is_replaced and message.WhichOneof("type") in REPLACED):
                kept.append(message)
        self._queue = kept
        self._delta_index_map = {}  # so that no later message takes the slot of an earlier run


def keep_messages_in_order() -> None:
    """Use OrderedQueue for all sessions that start from now on."""
    app_session.ForwardMsgQueue = OrderedQueue  # type: ignore[misc]
