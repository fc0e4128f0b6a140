"""The number of files that the server may have open: a page takes four descriptors."""

import logging
import sys

MOST = 65_536  # more would only slow down child processes, which close all of them
NEEDED = 4_096  # 160 viewers, and sessions that have ended but are kept for a while
SMALL = "This server may open {limit:,} files at a time, enough for about {pages} pages: {remedy}."

_LOG = logging.getLogger(__name__)


def raise_file_limit() -> int | None:
    """Raise this process's limit of open files as far as it is allowed to, and return it.

    Logs one sentence if even that is too few for a class. None where the system has no such limit
    (Windows).
    """
    try:
        import resource
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, 10_240):  # macOS refuses "unlimited", and takes this
        if wanted != resource.RLIM_INFINITY and wanted > soft:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, MOST), hard))
                break
            except (ValueError, OSError):
                continue
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit < NEEDED:
        remedy = f"raise it with `ulimit -n {NEEDED}` before the start"
        if sys.platform.startswith("linux"):
            remedy += f", or LimitNOFILE={NEEDED} in its systemd unit"
        _LOG.warning(SMALL.format(limit=limit, pages=limit // 4, remedy=remedy))
    return limit
