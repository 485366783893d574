# SPDX-License-Identifier: MIT
"""The program of main.go, which reads and writes captures by gopacket's pcapgo."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile

GOPACKET = "/usr/share/gocode/src/github.com/google/gopacket"
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "main.go")


def missing():
    """What is not installed; empty when all is there."""
    if shutil.which("go") is None or not os.path.isdir(GOPACKET):
        return "no golang-github-google-gopacket-dev"
    return ""


@functools.cache
def built():
    """The path of the program, built in a folder that goes with this process."""
    folder = tempfile.mkdtemp(prefix="captured-pcapgo-")
    atexit.register(shutil.rmtree, folder)
    program = os.path.join(folder, "pcapgo")
    environment = {**os.environ, "GOPATH": "/usr/share/gocode", "GO111MODULE": "off",
                   "GOCACHE": os.path.join(folder, "cache"), "CGO_ENABLED": "0", "GOFLAGS": ""}
    done = subprocess.run(["go", "build", "-o", program, SOURCE], env=environment, check=False,
                          capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"go build: {done.stderr!r}")
    return program
