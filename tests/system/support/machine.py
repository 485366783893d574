# SPDX-License-Identifier: MIT
"""A machine of its own with a real systemd: this one's files under an overlay, booted in a
container, with the build installed as a package would. Nothing outside of it changes.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from . import process, tools

BOOT_SECONDS = 40
DISK = "64M"

# What would only take time and write; the first pulls in apt's timers.
MASKED = ["timers.target", "systemd-networkd.service", "systemd-resolved.service",
          "systemd-timesyncd.service", "systemd-logind.service", "e2scrub_reap.service"]


class Machine:
    """Use as a context. `run` runs a command inside; `disk` is /data there, and can hang."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="captest-machine-", dir="/run"))
        self.root = self.folder / "root"
        self.upper = self.folder / "upper"
        self.disk = self.folder / "disk"
        self._console = None
        self._container = None
        self._mounts = []
        self._frozen = False
        self.leader = None

    def __enter__(self):
        try:
            self._prepare()
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._frozen:
            self.thaw()
        if self._container is not None and self._container.poll() is None:
            if self.leader is not None:
                os.kill(self.leader, signal.SIGKILL)
            else:
                self._container.kill()
            self._container.wait(20)
        for mount in reversed(self._mounts):
            tools.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mount(self, where, *words):
        where.mkdir(exist_ok=True)
        done = tools.run(["mount", *words, where], check=False)
        if done.returncode != 0:
            pytest.skip(f"this machine cannot mount {words}: {done.stderr.strip()}")
        self._mounts.append(where)

    def _prepare(self):
        for program in ("systemd-nspawn", "nsenter", "mkfs.ext4", "fsfreeze", "cmake"):
            tools.theirs(program)
        self._mount(self.folder, "-t", "tmpfs", "-o", "size=768m,mode=755", "captest")
        self.upper.mkdir()
        (self.folder / "work").mkdir()
        self._mount(self.root, "-t", "overlay", "-o",
                    f"lowerdir=/,upperdir={self.upper},workdir={self.folder / 'work'}", "captest")
        image = self.folder / "disk.ext4"
        tools.run(["truncate", "-s", DISK, image])
        tools.run([tools.theirs("mkfs.ext4"), "-q", image])
        self._mount(self.disk, "-o", "loop", image)
        build = Path(tools.ours("captured")).parents[1]
        tools.run([tools.theirs("cmake"), "--install", build, "--prefix", "/usr"],
                  env={**os.environ, "DESTDIR": str(self.root)})
        # What is installed on this machine itself must not speak for the build.
        shutil.rmtree(self.root / "etc/systemd/system/captured.service.d", ignore_errors=True)
        for unit in MASKED:
            link = self.root / "etc/systemd/system" / unit
            link.unlink(missing_ok=True)
            link.symlink_to("/dev/null")

    def _boot(self):
        # pylint: disable=consider-using-with
        self._console = open(self.folder / "console", "w+", encoding="utf-8", errors="replace")
        name = self.folder.name.replace("_", "u")  # a host's name has none of these
        self._container = subprocess.Popen(
            [tools.theirs("systemd-nspawn"), "--quiet", "--boot", f"--directory={self.root}",
             f"--machine={name}", "--register=no", "--keep-unit", "--capability=all",
             "--private-network", "--console=pipe", "--link-journal=no",
             # Which the container would refuse, and a machine does not.
             "--system-call-filter=landlock_create_ruleset landlock_add_rule "
             "landlock_restrict_self",
             f"--bind={self.disk}:/data", "systemd.unit=basic.target"],
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.STDOUT)
        end = time.monotonic() + BOOT_SECONDS
        while not self._is_up():
            if self._container.poll() is not None or time.monotonic() > end:
                self._console.seek(0)
                pytest.skip("no container with systemd can be booted here: "
                            + " / ".join(self._console.read().strip().splitlines()[-3:]))
            time.sleep(0.2)

    def _is_up(self):
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children")
        pids = children.read_text(encoding="ascii").split() if children.exists() else []
        for pid in map(int, pids):
            if Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "systemd":
                self.leader = pid
        if self.leader is None:
            return False
        state = self.run(["systemctl", "is-system-running"], check=False).stdout.strip()
        return state in ("running", "degraded")

    def run(self, command, **options):
        """Runs a command inside, to its end."""
        return tools.run([tools.theirs("nsenter"), "-t", self.leader, "-a", *command], **options)

    def on_network(self, command, **options):
        """Runs a program of this machine on the other one's network."""
        return tools.run([tools.theirs("nsenter"), "-t", self.leader, "-n", *command], **options)

    def add_link(self, recorded, sender):
        """A pair of interfaces inside on which nothing passes but what a test sends."""
        self.on_network(["ip", "link", "add", recorded, "type", "veth", "peer", "name", sender])
        for name in (recorded, sender):
            self.on_network(["sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1"])
            self.on_network(["ip", "link", "set", name, "arp", "off", "multicast", "off"])
            self.on_network([tools.theirs("ethtool"), "-K", name, "gro", "off", "gso", "off", "tso",
                             "off", "tx", "off", "rx", "off"])
            self.on_network(["ip", "link", "set", name, "up"])
        process.wait_until(lambda: "LOWER_UP" in self.on_network(
            ["ip", "link", "show", recorded]).stdout, 5, f"{recorded} has a carrier")

    def path(self, inside):
        """Where a file of the other machine is found from here."""
        return Path(f"/proc/{self.leader}/root") / inside.lstrip("/")

    def freeze(self):
        """From here on everything that writes to /data hangs."""
        tools.run([tools.theirs("fsfreeze"), "-f", self.disk])
        self._frozen = True

    def thaw(self):
        tools.run([tools.theirs("fsfreeze"), "-u", self.disk], check=False)
        self._frozen = False


class Service:
    """captured.service on such a machine."""

    UNIT = "captured.service"

    def __init__(self, machine):
        self.machine = machine

    def systemctl(self, *words, **options):
        return self.machine.run(["systemctl", *words, self.UNIT], **options)

    def show(self, name):
        return self.systemctl("show", "--value", "-p", name).stdout.strip()

    @property
    def pid(self):
        """As this machine counts: that of the main process."""
        inside = self.show("MainPID")
        for entry in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = entry.read_text(encoding="utf-8").splitlines()
            except OSError:
                continue
            named = [line.split()[1:] for line in lines if line.startswith("NSpid:")][0]
            if len(named) == 2 and named[1] == inside and lines[0].split()[1] == "captured":
                return int(named[0])
        raise AssertionError(f"no captured has pid {inside} inside")

    def configure(self, text, drop_in=""):
        """Writes its configuration, and settings of the unit beside the shipped ones."""
        self.machine.path("/etc/captured/captured.yaml").write_text(text, encoding="utf-8")
        folder = self.machine.path("/etc/systemd/system/captured.service.d")
        folder.mkdir(exist_ok=True)
        (folder / "test.conf").write_text(drop_in, encoding="utf-8")
        self.machine.run(["systemctl", "daemon-reload"])

    def capturectl(self, *words, **options):
        return self.machine.run(["capturectl", *words], **options)

    def log(self):
        """What it said since the machine was booted."""
        return self.machine.run(["journalctl", "-b", "--no-pager", "-o", "cat", "-u",
                                 self.UNIT]).stdout
