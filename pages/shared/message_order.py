"""What a session sends to its browser stays in the order in which it was made.

Streamlit 1.67 throws away what is unsent of a fragment when that fragment runs again, also where
the whole page has just drawn it: the browser is then told that the page is finished without it,
takes its place out, and what follows moves up. Of what it throws away it forgets the parts that
are named by their hash (more than 10 kB, sent before), which then arrive without what they stand
in. Under load either ends in a white page. Nothing needs to be thrown away: what is sent later
replaces what was sent before.
"""

from streamlit.runtime import app_session
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


class OrderedQueue(ForwardMsgQueue):
    """The messages of one session that its browser has not been sent yet."""

    def clear(
        self, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        """Forget what a run of the whole page replaces; a fragment's run follows what is there.

        With no fragment named, a fragment's run keeps all messages, and none that comes later is put
        into the place of an earlier one.
        """
        kept = [] if fragment_ids_this_run else fragment_ids_this_run
        super().clear(retain_lifecycle_msgs, kept)


def keep_messages_in_order() -> None:
    """For all sessions that begin from now on."""
    app_session.ForwardMsgQueue = OrderedQueue  # type: ignore[misc]
