"""A class on two servers behind nginx, with the very files of docs/operations.md."""

import re
import shutil
import socket
import subprocess

import pytest
from playwright.sync_api import Browser, Page, expect

from core.live.classroom.classroom import Classroom, Lesson
from core.live.runs.store import Store
from core.paths import ROOT
from tests.browser.actions import draw_line, unlock
from tests.browser.server import Server, open_page, with_teacher
from tests.samples import wait_until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(not NGINX, reason="nginx is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Proxy:
    """nginx, as the docs set it up, on free ports."""

    def __init__(self, folder, servers: list[Server]):
        text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        (site,) = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
        self.port = free_port()
        self.address = f"http://lab.localhost:{self.port}"
        ports = {"8501": servers[0].port, "8502": servers[1].port, "listen 80;": f"listen {self.port};"}
        for written, here in ports.items():
            assert written in site
            site = site.replace(written, str(here))
        (folder / "site.conf").write_text(site)
        kept = "".join(
            f"{name}_temp_path {folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}} "
            f"http {{ access_log off; {kept} include {folder}/site.conf; }}"
        )
        self.command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self.error_log = folder / "error.log"

    def start(self) -> None:
        self.process = subprocess.Popen(self.command)
        wait_until(self.answers, 20)

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """Two servers on one data folder, and the proxy before them. The last test kills one of them."""
    folder = tmp_path_factory.mktemp("school")
    given = with_teacher(folder)
    servers = [Server(folder, **given), Server(folder, **given)]
    proxy = Proxy(folder, servers)
    for server in servers:
        server.environment["LAB_ADDRESS"] = proxy.address
        server.start()
    proxy.start()
    yield servers, proxy
    proxy.stop()
    for server in servers:
        server.stop()
    assert "Traceback" not in (folder / "server.log").read_text()


@pytest.fixture
def visit(browser: Browser, school):
    """Opens a page for somebody whom the proxy has given to this server: "one" or "two"."""
    contexts, (_, proxy) = [], school

    def visit(server: str, width: int = 390) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.add_cookies([{"name": "lab_server", "value": server, "url": proxy.address}])
        contexts.append(context)
        return context.new_page()

    yield visit
    for context in contexts:
        context.close()


def test_who_comes_for_the_first_time_stays_with_one_server(school, page):
    _, proxy = school
    context = page.context
    open_page(page, proxy, "/", "Can a network learn from lies?")
    (first,) = [c["value"] for c in context.cookies() if c["name"] == "lab_server"]
    for _ in range(3):
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        (now,) = [c["value"] for c in context.cookies() if c["name"] == "lab_server"]
        assert now == first


@pytest.mark.timeout(400)
def test_a_room_is_played_across_two_servers_one_of_which_is_killed(school, visit):
    (one, _), proxy = school
    store = Store(one.folder / "runs.sqlite")
    room = Classroom(store).open_room(Lesson("Lies"))
    ann, ben, teacher = visit("one"), visit("two"), visit("two", width=1280)

    for student in (ann, ben):  # guesses of both servers are one room's
        open_page(student, proxy, f"/guess?room={room}", "Guess first")
        for last in (0.4, 0.9):
            draw_line(student, 0.2, last)
            student.locator(".guess-board .onward").click()
    expect(ben.get_by_text("2 guesses so far")).to_be_visible()
    expect(ann.get_by_text("2 guesses so far")).to_be_visible()

    open_page(ann, proxy, f"/lab?room={room}&seed=41&epochs=400", "Lab")
    ann.get_by_role("button", name=re.compile("Start training")).click()
    trained = re.compile(r"Epoch [1-9]\d* of 400 · .* left")
    expect(ann.get_by_text(trained)).to_be_visible(timeout=60_000)
    (run,) = store.active_runs()
    open_page(ben, proxy, f"/lab?run={run.run_id}", "Lab")  # a run watched from the other server
    expect(ben.get_by_text(trained)).to_be_visible()
    expect(ben.get_by_text("Another visitor started this run")).to_be_visible()

    unlock(teacher, proxy)  # who is on the other server than the run's owner
    teacher.get_by_role("button", name="Pause all").click()
    for student in (ann, ben):
        expect(student.get_by_text("paused all")).to_be_visible()
    teacher.get_by_role("button", name="Resume all").click()
    expect(ann.get_by_text(trained)).to_be_visible()

    one.process.kill()  # its trainer ends with it, and the other server starts one
    one.process.wait()
    done = store.run(run.run_id).epochs_done
    expect(ann.get_by_text(trained)).to_be_visible(timeout=60_000)
    wait_until(lambda: store.run(run.run_id).epochs_done > done + 3, 90)
    expect(ann.get_by_role("button", name=re.compile("^Pause"))).to_be_visible()  # it is still hers
    ann.get_by_role("button", name=re.compile("^Cancel")).click()
    expect(ben.get_by_text(re.compile("of 400 · cancelled"))).to_be_visible()
    (answered,) = [c["value"] for c in ann.context.cookies() if c["name"] == "lab_server"]
    assert answered == "two"
    for page in (ann, ben, teacher):
        expect(page.get_by_test_id("stException")).to_have_count(0)
