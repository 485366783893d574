# SPDX-License-Identifier: MIT
"""Pairs of virtual interfaces in two network namespaces of their own: one where recorders run,
one where traffic comes from. Nothing passes on the links but what a test sends.
"""

import os
import re
import subprocess
from pathlib import Path

from . import tools

PREFIX = "captest"
OFFLOADS = ["gro", "gso", "tso", "tx", "rx"]


class Link:
    """One pair: `name` is recorded, its peer of the same name in the other namespace sends."""

    def __init__(self, network, name):
        self.network = network
        self.name = name

    def sysfs(self, what):
        """A file of /sys/class/net of the recorded end, stripped."""
        return self.network.recorded(["cat", f"/sys/class/net/{self.name}/{what}"]).stdout.strip()

    @property
    def mac(self):
        return self.sysfs("address")

    @property
    def speed(self):
        """In bit/s."""
        return int(self.sysfs("speed")) * 1_000_000


class Network:
    """Use as a context; at its end the namespaces go, and with them the interfaces."""

    _made = 0

    def __init__(self, links=1):
        Network._made += 1
        identity = f"{PREFIX}-{os.getpid()}-{Network._made}"
        self.recorder_namespace = identity + "-rx"
        self.sender_namespace = identity + "-tx"
        self.links = []
        self._wanted = links

    def __enter__(self):
        try:
            for namespace in (self.recorder_namespace, self.sender_namespace):
                tools.run(["ip", "netns", "add", namespace])
                # Before any interface exists, or each would announce itself over IPv6.
                self._in(namespace, ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                                     "net.ipv6.conf.default.disable_ipv6=1"])
            for number in range(self._wanted):
                self.links.append(self.add_link(f"eth{number}"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace in (self.recorder_namespace, self.sender_namespace):
            tools.run(["ip", "netns", "delete", namespace], check=False)

    def add_link(self, name):
        """A further pair, up and silent."""
        tools.run(["ip", "link", "add", name, "netns", self.recorder_namespace, "type", "veth",
                   "peer", "name", name, "netns", self.sender_namespace])
        for namespace in (self.recorder_namespace, self.sender_namespace):
            self._in(namespace, ["ip", "link", "set", name, "arp", "off", "multicast", "off"])
            self._in(namespace, [tools.theirs("ethtool"), "-K", name]
                     + [word for feature in OFFLOADS for word in (feature, "off")])
            self._in(namespace, ["ip", "link", "set", name, "up"])
        return Link(self, name)

    def remove_link(self, link):
        self._in(self.recorder_namespace, ["ip", "link", "delete", link.name])
        self.links.remove(link)

    @property
    def names(self):
        return [link.name for link in self.links]

    @staticmethod
    def _in(namespace, command, **options):
        return tools.run(["ip", "netns", "exec", namespace] + command, **options)

    def recorded(self, command, **options):
        """Runs a command to its end where the recorders run."""
        return self._in(self.recorder_namespace, command, **options)

    def sending(self, command, **options):
        """Runs a command to its end where the traffic comes from."""
        return self._in(self.sender_namespace, command, **options)

    def start_recorded(self, command, **options):
        """Starts a command where the recorders run. `ip` becomes the command: the id is its own."""
        return self._start(self.recorder_namespace, command, **options)

    def start_sending(self, command, **options):
        return self._start(self.sender_namespace, command, **options)

    @staticmethod
    def _start(namespace, command, **options):
        # pylint: disable=consider-using-with
        return subprocess.Popen(["ip", "netns", "exec", namespace] + [str(w) for w in command],
                                **options)


def remove_leftovers():
    """Namespaces of test runs that were killed and could not clean up."""
    listed = tools.run(["ip", "netns", "list"]).stdout
    for name, owner in re.findall(rf"^({PREFIX}-(\d+)-\d+-[rt]x)\b", listed, re.MULTILINE):
        if not Path(f"/proc/{owner}").exists():
            tools.run(["ip", "netns", "delete", name], check=False)
