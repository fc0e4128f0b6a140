"""Forty phones train a curve together and watch it: `make load-class` prints the table.

They join a room over Streamlit's own protocol; the levels are shared out; each phone has its lab
open, which shows its own level, and the class's figure beside it.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from core.config import PRESETS
from core.live.classroom.classroom import Classroom, Lesson
from core.live.classroom.level_sweep import SharedLevels, level_points
from core.live.runs.store import Store
from core.sweep.grids import BY_VALUE
from core.sweep.results import provenance
from core.training.devices import best_device, hardware
from tests.browser.server import Server
from tests.load.load import Together, Viewer

LOST_SECONDS = 30.0  # an answer that takes longer is an error
EPOCHS = 20  # of each level
GOALS = {
    "first page, slowest (s)": 3.0,
    "update, p95 (s)": 0.5,
    "whole figure after (s)": 180.0,
    "errors": 0,
}


async def follow(viewer: Viewer, updates: list[float], is_over: asyncio.Event) -> None:
    """As its browser does: whatever the page's timer asks for, as often as it asks."""
    while not is_over.is_set():
        await asyncio.sleep(viewer.interval)
        try:
            # Without a timer the page has just turned to another run: it is asked for whole.
            took = await asyncio.wait_for(viewer.ask(fragment=viewer.timer), LOST_SECONDS)
            updates.append(took)
        except Exception as error:
            viewer.errors.append(repr(error))
            return


async def class_load(server: Server, count: int) -> dict[str, float]:
    store = Store(server.folder / "runs.sqlite")
    config = replace(PRESETS[0].config, epochs=EPOCHS)
    room, shared = Classroom(store).open_room(Lesson("Lies", config)), SharedLevels(store)
    async with Viewer(server.address, "lab", "", 10_000) as first:
        await first.ask()  # the first page starts the trainer
    phones = [Viewer(server.address, "lab", f"room={room}", each) for each in range(count)]
    async with Together(phones):
        firsts = list(await asyncio.gather(*(phone.ask() for phone in phones)))
        shared.share_out(room, config)
        begun, updates, is_over = time.perf_counter(), [], asyncio.Event()
        following = [asyncio.create_task(follow(phone, updates, is_over)) for phone in phones]
        figures = [Viewer(server.address, "curve", f"room={room}", each) for each in range(count)]
        await asyncio.sleep(2.5)  # until everybody has a level
        async with Together(figures):
            firsts += await asyncio.gather(*(figure.ask() for figure in figures))
            following += [asyncio.create_task(follow(each, updates, is_over)) for each in figures]
            is_whole = False
            while not is_whole and time.perf_counter() - begun < 600:
                await asyncio.sleep(1)
                points = level_points(store, shared.configs(room)[: len(BY_VALUE)])
                is_whole = sum(point.is_finished for point in points) == len(BY_VALUE)
            whole = time.perf_counter() - begun
            is_over.set()
            await asyncio.gather(*following)
    errors = [error for viewer in (*phones, *figures) for error in viewer.errors]
    for error in errors[:5]:
        print(error, file=sys.stderr)
    return {
        "first page, slowest (s)": max(firsts),
        "updates": len(updates),
        "update, p50 (s)": statistics.median(updates),
        "update, p95 (s)": statistics.quantiles(updates, n=20)[-1],
        "levels taken": len(shared.configs(room)),
        "whole figure after (s)": whole,
        "errors": len(errors),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phones", type=int, default=40)
    parser.add_argument("--out", type=Path, help="save the table as JSON")
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="lab-class-") as folder:
        server = Server(Path(folder))
        server.start()
        try:
            table = asyncio.run(class_load(server, options.phones))
        finally:
            server.stop()
        if table["errors"]:
            print((Path(folder) / "server.log").read_text(), file=sys.stderr)
    if options.out:
        about = provenance(hardware(best_device()), time.perf_counter() - started)
        content = {**about, "phones": options.phones, "goals": GOALS, "measured": table}
        options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{options.phones} phones, {EPOCHS} epochs each, {os.cpu_count()} cores")
    missed = 0
    for name, value in table.items():
        is_met = name not in GOALS or value <= GOALS[name]
        missed += not is_met
        verdict = f"(goal {GOALS[name]:g}: {'met' if is_met else 'MISSED'})" if name in GOALS else ""
        print(f"{name:32} {value:10,.3f} {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
