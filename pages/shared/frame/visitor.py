"""Who is asking: a random name kept in a cookie, so that a reload finds this visitor's runs.

Where cookies are refused (in a frame of another site, say) the name is kept in the address.
"""

import re
import secrets
from pathlib import Path

import streamlit as st

from core.live.classroom.classroom import TEACHER_SECONDS
from pages.shared.components.component import run_script
from pages.shared.frame.session import session

COOKIE = ADDRESS = "lab_visitor"
KEY_COOKIE = "lab_teacher"
SCRIPTS = Path(__file__).parent / "on_page"


def recognize() -> None:
    """Learn who asks, or make a name up at the first visit; every page does so before all else."""
    cookie = _sound(st.context.cookies.get(COOKIE))
    state = session()
    if not state.visitor:
        state.visitor = cookie or _sound(st.query_params.get(ADDRESS)) or secrets.token_hex(8)
    run_script(SCRIPTS / "rememberVisitor.js", name=state.visitor, key=COOKIE)


def visitor() -> str:
    """The name of this browser."""
    return session().visitor


def remember_key() -> None:
    """Give this browser the key that its session has been given, so that a reload has it, too.

    A key of its own and not the visitor's name, which anybody may have put into a link.
    """
    if key := session().teacher_key:
        run_script(SCRIPTS / "rememberKey.js", key=KEY_COOKIE, value=key, seconds=TEACHER_SECONDS)


def teacher_key() -> str:
    """The key of the teacher's page that this browser has; empty: none."""
    return session().teacher_key or _sound(st.context.cookies.get(KEY_COOKIE))


def network_address() -> str:
    """From which this visitor comes; empty: from the server's own machine."""
    address = st.context.ip_address
    return address if isinstance(address, str) else ""


def _sound(name: object) -> str:
    return name if isinstance(name, str) and re.fullmatch("[0-9a-f]{16}", name) else ""
