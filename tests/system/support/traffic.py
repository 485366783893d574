# SPDX-License-Identifier: MIT
"""Numbered frames onto the links of a network, and what became of them.

`send` and `Sender` use packet sockets, exact and up to some 300,000 frames a second; `inject` and
`Injector` put frames into the receive path from kernel context, millions a second, but so that
the device's own counters do not grow.
"""

import json
import signal
import subprocess

from . import tools

STOP_SECONDS = 20


def _words(options):
    """{"rate": 5, "vlan": ["a", "b"]} as ["--rate=5", "--vlan=a", "--vlan=b"]"""
    words = []
    for name, value in options.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        words += [f"--{name.replace('_', '-')}={each}" for each in values]
    return words


class _Running:
    """A traffic tool at work."""

    def __init__(self, process):
        self._process = process
        self._said = None

    def wait(self, timeout=120):
        """Waits for its end; returns what it says that it sent."""
        if self._said is None:
            out, err = self._process.communicate(timeout=timeout)
            assert self._process.returncode == 0, f"exit {self._process.returncode}: {out}{err}"
            self._said = json.loads(out)
        return self._said

    def stop(self):
        """Ends it early; returns what it sent until then."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self.wait(STOP_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def _pinned(command, cpu):
    return command if cpu is None else ["taskset", "-c", str(cpu)] + command


class Sender(_Running):
    """send_frames in the background, on the links named (all by default)."""

    def __init__(self, network, *, interfaces=None, cpu=None, from_recorder=False, **options):
        command = [tools.ours("send_frames")]
        command += _words({"interface": interfaces or network.names, **options})
        start = network.start_recorded if from_recorder else network.start_sending
        super().__init__(start(_pinned(command, cpu), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True))


def send(network, timeout=120, **options):
    """Sends to the end and returns {"sent": …, "interfaces": {…}}."""
    with Sender(network, **options) as sender:
        return sender.wait(timeout)


class Injector(_Running):
    """The injector in the background; rate and count are those of all interfaces together."""

    def __init__(self, network, *, interfaces=None, **options):
        command = [tools.ours("inject")]
        command += _words({"interface": interfaces or network.names, **options})
        super().__init__(network.start_recorded(command, stdout=subprocess.PIPE,
                                                stderr=subprocess.PIPE, text=True))


def inject(network, timeout=120, **options):
    with Injector(network, **options) as injector:
        return injector.wait(timeout)


def check(*paths, sound=True, partial=False, **options):
    """What check_frames finds in files or folders. Faults of structure fail the test unless
    `sound` is given as False."""
    command = [tools.ours("check_frames")] + _words(options)
    if partial:
        command.append("--partial")
    done = tools.run(command + list(paths), check=False, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    if sound:
        assert found["error_count"] == 0, found["errors"][:5]
    return found


FLAWS = ["repeated", "late", "not_selected", "foreign", "content_wrong", "lengths_wrong"]


def flaws(account):
    """Those figures of an interface's account, missing frames apart, that are not 0 as they
    should be."""
    return {name: account[name] for name in FLAWS if account[name] != 0}
