# SPDX-License-Identifier: MIT
"""Holds the manual page of the configuration against the program: every key that --print-config
shows must be explained with its default, and no other. The page's examples must be free of errors.

Usage: check_keys_manual.py PAGE PROGRAM. Prints what one has and the other has not.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Named by the shipped configuration because something must be; it is no default.
NO_DEFAULT = ("name", "eth0")


def told_by(program):
    """Pairs of a key's path below its list, as the page names it, and its default."""
    text = subprocess.run([program, "--print-config"], capture_output=True, text=True,
                          check=True).stdout
    told = []
    sections = []  # names of the mappings around a line, with their indentation
    for line in text.splitlines():
        found = re.match(r"( *(?:- )?)([a-z_]+):(?: (.*))?$", line)
        if not found:
            continue
        indentation = len(found[1])
        sections = [one for one in sections if one[0] < indentation]
        if found[3] is None:
            sections.append((indentation, found[2]))
            continue
        names = [name for _, name in sections if name not in ("interfaces", "outputs")]
        told.append((".".join([*names, found[2]]), found[3]))
    return {pair if pair != NO_DEFAULT else ("name", None) for pair in told}


def told_by_page(page):
    """The same, from the mdoc source of the page."""
    found = re.findall(r"^\.It Cm ([a-z_.]+)(?: No (.*))?$", page, re.MULTILINE)
    return {(name, default.replace(r"\&", "") or None) for name, default in found}


def examples_of(page):
    return re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", page, re.MULTILINE | re.DOTALL)


def check_example(program, text):
    """What the program says of a configuration with errors; nothing when it is good."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([program, "--check-config", file.name], capture_output=True,
                              text=True, check=False)
        return "" if done.returncode == 0 else done.stderr


def main(page, program):
    text = Path(page).read_text(encoding="utf-8")
    told, explained = told_by(program), told_by_page(text)
    for name, default in sorted(told - explained, key=str):
        print(f"{page}: does not explain {name} with the default {default}")
    for name, default in sorted(explained - told, key=str):
        print(f"{page}: explains {name} with the default {default}, which the program has not")
    wrong = [errors for one in examples_of(text) if (errors := check_example(program, one))]
    for errors in wrong:
        print(f"{page}: an example has errors:\n{errors}")
    print(f"{len(told & explained)} keys agree, {len(examples_of(text))} examples")
    return 1 if told != explained or not told or wrong or not examples_of(text) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
