"""What a system without POSIX calls needs: Windows lacks these modules and these functions."""

import subprocess
import sys

import pytest

from core.paths import ROOT

PROGRAM = """
import os, pkgutil, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None  # importing it is an ImportError
for name in ("nice", "sched_getaffinity", "fork", "getuid"):
    if hasattr(os, name):
        delattr(os, name)
import core
names = [module.name for module in pkgutil.walk_packages(core.__path__, "core.")]
for name in names:
    if name != "core.__main__":
        __import__(name)
import pages.shared
for module in pkgutil.walk_packages(pages.shared.__path__, "pages.shared."):
    __import__(module.name)
from core.training.devices import allowed_cpus
assert allowed_cpus() >= 1
print(len(names))
"""


@pytest.mark.slow
def test_every_module_is_imported_without_posix():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
