# SPDX-License-Identifier: MIT
"""Where the programs are, and how a program is run to its end.

CAPTURED_BIN names the folder of our own programs (the build's bin). Other programs come from PATH.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def ours(name):
    """The path of one of our programs. One that was not built is a failure, no reason to skip."""
    folder = os.environ.get("CAPTURED_BIN")
    assert folder, "CAPTURED_BIN is not set: run these tests through ctest"
    path = Path(folder) / name
    assert path.exists(), f"{path} was not built"
    return str(path)


def theirs(name):
    """The path of somebody else's program; the test is skipped where it is not installed."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run(command, *, timeout=60, check=True, **options):
    """Runs a command to its end with its output as text; a failure quotes what it said."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=timeout,
        check=False,
        **options,
    )
    if check:
        assert done.returncode == 0, (
            f"{' '.join(str(word) for word in command)}: exit {done.returncode}\n"
            f"{done.stdout}{done.stderr}"
        )
    return done
