# SPDX-License-Identifier: MIT
"""Compiles every header alone, twice over in one file, so that each can be the first #include of a
stranger's source. A header that stands first in the .cpp beside it needs no compiling here: the
build does it.

Usage: check_headers.py ROOT COMPILER [FLAG…]. Fails when a header does, or when there is none.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rules


def headers_of(root):
    for folder in ("lib", "daemon", "tests"):
        yield from sorted((root / folder).rglob("*.hpp"))


def first_in_its_source(header):
    """Does the source of the same name begin with it? Then the build proves it."""
    source = header.with_suffix(".cpp")
    lines = source.read_text().splitlines() if source.is_file() else []
    first = next(filter(None, map(rules.INCLUDE.match, lines)), None)
    return bool(first) and header.as_posix().endswith("/" + first[2])


def compile_alone(root, header, command):
    """What the compiler says against the header, or nothing."""
    name = header.relative_to(root)
    line = f'#include "{header}"\n'
    folders = [root / "lib", *header.parents[:len(name.parts)], root / "daemon", root / "tests"]
    where = [f"-I{folder}" for folder in folders]
    run = subprocess.run([*command, *where, "-fsyntax-only", "-x", "c++", "-"],
                         input=line + line, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return None
    return f"{name}:1: does not compile alone\n{run.stderr.rstrip()}"


def main(root, *command):
    root = Path(root).resolve()
    every = list(headers_of(root))
    headers = [header for header in every if not first_in_its_source(header)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(lambda header: compile_alone(root, header, command), headers))
    complaints = [text for text in said if text]
    print(*complaints, sep="\n", end="\n" if complaints else "")
    print(f"{len(headers)} headers compiled alone, {len(every) - len(headers)} stand first in "
          f"their source, {len(complaints)} complaints")
    return 1 if complaints or not every else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
