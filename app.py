"""The server: `make run`, or `streamlit run app.py`. What a browser sees begins in pages/shared/frame/router.py."""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from core.errors import LabError
from core.live.server.guard import Guard
from core.live.server.serving import given_address
from core.live.server.settings import load_settings
from core.paths import ROOT
from pages.shared.server.streamlit_patches.disconnects import QuietDisconnects
from pages.shared.server.streamlit_patches.message_order import keep_messages_in_order


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """The trainer starts with the server: torch is loaded before anybody presses Start."""
    from pages.shared.server import resources  # its caches want the server to be there

    gc.collect()
    gc.freeze()  # what was imported lives as long as the server: no collection looks through it again
    trainer = resources.trainer()
    yield
    trainer.stop()


try:
    settings = load_settings()  # what is wrong in lab.toml is said now, and not at the first visit
except LabError as error:
    sys.exit(str(error))

keep_messages_in_order()
app = st.App(
    ROOT / "pages" / "shared" / "frame" / "router.py",
    lifespan=lifespan,
    middleware=[
        Middleware(Guard, framed_by=settings.framed_by, address=given_address()),
        Middleware(QuietDisconnects),
    ],
)
