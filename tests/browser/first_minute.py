"""How long a visitor waits in the first minute, in Chromium, beside a plain page: `make first-minute`.

The plain page is Streamlit with one chart of the same run and nothing else: what the lab takes
longer is the lab's own.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.sweep.results import provenance
from core.training.devices import best_device, hardware
from tests.browser.actions import start_button
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.server import ROOT, Server
from tests.samples import wait_until

TIMES = 5  # each is measured; the median counts
PLAIN = """
import streamlit as st
from core.sweep.results import config_of, load_records, load_runs
from core.view.run.charts import error_history
from core.view.run.floor import floor_of
runs = load_runs()
run = runs[(runs.data == "embedded") & (runs.level == 0.4)].iloc[0]
st.title("Plain")
config = config_of(run)
st.altair_chart(error_history(load_records(run.run_id), config, floor_of(config), height=400))
"""
MOVES = """() => {
  const at = document.querySelector(".errors .point")?.getAttribute("cx")
  if (!at) return false
  window.labFirst ??= at
  return at !== window.labFirst
}"""
CHART = "() => document.querySelector('[data-testid=stVegaLiteChart] :is(canvas, svg)')"
SHOWN = "() => document.querySelector('.errors .point')"


def seconds(act: Callable[[], object], page: Page, until: str) -> float:
    """From the act until the page says so; looked at with every frame that it draws."""
    started = time.perf_counter()
    act()
    page.wait_for_function(until, polling="raf", timeout=120_000)
    return time.perf_counter() - started


def new_page(browser: Browser) -> Page:
    return browser.new_context(viewport={"width": 1280, "height": 800}).new_page()


def first_screen(browser: Browser, address: str, until: str) -> float:
    """From the address, in a browser that has never been here."""
    page = new_page(browser)
    try:
        return seconds(lambda: page.goto(address, wait_until="commit"), page, until)
    finally:
        page.context.close()


def from_start(browser: Browser, server: Server, seed: int) -> tuple[float, float]:
    """From the press of Start to the first point, and to the first point that moves."""
    page = new_page(browser)
    page.goto(f"{server.address}/lab?seed={seed}")
    expect(start_button(page)).to_be_enabled()
    started = time.perf_counter()
    shown = seconds(start_button(page).click, page, SHOWN)
    page.wait_for_function(MOVES, polling="raf", timeout=120_000)
    moved = time.perf_counter() - started
    page.keyboard.press("Shift+X")
    page.wait_for_timeout(1000)
    page.context.close()
    return shown, moved


def measure(browser: Browser) -> dict[str, float]:
    """Seconds, by what is waited for."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        server.start()
        try:
            shown, moved = from_start(browser, server, 100)
            found["from Start to the first point, server just begun"] = shown
            found["from Start to the first point that moves, server just begun"] = moved
            pairs = [from_start(browser, server, 101 + each) for each in range(TIMES)]
            found["from Start to the first point"] = median(pair[0] for pair in pairs)
            found["from Start to the first point that moves"] = median(pair[1] for pair in pairs)
            found["from the address to a first screen that moves"] = usual(
                browser, server.address, MOVES
            )
            found["from the address to the lab"] = usual(
                browser, server.address + "/lab", "() => document.querySelector('.errors .grid')"
            )
        finally:
            server.stop()
        found["from the address to a plain page with one chart"] = plain(browser, Path(folder))
    return found


def usual(browser: Browser, address: str, until: str) -> float:
    return median(first_screen(browser, address, until) for _ in range(TIMES))


def plain(browser: Browser, folder: Path) -> float:
    page = folder / "plain.py"
    page.write_text(PLAIN)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(page), f"--server.port={port}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            address = f"http://localhost:{port}"
            wait_until(lambda: is_open(port))
            first_screen(browser, address, CHART)  # what is loaded once
            return usual(browser, address, CHART)
        finally:
            process.terminate()


def is_open(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the figures as JSON")
    options = parser.parse_args()
    started = time.perf_counter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found = measure(browser)
        browser.close()
    for name, value in found.items():
        print(f"{value:6.2f} s  {name}")
    if options.out:
        about = provenance(hardware(best_device()), time.perf_counter() - started)
        options.out.write_text(json.dumps({**about, "seconds": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
