"""The visitor's random name, kept in a cookie so that a reload finds this visitor's runs.

If the browser refuses cookies (for example, in a frame of another site), the address keeps it.
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
    """Read the visitor's name, or make one up at the first visit. Every page calls this first."""
    cookie = _sound(st.context.cookies.get(COOKIE))
    state = session()
    if not state.visitor:
        state.visitor = cookie or _sound(st.query_params.get(ADDRESS)) or secrets.token_hex(8)
    run_script(SCRIPTS / "rememberVisitor.js", name=state.visitor, key=COOKIE)


def visitor() -> str:
    """Return the visitor's name."""
    return session().visitor


def remember_key() -> None:
    """Store the session's teacher key in the browser, so that a reload keeps it.

    The key is not the visitor's name, because anybody can put a name into a link.
    """
    if key := session().teacher_key:
        run_script(SCRIPTS / "rememberKey.js", key=KEY_COOKIE, value=key, seconds=TEACHER_SECONDS)


def teacher_key() -> str:
    """Return this browser's key to the teacher's page, or an empty string."""
    return session().teacher_key or _sound(st.context.cookies.get(KEY_COOKIE))


def network_address() -> str:
    """Return this visitor's network address; empty: the server's own machine."""
    address = st.context.ip_address
    return address if isinstance(address, str) else ""


def _sound(name: object) -> str:
    return name if isinstance(name, str) and re.fullmatch("[0-9a-f]{16}", name) else ""
