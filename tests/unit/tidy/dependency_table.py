# SPDX-License-Identifier: MIT
"""Reads the dependency table, lib/CMakeLists.txt: the same lines that CMake builds from."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Module:
    """One line of the table; `reach` is the module itself and all it may include. A library that
    is built here from one source, lib/NAME.cpp, counts as a module that reaches nothing."""

    name: str
    depends: list
    libraries: list
    reach: set


def read(path: Path) -> dict:
    """The modules by name. Raises ValueError when the table cannot be true."""
    text = re.sub(r"#.*", "", path.read_text())
    own = re.findall(r"^add_library\(captured_(\w+) STATIC \1\.cpp\)", text, re.MULTILINE)
    modules = {name: Module(name, [], [], {name}) for name in own}
    for call in re.finditer(r"^captured_module\(([^)]*)\)", text, re.MULTILINE):
        lists = {"": [], "DEPENDS": [], "LIBRARIES": []}
        current = ""
        for word in call[1].split():
            if word in lists:
                current = word
            else:
                lists[current].append(word)
        (name,) = lists[""]
        unknown = [other for other in lists["DEPENDS"] if other not in modules]
        if unknown:
            raise ValueError(f"{path}: {name} depends on {unknown[0]}, which no line above defines")
        reach = {name}.union(*(modules[other].reach for other in lists["DEPENDS"]))
        modules[name] = Module(name, lists["DEPENDS"], lists["LIBRARIES"], reach)
    if len(modules) == len(own):
        raise ValueError(f"{path}: no line of the dependency table was found")
    return modules
