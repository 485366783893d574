# SPDX-License-Identifier: MIT
"""The recorder as a process: started in a network, waited for, signalled, stopped, asked.

What is assumed of it beyond its manual stands here alone: the log line that says that every
interface is recorded, the words of the ledger in the log and at the end, and the ledger's JSON.
"""

import json
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from . import process, tools

READY = re.compile(r"\brecording \d+ interface")
START_SECONDS = 10
STOP_SECONDS = 20
FIGURES = ("filteraccept", "stored", "osdrop", "unwritten")


# The wall clock begins no new file under a test's hands, unless the test asks for it.
NO_CLOCK_ROTATION = ("--rotate-interval", "0")


def configuration(folder, interfaces, *, outputs=None, **rest):
    """Configuration text: `interfaces` are names or mappings, `outputs` mappings, by default one
    into `folder`; mappings without a directory get it too, and those without an interval none.
    Written as JSON, which is YAML."""
    outputs = [{**one, "rotate": {"interval": 0, **one.get("rotate", {})}}
               for one in outputs or [{}]]
    return json.dumps({
        "interfaces": [{"name": one} if isinstance(one, str) else one for one in interfaces],
        "outputs": [{"name": "main", "directory": str(folder), **one} for one in outputs],
        # None of its own: several recorders run beside each other, and beside the service.
        **{"control": {"socket": ""}, **rest},
    }, indent=1)


def sequence_of(path):
    """The number by which a file is counted: the last digits before the suffix."""
    return int(re.search(r"(\d+)\.pcapng(\.part)?$", Path(path).name).group(1))


class Recorder:
    """One life of the recorder. `options` are words of the command line; `config` is YAML text."""

    def __init__(self, network, folder, *, options=(), config=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Apart from the captures, whose disk may be full.
        self._work = tempfile.TemporaryDirectory(prefix="captest-work-")
        work = Path(self._work.name)
        self._log_path = work / f"{self.folder.name}.log"
        self._ledger_path = work / f"{self.folder.name}.ledger.json"
        self._ledger_path.unlink(missing_ok=True)
        command = [tools.ours("captured")]
        self.config_path = work / f"{self.folder.name}.yaml"
        if config is not None:
            self.config_path.write_text(config, encoding="utf-8")
            command += ["--config", str(self.config_path)]
        elif NO_CLOCK_ROTATION[0] not in options:
            command += NO_CLOCK_ROTATION
        command += ["--ledger-json", str(self._ledger_path), *options]
        with open(self._log_path, "w", encoding="utf-8") as log:
            self.process = network.start_recorded(command, stdout=log, stderr=subprocess.STDOUT)

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, f"ended at once: {self.log()}"
            return READY.search(self.log())

        process.wait_until(ready, START_SECONDS, "the recorder is ready")
        return self

    def __enter__(self):
        return self.wait_ready()

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.kill()
        if kind is not None:
            print(f"--- log of the recorder\n{self.log()[-4000:]}")

    def log(self):
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, *, expect=0, timeout=STOP_SECONDS):
        """SIGTERM, then waits; returns the ledger by interface, which must balance."""
        self.signal(signal.SIGTERM)
        return self.ended(expect=expect, timeout=timeout)

    def ended(self, *, expect=0, timeout=STOP_SECONDS):
        """Waits for its end. `expect` is the exit status, "failure" for any but 0, "any"."""
        status = self.process.wait(timeout)
        wanted = {"any": True, "failure": status > 0}.get(expect, status == expect)
        assert wanted, f"exit {status}, expected {expect}: {self.log()}"
        ledger = json.loads(self._ledger_path.read_text(encoding="utf-8"))["interfaces"]
        for name, row in ledger.items():
            settled = row["stored"] + row["osdrop"] + row["unwritten"]
            assert row["filteraccept"] == settled, f"the ledger of {name} does not balance: {row}"
        return ledger

    def logged_ledger(self, interface):
        """The figures of this interface that were logged or printed last."""
        words = "filteraccept", "stored", "osdrop", "unwritten"
        logged = rf"\b{re.escape(interface)} " + " ".join(rf"{word} (\d+)" for word in words)
        printed = rf"^{re.escape(interface)} +(\d+) +(\d+) +(\d+) +(\d+) "
        found = list(re.finditer(f"(?:{logged})|(?:{printed})", self.log(), re.MULTILINE))
        assert found, f"the log has no ledger of {interface}: {self.log()}"
        numbers = [int(number) for number in found[-1].groups() if number is not None]
        return dict(zip(FIGURES, numbers))

    def files(self):
        """The finished files in the order of their sequence."""
        return sorted(self.folder.glob("*.pcapng"), key=sequence_of)

    def parts(self):
        return sorted(self.folder.glob("*.pcapng.part"), key=sequence_of)

    def rotate(self, timeout=10):
        """SIGHUP, then waits until a further file is finished."""
        before = len(self._finished_names())
        self.signal(signal.SIGHUP)
        process.wait_until(lambda: len(self._finished_names()) > before, timeout,
                           "a rotation finishes a file", step=0.001)

    def _finished_names(self):
        return [entry.name for entry in self.folder.iterdir() if entry.name.endswith(".pcapng")]


def unfinished(folder):
    """The names of everything in a folder that is not a finished file, hidden or not: made ready
    (".next"), open (".part"), set aside (".damaged"), or what nobody has thought of. The empty
    ".OUTPUT.lock", by which an output claims its folder, stays for good and is passed over."""
    def is_expected(path):
        if path.name.startswith("."):
            return path.suffix == ".lock" and path.stat().st_size == 0
        return path.suffix == ".pcapng"

    return sorted(path.name for path in Path(folder).iterdir() if not is_expected(path))


def nothing_is_left(folder):
    """After a clean stop: finished files, and of lives that were killed what was set aside for it
    holds nothing."""
    left = unfinished(folder)
    assert [name for name in left if not name.endswith(".damaged")] == []
    for name in left:
        assert not any((Path(folder) / name).read_bytes()), "only what holds nothing is set aside"


def verify(*paths, losses=False):
    """capturectl verify must find whole files, and tell of losses when there were some."""
    done = tools.run([tools.ours("capturectl"), "verify", *paths], timeout=300, check=False)
    summary = done.stdout.strip().splitlines()[-1]
    found = re.search(r": 0 faults, (\d+) losses$", summary)
    assert found and (int(found.group(1)) > 0) == losses, done.stdout + done.stderr
    assert done.returncode == (1 if losses else 0), done.stdout
