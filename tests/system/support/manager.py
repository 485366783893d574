# SPDX-License-Identifier: MIT
"""As much of a service manager as keeps descriptors: it hears the recorder on a notify socket,
keeps what it is given (sd_pid_notify_with_fds(3)) and passes it on to the next life
(sd_listen_fds_with_names(3)).
"""

import os
import socket
import tempfile
import threading
from pathlib import Path

FIRST_DESCRIPTOR = 3
ANCILLARY_MAX = 16


class Manager:
    """Use as a context; at its end it lets go of all that it keeps, as systemd does at a stop."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="captest-notify-")
        self._path = str(Path(self._folder.name) / "socket")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        self._lock = threading.Lock()
        self._kept = {}  # lists of descriptors by name
        self._ends = False
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"END=1", self._path)
        self._thread.join()
        self._socket.close()
        for name in list(self._kept):
            self._forget(name)
        self._folder.cleanup()

    def _listen(self):
        while True:
            text, descriptors, _, _ = socket.recv_fds(self._socket, 65536, ANCILLARY_MAX)
            if self._ends:
                return
            said = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
            with self._lock:
                if said.get("FDSTORE") == "1":
                    assert said.get("FDPOLL") == "0", "a link that goes down would end the socket"
                    self._keep(said.get("FDNAME", "stored"), descriptors)
                    descriptors = []
                elif said.get("FDSTOREREMOVE") == "1":
                    self._forget(said["FDNAME"])
            for one in descriptors:  # of a barrier: all before it was heard
                os.close(one)

    @staticmethod
    def _identity(descriptor):
        about = os.fstat(descriptor)
        return about.st_dev, about.st_ino

    def _keep(self, name, descriptors):
        there = {self._identity(one) for kept in self._kept.values() for one in kept}
        for one in descriptors:
            if self._identity(one) in there:
                os.close(one)
            else:
                self._kept.setdefault(name, []).append(one)

    def _forget(self, name):
        for one in self._kept.pop(name, []):
            os.close(one)

    @property
    def names(self):
        """Of what is kept, each with how many descriptors."""
        with self._lock:
            return {name: len(kept) for name, kept in self._kept.items()}

    def of(self, network):
        """Something to start recorders with, in the place of the network."""
        return _Starter(self, network)

    def start(self, network, command, **options):
        """A command where the recorders run, with what is kept."""
        with self._lock:
            passed = [(name, one) for name, kept in self._kept.items() for one in kept]

            def prepare():
                high = [os.dup2(one, 500 + i) for i, (_, one) in enumerate(passed)]
                for i, one in enumerate(high):
                    os.dup2(one, FIRST_DESCRIPTOR + i)  # which the command inherits
                    os.close(one)
                os.environ["NOTIFY_SOCKET"] = self._path
                os.environ["FDSTORE"] = "1024"
                if passed:
                    os.environ["LISTEN_PID"] = str(os.getpid())
                    os.environ["LISTEN_FDS"] = str(len(passed))
                    os.environ["LISTEN_FDNAMES"] = ":".join(name for name, _ in passed)

            # Python's own descriptors close by themselves when the command begins.
            return network.start_recorded(command, preexec_fn=prepare, close_fds=False, **options)


class _Starter:  # pylint: disable=too-few-public-methods
    def __init__(self, manager, network):
        self._manager = manager
        self._network = network

    def start_recorded(self, command, **options):
        return self._manager.start(self._network, command, **options)
