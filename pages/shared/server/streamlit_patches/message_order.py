"""What a session sends to its browser stays in the order in which it was made.

Streamlit 1.67 throws away what is unsent of a fragment when that fragment runs again, also where
the whole page has just drawn it: the browser is then told that the page is finished without it,
takes its place out, and what follows moves up. Of what it throws away it forgets the parts that
are named by their hash (more than 10 kB, sent before), which then arrive without what they stand
in. Under load either ends in a white page.

Here a fragment that runs again replaces what its earlier runs have not sent, each as a whole, and
nothing else. Were those kept, too, a busy server would have ever more to send, and a page that has
just been opened would wait for all of it. Fragments of this app stand beside each other, none
within another: what one draws never needs what another has drawn.
"""

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

REPLACED = {"new_session", "delta", "ref_hash", "script_finished"}  # all else is said once


class OrderedQueue(ForwardMsgQueue):
    """The messages of one session that its browser has not been sent yet."""

    def clear(
        self, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        """Forget what the run that begins now replaces: all of a page, or a fragment's earlier runs."""
        if not fragment_ids_this_run:
            super().clear(retain_lifecycle_msgs, fragment_ids_this_run)
            return
        kept: list[ForwardMsg] = []
        is_replaced = False  # what comes before the first run belongs to one that is sent in part
        for message in self._queue:
            if message.WhichOneof("type") == "new_session":
                drawn = set(message.metadata.run.fragment_ids)
                is_replaced = bool(drawn) and drawn <= set(fragment_ids_this_run)
            if not (is_replaced and message.WhichOneof("type") in REPLACED):
                kept.append(message)
        self._queue = kept
        self._delta_index_map = {}  # no later message is put into the place of an earlier run's


def keep_messages_in_order() -> None:
    """For all sessions that begin from now on."""
    app_session.ForwardMsgQueue = OrderedQueue  # type: ignore[misc]
