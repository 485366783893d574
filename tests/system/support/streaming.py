# SPDX-License-Identifier: MIT
"""A recorder with a stream to a collector on its loopback, and the collectors."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from . import process, tools, traffic
from .recorder import Recorder, configuration

PORT = 50051
END_SECONDS = 60


class Collector:
    """capturectl receive, on the recorder's loopback unless said."""

    def __init__(self, network, folder, *options, start=None, listen="127.0.0.1"):
        folder.mkdir(exist_ok=True)
        network.recorded(["ip", "link", "set", "lo", "up"])
        self.process = (start or network.start_recorded)(
            [tools.ours("capturectl"), "receive", "--json", "--listen", f"{listen}:{PORT}",
             *options, str(folder)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert "listening" in self.process.stderr.readline()

    def stop(self, number=signal.SIGINT):
        """Ends it; gives what it says of its streams."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=END_SECONDS)
        return [json.loads(line) for line in out.splitlines()]


class PythonCollector:
    """Python's gRPC, on the recorder's loopback; over TLS with certificates from a folder."""

    def __init__(self, network, *certificates_from):
        network.recorded(["ip", "link", "set", "lo", "up"])
        self.process = network.start_recorded(
            [sys.executable, str(Path(__file__).with_name("python_collector.py")), str(PORT),
             *map(str, certificates_from)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = self.process.stdout.readline()
        if said.startswith("SKIPPED"):
            pytest.skip(said.strip())
        assert said == "listening\n"

    def got(self):
        """Ends it; gives what it got."""
        out, _ = self.process.communicate("\n", timeout=END_SECONDS)
        return json.loads(out)


class Setting:
    def __init__(self, make_network, folder, *, interface="eth0", outputs=(None,), more=None,
                 **stream):
        """`outputs`: names of those that each record the interface."""
        self.folder = folder
        self.network = make_network()
        self.captures = folder / "captures"
        self.socket = folder / "control"
        self.rest = {"control": {"socket": str(self.socket)},
                     "streams": [{"name": "far", "to": f"http://127.0.0.1:{PORT}", **stream}],
                     **(more or {})}
        self.interface = {"name": interface, "ring": {"timeout": "50ms"}}
        self.recorder = Recorder(self.network, self.captures, config=self.text(outputs))

    def text(self, outputs):
        """The configuration."""
        named = [each for each in outputs if each]
        for each in named:
            (self.captures / each).mkdir(parents=True, exist_ok=True)
        return configuration(
            self.captures,
            [{**self.interface, "output": each} for each in named] or [self.interface],
            outputs=[{"name": each, "directory": str(self.captures / each)} for each in named],
            **self.rest)

    def reload(self, outputs):
        self.recorder.config_path.write_text(self.text(outputs), encoding="utf-8")
        tools.run([tools.ours("capturectl"), "reload", "--socket", self.socket])

    def figures(self):
        told = tools.run([tools.ours("capturectl"), "status", "--json", "--socket", self.socket],
                         check=False)
        assert told.stdout, told.stderr
        return json.loads(told.stdout)["streams"][0]

    def shown(self):
        """The line of the stream in the status for people."""
        told = tools.run([tools.ours("capturectl"), "status", "--socket", self.socket],
                         check=False).stdout
        return [line for line in told.splitlines() if line.startswith("stream far: ")]

    def wait_figures(self, condition, what):
        process.wait_until(lambda: condition(self.figures()), END_SECONDS, what, step=0.05)

    def stop(self, count):
        """The recording has all; gives the stream's closing figures, which must balance."""
        self.recorder.signal(signal.SIGTERM)
        assert self.recorder.process.wait(END_SECONDS) == 0
        ledger = self.recorder.logged_ledger("eth0")  # as another user it could write no other
        assert (ledger["stored"], ledger["osdrop"]) == (count, 0)
        found = re.findall(r"offered (\d+), sent (\d+), dropped (\d+), unconfirmed (\d+), own 0",
                           self.recorder.log())
        offered, sent, dropped, unconfirmed = map(int, found[-1])
        assert offered == count
        assert offered == sent + dropped
        return sent, dropped, unconfirmed


def numbers(reports, **expected):
    """What check_frames finds in the files of streams."""
    files = [name for each in reports for name in each["files"]]
    return traffic.check(*files, partial=True, **expected)["interfaces"]["eth0"]
