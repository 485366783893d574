# SPDX-License-Identifier: MIT
"""The checkers are tested too: small trees that break one rule each must make them fail."""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path

import check_headers
import check_keys_manual
import check_manual
import check_sources
import dependency_table

SPDX = "// SPDX-License-Identifier: MIT\n"
TABLE = """# SPDX-License-Identifier: MIT
add_library(captured_asio STATIC asio.cpp)
captured_module(base)   # the floor
captured_module(packet   DEPENDS base)
captured_module(format   DEPENDS packet
                         LIBRARIES ZLIB::ZLIB)
captured_module(storage  DEPENDS packet LIBRARIES PkgConfig::uring)
captured_module(pipeline DEPENDS format storage asio LIBRARIES spdlog::spdlog)
"""


def header(text=""):
    return SPDX + "//\n// A thing of this test,\n// not for use.\n#pragma once\n" + text


def function(line_count):
    return SPDX + "void f() {\n" + "  g();\n" * (line_count - 2) + "}\n"


class Trees(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("lib/CMakeLists.txt", TABLE)
        self.write("lib/base/error.hpp", header("#include <string>\n"))

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_checker(self, main, *arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = main(self.root, *arguments)
        return status, out.getvalue()

    def accepts(self, name, text):
        self.write(name, text)
        status, said = self.run_checker(check_sources.main)
        self.assertEqual(status, 0, said)

    def refuses(self, name, text, reason):
        self.write(name, text)
        status, said = self.run_checker(check_sources.main)
        self.assertEqual(status, 1, said)
        self.assertRegex(said, f"(?m)^{name}:\\d+: .*{reason}")
        self.assertEqual(said.count("\n"), 2, said)  # this complaint alone, and the last line


class TheTable(Trees):
    def test_leads_to_what_a_module_may_reach(self):
        modules = dependency_table.read(self.root / "lib/CMakeLists.txt")
        self.assertEqual(modules["format"].reach, {"format", "packet", "base"})
        self.assertEqual(modules["format"].libraries, ["ZLIB::ZLIB"])

    def test_with_an_arrow_upwards_is_refused(self):
        self.write("lib/CMakeLists.txt", "captured_module(base DEPENDS packet)\n")
        status, said = self.run_checker(check_sources.main)
        self.assertEqual(status, 1)
        self.assertIn("packet", said)

    def test_without_a_line_is_refused(self):
        self.write("lib/CMakeLists.txt", "")
        self.assertEqual(self.run_checker(check_sources.main)[0], 1)


class Arrows(Trees):
    def test_down_the_table_are_accepted(self):
        self.accepts("lib/format/a.cpp", SPDX + '#include "base/error.hpp"\n#include <zlib.h>\n')

    def test_between_neighbours_are_refused(self):
        self.write("lib/storage/file.hpp", header())
        self.refuses("lib/format/a.cpp", SPDX + '#include "storage/file.hpp"\n',
                     "format must not include storage/file.hpp")

    def test_upwards_are_refused(self):
        self.write("lib/format/a.hpp", header())
        self.refuses("lib/base/b.cpp", SPDX + '#include "format/a.hpp"\n', "base must not include")

    def test_out_of_the_library_are_refused(self):
        self.write("tests/support/fake.hpp", header())
        self.refuses("lib/base/b.cpp", SPDX + '#include "support/fake.hpp"\n', "lies outside it")

    def test_to_a_missing_file_are_refused(self):
        self.refuses("lib/base/b.cpp", SPDX + '#include "base/absent.hpp"\n', "no file of ours")

    def test_of_a_unit_test_follow_its_module(self):
        self.write("lib/storage/file.hpp", header())
        self.accepts("tests/unit/storage/test_file.cpp", SPDX + '#include "storage/file.hpp"\n')
        self.refuses("tests/unit/format/test_a.cpp", SPDX + '#include "storage/file.hpp"\n',
                     "format must not include")

    def test_to_a_library_need_its_name_on_the_line(self):
        self.refuses("lib/storage/a.cpp", SPDX + "#include <zlib.h>\n", "ZLIB::ZLIB is not on")

    def test_from_a_folder_without_a_line_are_refused(self):
        self.refuses("lib/other/a.cpp", SPDX, "does not name")


class Places(Trees):
    def test_of_asio_are_few(self):
        self.accepts("lib/pipeline/writer.cpp", SPDX + "#include <boost/asio/post.hpp>\n")
        self.accepts("lib/asio.cpp", SPDX + "#include <boost/asio/impl/src.hpp>\n")
        self.accepts("daemon/main.cpp", SPDX + "#include <boost/asio/post.hpp>\n")
        self.write("lib/CMakeLists.txt", TABLE.replace("packet LIB", "packet asio LIB"))
        self.accepts("lib/storage/file_writer.cpp", SPDX + "#include <boost/asio/post.hpp>\n")
        self.refuses("lib/storage/file.cpp", SPDX + "#include <boost/asio.hpp>\n", "Asio belongs")

    def test_of_asio_need_it_on_the_line(self):
        self.refuses("lib/storage/file_writer.cpp", SPDX + "#include <boost/asio/post.hpp>\n",
                     "asio is not on the line of storage")

    def test_of_the_service_manager_are_one(self):
        self.accepts("daemon/service_notify.cpp", SPDX + "#include <systemd/sd-daemon.h>\n")
        self.refuses("daemon/main.cpp", SPDX + "#include <systemd/sd-daemon.h>\n", "belongs in")

    def test_of_options_are_the_command_lines(self):
        use = "#include <boost/program_options.hpp>\n"
        self.accepts("daemon/command_line.cpp", SPDX + use)
        self.accepts("daemon/capturectl_sort.cpp", SPDX + use)
        self.refuses("daemon/recording.cpp", SPDX + use, "Program_options belongs in")

    def test_of_yaml_are_one_source_and_no_header(self):
        self.write("lib/CMakeLists.txt", TABLE.replace("ZLIB::ZLIB", "yaml-cpp"))
        use = "#include <yaml-cpp/yaml.h>\n"
        self.accepts("lib/format/a.cpp", SPDX + use)
        self.refuses("lib/format/b.cpp", SPDX + use, "lives in 1 .cpp")
        (self.root / "lib/format/b.cpp").unlink()
        (self.root / "lib/format/a.cpp").unlink()
        self.refuses("lib/format/a.hpp", header(use), "in a header")


class Purity(Trees):
    def test_forbids_files_logs_and_asio(self):
        for line in ("<fstream>", "<sys/stat.h>", "<iostream>", "<mutex>", "<sys/time.h>"):
            self.refuses("lib/storage/rotation.cpp", SPDX + f"#include {line}\n", "know nothing of")

    def test_does_not_bind_other_files(self):
        self.accepts("lib/storage/file.cpp", SPDX + "#include <sys/stat.h>\n")
        self.accepts("lib/base/mapping.cpp", SPDX + "#include <sys/mman.h>\n")

    def test_follows_includes(self):
        self.write("lib/storage/file.hpp", header("#include <sys/stat.h>\n"))
        self.write("lib/storage/between.hpp", header('#include "storage/file.hpp"\n'))
        self.refuses("lib/pipeline/flow_x.hpp", header('#include "storage/between.hpp"\n'),
                     "files .lib/storage/file.hpp includes sys/stat.h")

    def test_forbids_to_read_a_clock(self):
        self.accepts("lib/format/a.cpp", SPDX + "// not system_clock::now()\n")
        self.refuses("lib/format/a.cpp", SPDX + "auto t = std::chrono::system_clock::now();\n",
                     "reads a clock")


class Layout(Trees):
    def test_wants_the_licence_first(self):
        self.refuses("lib/base/a.cpp", "\n" + SPDX, "SPDX")
        self.accepts("lib/base/a.cpp", SPDX)
        self.refuses("dev", "#!/bin/sh\n# no licence\n", "SPDX")

    def test_bounds_files_lines_and_functions(self):
        self.accepts("lib/base/a.cpp", SPDX + "//\n" * 399)
        self.refuses("lib/base/a.cpp", SPDX + "//\n" * 400, "401 lines")
        self.accepts("lib/base/a.cpp", SPDX + "/" * 100 + "\n")
        self.refuses("lib/base/a.cpp", SPDX + "/" * 101 + "\n", "101 columns")
        self.accepts("lib/base/a.cpp", function(70))
        self.refuses("lib/base/a.cpp", function(71), "function of 71 lines")

    def test_wants_no_open_ends(self):
        self.refuses("lib/base/a.cpp", SPDX + "// TO" + "DO later\n", "open end")

    def test_wants_headers_that_say_what_they_are(self):
        self.refuses("lib/base/a.hpp", SPDX + "#pragma once\n", "say what this is")
        self.refuses("lib/base/a.hpp", header().replace("#pragma once\n", ""), "pragma")

    def test_wants_code_that_both_compilers_read(self):
        self.refuses("lib/base/a.cpp", SPDX + "#include <format>\n", "must both read")
        self.refuses("lib/base/a.cpp", SPDX + "auto v = std::views::all(x);\n", "cannot read")


class Headers(Trees):
    def compiler(self):
        return [os.environ.get("CXX", "c++"), "-std=c++20"]

    def test_that_compile_alone_are_accepted(self):
        status, said = self.run_checker(check_headers.main, *self.compiler())
        self.assertEqual(status, 0)
        self.assertIn("1 headers compiled alone, 0 stand first", said)

    def test_that_lean_on_another_include_are_refused(self):
        self.write("lib/base/a.hpp", header("inline std::string name();\n"))
        status, said = self.run_checker(check_headers.main, *self.compiler())
        self.assertEqual(status, 1)
        self.assertIn("lib/base/a.hpp:1: does not compile alone", said)

    def test_without_a_guard_are_refused(self):
        self.write("lib/base/a.hpp", SPDX + "inline int f() { return 1; }\n")
        self.assertEqual(self.run_checker(check_headers.main, *self.compiler())[0], 1)

    def test_that_stand_first_in_their_source_are_left_to_the_build(self):
        self.write("lib/base/error.cpp", SPDX + '#include "base/error.hpp"\n')
        status, said = self.run_checker(check_headers.main, "false")
        self.assertEqual(status, 0)
        self.assertIn("0 headers compiled alone, 1 stand first", said)

    def test_that_stand_second_in_their_source_are_not(self):
        self.write("lib/base/error.cpp", SPDX + '#include <string>\n#include "base/error.hpp"\n')
        self.assertEqual(self.run_checker(check_headers.main, "false")[0], 1)

    def test_that_are_not_there_are_no_success(self):
        (self.root / "lib/base/error.hpp").unlink()
        self.assertEqual(self.run_checker(check_headers.main, *self.compiler())[0], 1)


class KeysManual(Trees):
    CONFIGURATION = ("interfaces:\n  - name: eth0\n    ring:\n      size: 64MiB\n"
                     "log:\n  level: info\n")
    EXAMPLE = ".Bd -literal -offset indent\nx: 1\n.Ed\n"
    GOOD = ".It Cm name\n.It Cm ring.size No 64MiB\n.It Cm log.level No info\n"

    def judge(self, page, check_status=0):
        self.write("page.5", page)
        program = self.root / "program"
        self.write("program", "#!/bin/sh\n"
                   "if [ $1 = --check-config ]; then echo wrong >&2; "
                   f"exit {check_status}; fi\nprintf '{self.CONFIGURATION}'\n")
        program.chmod(0o755)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            return check_keys_manual.main(str(self.root / "page.5"), str(program)), out.getvalue()

    def test_that_explains_every_key_is_accepted(self):
        self.assertEqual(self.judge(self.GOOD + self.EXAMPLE)[0], 0)

    def test_that_leaves_a_key_out_gives_another_default_or_has_one_more_is_refused(self):
        for page, said in (
            (self.GOOD.replace(".It Cm log.level No info\n", ""), "does not explain log.level"),
            (self.GOOD.replace("64MiB", "32MiB"), "ring.size with the default 32MiB, which"),
            (self.GOOD + ".It Cm log.colour No red\n", "explains log.colour"),
        ):
            status, out = self.judge(page + self.EXAMPLE)
            self.assertEqual(status, 1)
            self.assertIn(said, out)

    def test_whose_example_has_errors_or_which_has_none_is_refused(self):
        self.assertEqual(self.judge(self.GOOD + self.EXAMPLE, check_status=2)[0], 1)
        self.assertEqual(self.judge(self.GOOD)[0], 1)


class Manual(Trees):
    def judge(self, page):
        self.write("page.8", page)
        program = self.root / "program"
        self.write("program", "#!/bin/sh\necho '  -i [ --interface ] NAME x'; echo '  --live y'\n")
        program.chmod(0o755)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            return check_manual.main(str(self.root / "page.8"), str(program)), out.getvalue()

    def test_that_explains_every_option_is_accepted(self):
        self.assertEqual(self.judge(".It Fl i , -interface Ar n\n.It Fl -live\n")[0], 0)

    def test_that_misses_or_invents_an_option_is_refused(self):
        status, said = self.judge(".It Fl -live\n.It Fl -dead\n")
        self.assertEqual(status, 1)
        self.assertIn("does not explain --interface", said)
        self.assertIn("explains --dead", said)


if __name__ == "__main__":
    unittest.main()
