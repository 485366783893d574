# SPDX-License-Identifier: MIT
"""Fixtures of the system tests, and how their outcome becomes ctest's.

A run in which a test was skipped and none failed ends with 77, which ctest reports as skipped;
each reason is printed behind "SKIPPED:".
"""

import collections
import os
import tempfile
from pathlib import Path

import pytest

pytest.register_assert_rewrite("support")

from support import network as networks  # pylint: disable=wrong-import-position

EXIT_SKIPPED = 77
skipped = collections.Counter()  # by reason
failed = []


def pytest_runtest_logreport(report):
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        skipped[str(reason).removeprefix("Skipped: ")] += 1
    if report.failed:
        failed.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and skipped and not failed:
        session.exitstatus = EXIT_SKIPPED


def pytest_terminal_summary(terminalreporter):
    for reason, times in skipped.items():
        terminalreporter.write_line(f"SKIPPED: {reason} ({times} tests)")


@pytest.fixture(scope="session")
def root():
    """Everything here opens packet sockets and makes network namespaces."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes network namespaces and packet sockets")
    networks.remove_leftovers()


@pytest.fixture
def make_network(root):  # pylint: disable=unused-argument,redefined-outer-name
    """make_network(2) gives a network with two links, which goes with the test."""
    made = []

    def make(links=1):
        made.append(networks.Network(links))
        return made[-1].__enter__()  # pylint: disable=unnecessary-dunder-call

    yield make
    for network in made:
        network.__exit__()


@pytest.fixture
def folder():
    """A folder on the disk that goes with the test, whatever its outcome: captures are large."""
    with tempfile.TemporaryDirectory(prefix="captest-") as path:
        yield Path(path)
