"""Who is asking: a random name kept in a cookie, so that a reload finds this visitor's runs."""

import re
import secrets

import streamlit as st

COOKIE = "lab_visitor"


def visitor() -> str:
    """The name of this browser; made up at its first visit."""
    if "visitor" not in st.session_state:
        known = str(st.context.cookies.get(COOKIE))
        if re.fullmatch("[0-9a-f]{16}", known):
            st.session_state.visitor = known
        else:
            st.session_state.visitor = secrets.token_hex(8)
    # Kept for a year; sent again at every page, which costs nothing and renews it.
    st.html(
        f"<script>document.cookie = '{COOKIE}={st.session_state.visitor}"
        "; path=/; max-age=31536000; SameSite=Lax'</script>",
        unsafe_allow_javascript=True,
    )
    return st.session_state.visitor
