# SPDX-License-Identifier: MIT
"""Holds a manual page against the program it describes: the options and commands that --help lists
and those that the page explains must be the same.

Usage: check_manual.py PAGE PROGRAM. Prints what one has and the other has not.
"""

import re
import subprocess
import sys
from pathlib import Path


def help_of(program, *command):
    run = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True)
    return run.stdout


def told_by(program):
    """Long options and commands, from the help of the program and of its commands."""
    text = help_of(program)
    listed = text.split("\ncommands:\n")
    commands = re.findall(r"^  (\w[\w-]*)", listed[1], re.MULTILINE) if len(listed) > 1 else []
    text += "".join(help_of(program, command) for command in commands)
    options = re.findall(r"^ +(?:-\w \[ )?--([a-z][a-z-]*)", text, re.MULTILINE)
    return {f"--{option}" for option in options} | set(commands)


def told_by_page(page):
    """The same, from the mdoc source of a page."""
    commands = re.findall(r"^\.It Cm ([\w-]+)", page, re.MULTILINE)
    return {f"--{option}" for option in re.findall(r"\bFl(?: \w ,)? -([a-z][a-z-]*)", page)} | set(
        commands)


def main(page, program):
    told, explained = told_by(program), told_by_page(Path(page).read_text())
    if program.endswith("capturectl"):
        told |= {"--version", "--help"}  # the list of commands needs no list of options
    for name in sorted(told - explained):
        print(f"{page}: does not explain {name}")
    for name in sorted(explained - told):
        print(f"{page}: explains {name}, which {Path(program).name} --help does not list")
    print(f"{len(told & explained)} options and commands agree")
    return 1 if told != explained or not told else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
