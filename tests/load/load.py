"""Forty viewers on one server, over Streamlit's own protocol; `make load` prints the table.

`make load-hall` has 160 of them, and no attacker.

Each viewer has one page of the live run, which its browser's timer redraws as often as the
server says, and a second one whose slider they move every ten seconds. One goes through all other
pages, a page every five seconds. Among them is an attacker: every second a new name that has the
caches cleared, presses Start, and sends a file. Everything, viewers included, runs on this machine;
what the viewers themselves took of it is reported.
"""

import argparse
import asyncio
import datetime
import itertools
import json
import os
import resource
import statistics
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.config import RunConfig
from core.live.runs.store import Store
from core.training.devices import processor
from tests.browser.server import Server

HALL = 100  # viewers; so many have goals of their own
UPDATE_SECONDS, SLIDER_SECONDS, STROLL_SECONDS = 1.0, 10.0, 5.0
OTHER_PAGES = (
    ("start", ""),
    ("guess", ""),
    ("curve", ""),
    ("sweep", "images=embedded&experts=true"),
    ("annotate", ""),
    ("stop", "network=alexnet"),
    ("find", "network=alexnet"),
    ("find", "network=alexnet&marks=0+1+2+3+4+5+6+7+8+9"),  # ranked by machine
    ("defend", "network=alexnet"),
    ("weights", ""),
)
GOALS = {  # of docs/operations.md
    "first page, slowest (s)": 3.0,
    "update, p95 (s)": 0.5,
    "picture after a slider, p95 (s)": 0.5,
    "another page, p95 (s)": 3.0,
    "server memory, most (MB)": 600,
    "share of training left": 0.4,
    "errors": 0,
}
HALL_GOALS = {
    "first page, slowest (s)": 5.0,
    "picture after a slider, p95 (s)": 1.0,
    "another page, p95 (s)": 5.0,
    "share of training left": 0.3,
    "errors": 0,
}


# Not where the page has turned to another run: it goes on.
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Viewer:
    """One page open in one browser."""

    def __init__(self, address: str, page: str, query: str, name: int):
        self.address, self.page, self.query = address, page, query
        self.page_hash = ""  # the server's name of the page, once it has told it
        self.visitor = f"{name:016x}"
        # What the page has: a fragment that redraws itself, a slider, the button that starts a run.
        self.timer = self.slider = self.start = ""
        self.interval = UPDATE_SECONDS  # of its timer: the fuller the server, the longer
        self.errors: list[str] = []

    async def __aenter__(self):
        link = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        cookie = {"Cookie": f"lab_visitor={self.visitor}"}
        self.socket = await websockets.connect(
            link, subprotocols=["streamlit"], additional_headers=cookie, max_size=None
        )
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def ask(self, fragment: str = "", level: float | None = None, press: str = "") -> float:
        """Run the page, or its fragment, and wait for all of it; seconds."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self.page_hash
        if not self.page_hash:
            state.page_name = self.page
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
        if level is not None:
            widget = state.widget_states.widgets.add()
            widget.id = self.slider
            widget.double_array_value.data.append(level)
        if press:
            widget = state.widget_states.widgets.add()
            widget.id, widget.trigger_value = press, True
        started = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(await self.socket.recv())
            message_type = answer.WhichOneof("type")
            if message_type == "auto_rerun":
                self.timer = answer.auto_rerun.fragment_id
                self.interval = answer.auto_rerun.interval
            elif message_type == "navigation":
                self.page_hash = answer.navigation.page_script_hash
            elif message_type == "page_info_changed":
                self.query = answer.page_info_changed.query_string
            elif message_type == "delta" and answer.delta.WhichOneof("type") == "new_element":
                element = answer.delta.new_element
                if element.HasField("exception"):
                    self.errors.append(element.exception.message)
                if element.HasField("slider"):
                    self.slider = element.slider.id
                if element.HasField("button") and element.button.type == "primary":
                    self.start = element.button.id
            elif message_type == "script_finished":
                if answer.script_finished in DONE:
                    return time.perf_counter() - started
                self.timer = ""  # the page is drawn anew, and with it its timers


async def watch(viewer: Viewer, until: float, updates: list, sliders: list) -> None:
    """Until then: an update a second of a live page, or a slider step every ten."""
    levels = itertools.cycle((0.1, 0.35, 0.6, 0.85, 0.25, 0.5, 0.75, 1.0))
    every = viewer.interval if viewer.query else SLIDER_SECONDS
    due = time.perf_counter() + every * (int(viewer.visitor, 16) % 40) / 40  # not all at once
    while due < until:
        await asyncio.sleep(max(0, due - time.perf_counter()))
        try:
            if not viewer.query:
                sliders.append(await viewer.ask(level=next(levels)))
            elif viewer.timer:
                updates.append(await viewer.ask(fragment=viewer.timer))
            else:
                viewer.errors.append("the live page has no timer")
        except Exception as error:
            viewer.errors.append(repr(error))
            return
        every = viewer.interval if viewer.query else SLIDER_SECONDS
        due = max(due + every, time.perf_counter())


async def stroll(address: str, until: float, opened: list, errors: list[str]) -> None:
    """One visitor through all other pages, again and again, until then; opened: seconds of each."""
    for page, query in itertools.cycle(OTHER_PAGES):
        if time.perf_counter() > until:
            return
        try:
            async with Viewer(address, page, query, 40_000) as viewer:
                opened.append(await viewer.ask())
                errors += [f"{page}: {error}" for error in viewer.errors]
        except Exception as error:
            errors.append(f"{page}: {error!r}")
        await asyncio.sleep(STROLL_SECONDS)


async def attack(address: str, until: float, errors: list[str]) -> None:
    """A new name every second, until then."""
    for number in itertools.count():
        if time.perf_counter() > until:
            return
        try:
            async with Viewer(address, "lab", f"seed={number % 9_000}", 50_000 + number) as attacker:
                await attacker.ask()
                clear = BackMsg()
                clear.clear_cache = True
                await attacker.socket.send(clear.SerializeToString())
                await attacker.ask(press=attacker.start)
                errors += attacker.errors
            upload = urllib.request.Request(
                f"{address}/_stcore/upload_file/x/{number}", data=b"x" * 10**6, method="PUT"
            )
            with suppress(OSError):  # which is refused
                await asyncio.to_thread(urllib.request.urlopen, upload, timeout=5)
        except Exception as error:
            errors.append(f"the attacker: {error!r}")
        await asyncio.sleep(1)


def trained_images(store: Store) -> int:
    with store.database.connect() as connection:
        return 5_000 * connection.execute("SELECT COUNT(*) FROM epochs").fetchone()[0]


def memory_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


async def throughput(store: Store, seconds: float) -> float:
    """Images a second that are trained in this time."""
    before, started = trained_images(store), time.perf_counter()
    await asyncio.sleep(seconds)
    return (trained_images(store) - before) / (time.perf_counter() - started)


async def load(
    server: Server,
    count: int,
    seconds: float,
    alone: float,
    settling: float = 0.0,
    with_attacker: bool = True,
) -> dict[str, float]:
    """settling: seconds after all have opened their pages at once, before updates are measured."""
    store = Store(server.folder / "runs.sqlite")
    runs = [RunConfig(level=i / count, epochs=1000, seed=i) for i in range(count)]
    for number, run in enumerate(runs):
        store.submit(run, f"{number:016x}")
    firsts, updates, sliders, memory, others = [], [], [], [], []
    async with Viewer(server.address, "lab", "", 10_000) as first:
        await first.ask()  # the first page starts the trainer
    while trained_images(store) < 5_000 * count:  # everybody's first epoch
        await asyncio.sleep(0.5)
    before = await throughput(store, alone)
    async with Together(
        [Viewer(server.address, "lab", f"run={run.run_id}", i) for i, run in enumerate(runs)]
        + [Viewer(server.address, "lab", "", count + i) for i in range(count)]
    ) as viewers:
        live, still = viewers[:count], viewers[count:]
        firsts += await asyncio.gather(*(viewer.ask() for viewer in live))  # all at once
        await asyncio.gather(*(viewer.ask() for viewer in still))
        await asyncio.gather(*(watch(v, time.perf_counter() + settling, [], []) for v in viewers))
        until, used = time.perf_counter() + seconds, resource.getrusage(resource.RUSAGE_SELF)
        done, started = trained_images(store), time.perf_counter()
        watching = [asyncio.create_task(watch(v, until, updates, sliders)) for v in viewers]
        failed: list[str] = []
        watching.append(asyncio.create_task(stroll(server.address, until, others, failed)))
        if with_attacker:
            watching.append(asyncio.create_task(attack(server.address, until, failed)))
        while time.perf_counter() < until:
            await asyncio.sleep(2)
            memory.append(memory_mb(server.process.pid))
        during = (trained_images(store) - done) / (time.perf_counter() - started)
        await asyncio.gather(*watching)
        now = resource.getrusage(resource.RUSAGE_SELF)
        errors = [error for viewer in viewers for error in viewer.errors] + failed
    for error in errors[:5]:
        print(error, file=sys.stderr)
    viewers_seconds = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return {
        "first page, slowest (s)": max(firsts),
        "updates": len(updates),
        "update, p50 (s)": statistics.median(updates),
        "update, p95 (s)": statistics.quantiles(updates, n=20)[-1],
        "slider steps": len(sliders),
        "picture after a slider, p95 (s)": statistics.quantiles(sliders, n=20)[-1],
        "other pages opened": len(others),
        "another page, p95 (s)": statistics.quantiles(others, n=20)[-1],
        "training with nobody watching (images/s)": before,
        "training under load (images/s)": during,
        "share of training left": during / before,
        "cores that the simulated viewers took": viewers_seconds / seconds,
        "server memory, most (MB)": max(memory),
        "errors": len(errors),
    }


class Together:
    """Many viewers opened together and closed together."""

    def __init__(self, viewers):
        self.viewers = viewers

    async def __aenter__(self):
        for viewer in self.viewers:
            await viewer.__aenter__()
        return self.viewers

    async def __aexit__(self, *_):
        for viewer in self.viewers:
            await viewer.__aexit__()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--alone", type=float, default=30, help="seconds of training unwatched")
    parser.add_argument("--settling", type=float, default=0, help="seconds, before updates count")
    parser.add_argument("--peaceful", action="store_true", help="without the attacker")
    parser.add_argument("--out", type=Path, help="save the table as JSON, for docs/operations.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lab-load-") as folder:
        (Path(folder) / "lab.toml").write_text("[limits]\nepochs = 1000\nall_runs = 60\n")
        server = Server(Path(folder), LAB_CONFIG=str(Path(folder) / "lab.toml"))
        server.start()
        try:
            about = (options.viewers, options.seconds, options.alone, options.settling)
            table = asyncio.run(load(server, *about, not options.peaceful))
        finally:
            server.stop()
        if table["errors"]:
            print((Path(folder) / "server.log").read_text(), file=sys.stderr)
    wanted = HALL_GOALS if options.viewers >= HALL else GOALS
    if options.out:
        about = {
            "viewers": options.viewers,
            "seconds": options.seconds,
            "cores": os.cpu_count(),
            "processor": processor(),
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        }
        goals = {name: f"{goal:g}" for name, goal in wanted.items()}
        content = {**about, "goals": goals, "measured": table}
        options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{options.viewers} viewers, {options.seconds:g} s, {os.cpu_count()} cores")
    missed = 0
    for name, value in table.items():
        goal = wanted.get(name)
        verdict = ""
        if goal is not None:
            met = value >= goal if name == "share of training left" else value <= goal
            verdict, missed = f"(goal {goal:g}: {'met' if met else 'MISSED'})", missed + (not met)
        print(
            f"{name:44} {value:10,.3f} {verdict}"
            if isinstance(value, float)
            else f"{name:44} {value:10} {verdict}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
