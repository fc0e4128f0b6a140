"""The limit of open files, in processes of their own: a limit once lowered cannot be raised again."""

import subprocess
import sys

import pytest

from core.paths import ROOT

resource = pytest.importorskip("resource")
ASK = "import logging; logging.basicConfig(); from core.live.server.files import raise_file_limit; "


def under(limits: tuple[int, int]) -> tuple[int, str]:
    """What raise_file_limit returns and logs under these limits, soft and hard."""
    done = subprocess.run(
        [sys.executable, "-c", ASK + "print(raise_file_limit())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits),
    )
    return int(done.stdout), done.stderr


@pytest.mark.parametrize("soft", [256, 1024])
def test_a_usual_limit_is_raised_as_far_as_the_system_allows(soft):
    """macOS' and a Linux login's: the 28th reload of a class of forty, and the 253rd page, were dead."""
    limit, said = under((soft, 8_192))
    assert limit == 8_192 and said == ""


def test_where_it_cannot_be_raised_the_log_says_for_how_many_pages_it_is_enough():
    limit, said = under((256, 1_024))
    assert limit == 1_024
    assert said.count("\n") == 1 and "enough for about 256 pages" in said and "ulimit -n 4096" in said


def test_the_server_raises_it_at_its_start():
    assert "raise_file_limit()" in (ROOT / "app.py").read_text()
