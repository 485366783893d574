# SPDX-License-Identifier: MIT
"""Holds every source file against the dependency table and the rules in rules.py. Reads text, and
compiles nothing: that a header compiles alone is check_headers.py's affair.

Usage: check_sources.py ROOT. Prints FILE:LINE: what is wrong; fails when anything is.
"""

import re
import sys
from pathlib import Path

import dependency_table
import rules

SOURCE_NAMES = ("*.cpp", "*.hpp", "*.c", "*.h", "*.py", "*.cmake", "CMakeLists.txt")


class Tree:
    """All files under the rules, their lines and includes, and the complaints about them."""

    def __init__(self, root: Path):
        self.root = root
        self.modules = dependency_table.read(root / "lib/CMakeLists.txt")
        self.lines = {}
        self.includes = {}
        self.complaints = []
        for path in self._paths():
            name = path.relative_to(root).as_posix()
            self.lines[name] = path.read_text(errors="replace").split("\n")
            found = ((n, rules.INCLUDE.match(line)) for n, line in enumerate(self.lines[name], 1))
            self.includes[name] = [(n, hit[1] == '"', hit[2]) for n, hit in found if hit]

    def _paths(self):
        for folder in ("lib", "daemon", "tests", ".ci"):
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and "data" not in path.relative_to(self.root).parts:
                    if any(path.match(name) for name in SOURCE_NAMES) or is_script(path):
                        yield path
        for name in ("CMakeLists.txt", "dev"):
            if (self.root / name).is_file():
                yield self.root / name

    def complain(self, name, line, words):
        self.complaints.append(f"{name}:{line}: {words}")

    def code(self):
        """Names of C++ files that are part of the product."""
        return [name for name in cpp_files(self.lines) if not name.startswith("tests/")]

    def resolve(self, name, header):
        """The file of ours that this header is, or nothing."""
        folders = ["lib", *(folder.as_posix() for folder in Path(name).parents), "daemon", "tests"]
        candidates = ((Path(folder) / header).as_posix() for folder in folders)
        return next((candidate for candidate in candidates if candidate in self.lines), None)


def is_script(path):
    if path.suffix in (".sh", ""):
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    return False


def cpp_files(names):
    return [name for name in names if Path(name).suffix in (".cpp", ".hpp", ".c", ".h")]


# ---- Who may include what -------------------------------------------------------------------


def module_of(name):
    """The module that a file of lib/ belongs to, or that a file of tests/unit/ tests."""
    parts = Path(name).parts
    if parts[0] == "lib":
        return parts[1].removesuffix(".cpp")
    if parts[:2] == ("tests", "unit") and len(parts) > 3:
        return parts[2]
    return None


def check_arrows(tree):
    for name in cpp_files(tree.lines):
        in_lib = name.startswith("lib/")
        module = tree.modules.get(module_of(name))
        if in_lib and module is None:
            tree.complain(name, 1, "lies in a folder that the dependency table does not name")
            continue
        for line, quoted, header in tree.includes[name]:
            top = header.split("/")[0] if "/" in header else None
            if quoted and tree.resolve(name, header) is None:
                tree.complain(name, line, f'"{header}" is no file of ours, seen from lib/ or here')
            elif module and top in tree.modules and top not in module.reach:
                tree.complain(name, line, f"{module.name} must not include {header}: its line in "
                              f"lib/CMakeLists.txt does not lead to {top}")
            elif in_lib and quoted and top and top not in tree.modules:
                tree.complain(name, line, f"lib must not include {header}, which lies outside it")
            elif not quoted and top in tree.modules:
                tree.complain(name, line, f"<{header}> is ours: write it in quotation marks")


def check_libraries(tree):
    for name in tree.code():
        module = tree.modules.get(module_of(name))
        if module is None:
            continue
        # A header of a deeper module may show a library; using it takes a line of one's own.
        for line, _, header in tree.includes[name]:
            for library, pattern in rules.HEADERS_OF_LIBRARY.items():
                allowed = module.reach.union(module.libraries)
                if re.match(pattern, header) and library not in allowed:
                    tree.complain(name, line, f"{header}: {library} is not on the line of "
                                  f"{module.name} in lib/CMakeLists.txt")


def check_places(tree):
    for name in tree.code():
        for line, _, header in tree.includes[name]:
            for what, pattern, places in rules.PLACES:
                if re.match(pattern, header) and not name.startswith(places):
                    tree.complain(name, line, f"{header}: {what} belongs in {', '.join(places)}")
    for what, pattern, count in rules.FEW_SOURCES:
        users = {
            name: line
            for name in tree.code()
            for line, _, header in tree.includes[name]
            if re.match(pattern, header)
        }
        for name in users:
            if not name.endswith(".cpp"):
                tree.complain(name, users[name], f"{what} in a header: it lives in a .cpp")
        if len(users) > count:
            tree.complain(max(users), users[max(users)],
                          f"{what} lives in {count} .cpp, not in {', '.join(sorted(users))}")


# ---- What must stay pure --------------------------------------------------------------------


def check_pure(tree):
    for name in tree.code():
        if not name.startswith(rules.PURE) or name.startswith(rules.PURE_EXCEPTIONS):
            continue
        for line, _, header in tree.includes[name]:
            for what, via in impurities(tree, name, header, {name}):
                tree.complain(name, line, f"{header}: must know nothing of {what}{via}")
        for line, text in enumerate(tree.lines[name], 1):
            for what, pattern in rules.IMPURE_WORDS:
                if re.search(pattern, text.split("//")[0]):
                    tree.complain(name, line, f"{what}; take the moment as an argument")


def impurities(tree, name, header, seen):
    """What is impure about an include, followed through files of ours."""
    for what, pattern in rules.IMPURE_HEADERS:
        if re.match(pattern, header):
            yield what, ""
    ours = tree.resolve(name, header)
    if ours is None or ours in seen or ours.startswith(rules.PURE_EXCEPTIONS):
        return
    seen.add(ours)
    for _, _, deeper in tree.includes[ours]:
        for what, via in impurities(tree, ours, deeper, seen):
            yield what, via or f" ({ours} includes {deeper})"


# ---- What a file looks like -----------------------------------------------------------------


def check_layout(tree):
    for name, lines in tree.lines.items():
        first = 1 if lines[0].startswith("#!") else 0
        if len(lines) <= first or "SPDX-License-Identifier: MIT" not in lines[first]:
            tree.complain(name, first + 1, "does not begin with its SPDX line")
        if lines[-1] != "":
            tree.complain(name, len(lines), "does not end with a newline")
        if len(lines) - 1 > rules.LINES_MAX:
            tree.complain(name, rules.LINES_MAX, f"{len(lines) - 1} lines, more than "
                          f"{rules.LINES_MAX}")
        for number, text in enumerate(lines, 1):
            if len(text) > rules.COLUMNS_MAX:
                tree.complain(name, number, f"{len(text)} columns, more than {rules.COLUMNS_MAX}")
            if text != text.rstrip() or "\t" in text:
                tree.complain(name, number, "tab or space at the end of the line, or a tab in it")
            if re.search(rules.OPEN_ENDS, text):
                tree.complain(name, number, "leaves an open end in the code")


def check_headers(tree):
    for name in cpp_files(tree.lines):
        lines = tree.lines[name]
        if name.endswith(".hpp"):
            comment = 0
            while comment + 1 < len(lines) and lines[comment + 1].startswith("//"):
                comment += 1
            said = sum(1 for text in lines[1 : comment + 1] if text.strip("/ "))
            if not 1 <= said <= 8:
                tree.complain(name, 2, f"{said} lines say what this is and is not, not 1 to 8")
            if "#pragma once" not in lines:
                tree.complain(name, 1, "has no #pragma once")
        for line, _, header in tree.includes[name]:
            if re.match(rules.UNREADABLE_HEADERS, header):
                tree.complain(name, line, f"<{header}>: GCC 12 and clang 14 must both read it")
        for line, text in enumerate(lines, 1):
            if re.search(rules.UNREADABLE_WORDS, text.split("//")[0]):
                tree.complain(name, line, "clang 14 cannot read this with GCC 12's library")


def check_functions(tree):
    """Relies on clang-format: a body that opens in column 0 closes with a brace in column 0."""
    opens = re.compile(r"^[^\s#/}].*\{$")
    no_function = re.compile(r"^(namespace|extern|struct|class|union|enum|template.*(struct|class)|"
                             r"using|(static |inline )?(constexpr|constinit|const) .*=)")
    for name in cpp_files(tree.lines):
        begin = None
        for number, text in enumerate(tree.lines[name], 1):
            if begin is None and opens.match(text) and not no_function.match(text):
                begin = number
            elif begin is not None and text.startswith("}"):
                if number - begin + 1 > rules.FUNCTION_LINES_MAX:
                    tree.complain(name, begin, f"a function of {number - begin + 1} lines, more "
                                  f"than {rules.FUNCTION_LINES_MAX}")
                begin = None


CHECKS = (check_arrows, check_libraries, check_places, check_pure, check_layout, check_headers,
          check_functions)


def main(root):
    try:
        tree = Tree(Path(root))
    except (OSError, ValueError) as error:
        print(f"check_sources: {error}")
        return 1
    for check in CHECKS:
        check(tree)
    for complaint in sorted(set(tree.complaints)):
        print(complaint)
    print(f"{len(tree.lines)} files checked, {len(set(tree.complaints))} complaints")
    return 1 if tree.complaints or not cpp_files(tree.lines) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
