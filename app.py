"""The server: `make run` or `streamlit run app.py`. Pages start in pages/shared/frame/router.py."""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from core.errors import LabError
from core.live.server.files import raise_file_limit
from core.live.server.guard import Guard
from core.live.server.serving import given_address
from core.live.server.settings import load_settings
from core.paths import ROOT
from pages.shared.server.streamlit_patches.disconnects import QuietDisconnects
from pages.shared.server.streamlit_patches.downloads import hold_downloads
from pages.shared.server.streamlit_patches.message_order import keep_messages_in_order


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Start the trainer with the server, so that torch is loaded before anybody presses Start."""
    from pages.shared.server import resources  # its caches need a running server

    gc.collect()
    gc.freeze()  # imported objects live as long as the server: later collections skip them
    trainer = resources.trainer()
    yield
    trainer.stop()


try:
    settings = load_settings()  # reports an error in lab.toml now, not at the first visit
except LabError as error:
    sys.exit(str(error))

raise_file_limit()
keep_messages_in_order()
hold_downloads()
app = st.App(
    ROOT / "pages" / "shared" / "frame" / "router.py",
    lifespan=lifespan,
    middleware=[
        Middleware(Guard, framed_by=settings.framed_by, address=given_address()),
        Middleware(QuietDisconnects),
    ],
)
