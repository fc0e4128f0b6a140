"""Links to the lab from outside: to project, to copy, in a table."""

from urllib.parse import urlencode

import streamlit as st

from core.live.server import serving


def link(page: str = "", **settings: str) -> str:
    """Return the address of a page for others; page: its name, or empty for the start page."""
    base = serving.address(st.context.url, st.get_option("server.baseUrlPath") or "")
    query = f"?{urlencode(settings)}" if settings else ""
    return f"{base}/{page}{query}"
