"""Keep a file that a download button has made until the browser has fetched it.

Streamlit 1.67 makes the file of a deferred download after the press, and stores it without a
reference from any session. At the end of every run of every session's script, files without a
reference are marked, and marked ones are removed. So while other people's pages tick, the file is
often gone before the browser asks for it, in silence.
"""

import time
from collections.abc import Callable

from streamlit.runtime import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorage

HOLDER = "files to be fetched"  # the name of a session that does not exist
HELD_SECONDS = 60.0  # a browser asks for the file at once; a slow line may take a while


class HoldingManager(MediaFileManager):
    """A manager that holds each file of a deferred download for a minute."""

    def __init__(self, storage: MediaFileStorage, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(storage)
        self._now = now
        self._held_until: dict[str, float] = {}  # by file id

    def execute_deferred(self, file_id: str) -> str:
        """Make the file and return its URL, as Streamlit does, and hold the file."""
        url = super().execute_deferred(file_id)
        made = url.rpartition("/")[2].partition(".")[0]
        with self._lock:
            self._held_until[made] = self._now() + HELD_SECONDS
            self._files_by_session_and_coord[HOLDER][made] = made
        return url

    def remove_orphaned_files(self) -> None:
        """Remove the files that no session refers to, except those still held."""
        with self._lock:
            now = self._now()
            for made in [made for made, until in self._held_until.items() if until < now]:
                del self._held_until[made]
                self._files_by_session_and_coord[HOLDER].pop(made, None)
        super().remove_orphaned_files()


def hold_downloads() -> None:
    """Use HoldingManager in the runtime that starts from now on."""
    runtime.MediaFileManager = HoldingManager  # type: ignore[misc]
