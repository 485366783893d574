#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Every subcommand of capturectl that works with files, by what it leaves behind.
import json
import os
import random
import signal
import struct
import subprocess
import time

from support import (CAPTURECTL, FIRST_NS, FilesTest, block, expectations, header, info, interface,
                     main, option, packet, run, skip)


class Info(FilesTest):
    def test_every_foreign_capture_is_told_of_as_expected(self):
        count = 0
        for path, expected in expectations():
            with self.subTest(path):
                good = expected["outcome"] == "ok"
                if expected["outcome"] == "error_or_tolerated":
                    continue
                found = info(path, status=0 if good else 1)
                self.assertEqual(found["format"], expected["format"])
                self.assertEqual("error" in found, not good)
                if good:
                    self.assertEqual(found["packets"], expected["packet_count"])
                    self.assertEqual(str(found["first_ns"]), str(expected["first_ts_ns"]))
                    self.assertEqual(str(found["last_ns"]), str(expected["last_ts_ns"]))
                else:
                    self.assertLessEqual(found["packets"], expected["packet_count"])
                count += 1
        if not count:
            skip("the folder with foreign captures is not here (CAPTURED_CORPUS)")

    def test_totals_over_files_and_a_missing_one(self):
        one = self.capture("one.pcapng", range(3))
        report = json.loads(run("info", "--json", one, one, self.path("none"), status=1).stdout)
        self.assertEqual(report["totals"], {"files": 3, "packets": 6,
                                            "octets": report["totals"]["octets"], "broken": 1})
        self.assertIn("No such file", report["files"][2]["error"])

    def test_standard_input_and_wrong_usage(self):
        content = self.content(self.capture("one.pcapng", range(3)))
        found = json.loads(run("info", "--json", "-", input=content).stdout)["files"][0]
        self.assertEqual(found["packets"], 3)
        run("info", status=2)
        run("info", "--none", status=2)
        run("none", status=2)
        for command in ("info", "convert", "merge", "sort", "cat", "repair", "verify"):
            self.assertIn(b"usage: capturectl", run(command, "--help").stdout)


class Convert(FilesTest):
    def test_there_and_back_through_every_format_and_compression(self):
        source = self.capture("a.pcapng", [0, 5, 7_000_000, 3])
        for name in ("b.pcap", "b.lpcap", "b.pcapng.gz", "b.pcapng.zst", "b.pcap.gz"):
            with self.subTest(name):
                run("convert", "-q", source, self.path(name))
                run("convert", "-q", self.path(name), self.path("back.pcap"))
                run("convert", "-q", source, self.path("direct.pcap"))
                # Behind the file header, whose snap length lpcap has in its own way.
                self.assertEqual(self.content(self.path("back.pcap"))[24:],
                                 self.content(self.path("direct.pcap"))[24:])
        self.assertEqual(sorted(n for n in os.listdir(self.folder) if n.endswith(".part")), [])

    def test_a_whole_copy_is_the_same_to_the_octet(self):
        source = self.capture("a.pcapng", range(1000))
        run("convert", source, self.path("b.pcapng"))
        kept = self.content(self.path("b.pcapng"))
        # The section header names the program; behind it nothing differs.
        self.assertTrue(kept.endswith(self.content(source)[28:]))

    def test_parts_by_filter_time_interface_and_length(self):
        times = range(300)
        source = self.write("a.pcapng", header() + interface(name=b"eth1") + b"".join(
            packet(n, FIRST_NS + n * 1000, n % 2) for n in times))
        out = self.path("b.pcapng")
        run("convert", "-f", "udp port 53", source, out)
        self.assertEqual(info(out)["packets"], 100)
        run("convert", "-i", "eth1", source, out)
        self.assertEqual(info(out)["packets"], 150)
        self.assertEqual([each["name"] for each in info(out)["interfaces"]], ["eth1"])
        run("convert", "--from", "1519128000.195322500", "--to", "2018-02-20T12:00:00.195332500",
            source, out)
        self.assertEqual(info(out)["packets"], 10)
        run("convert", "-s", "20", source, out)
        self.assertEqual(info(out)["octets"], 300 * 20)
        self.assertEqual(info(out)["original_octets"], info(source)["octets"])

    def test_wrong_filters_formats_and_times_are_wrong_usage(self):
        source = self.capture("a.pcapng", range(3))
        for wrong in (["-f", "no such thing"], ["-F", "none"], ["--from", "yesterday"],
                      ["--cooked", "3"], ["--compress", "rar"]):
            with self.subTest(wrong):
                run("convert", *wrong, source, self.path("b.pcapng"), status=2)
        run("convert", source, source, status=2)
        self.assertFalse(os.path.exists(self.path("b.pcapng")))

    def test_a_filter_needs_to_make_sense_for_one_of_the_link_types_only(self):
        beacon = bytes.fromhex("80000000ffffffffffff0200000000010200000000010000")
        frame = block(6, struct.pack("<IIIII", 1, 0, 0, len(beacon), len(beacon)) + beacon)
        out = self.path("b.pcapng")
        mixed = self.write("a.pcapng", header() + interface(link=105, name=b"wlan0") +
                           packet(0, FIRST_NS) + frame)
        done = run("convert", "-f", "type mgt", mixed, out)
        self.assertIn(b"makes no sense for link type 1,", done.stderr)
        self.assertEqual(info(out)["packets"], 1)
        run("convert", "-i", "wlan0", "-f", "type mgt", mixed, out)
        os.unlink(out)
        run("convert", "-i", "eth0", "-f", "type mgt", mixed, out, status=2)
        run("convert", "-f", "no such thing", mixed, out, status=2)
        self.assertFalse(os.path.exists(out))

    def test_link_types_that_do_not_fit_are_counted_or_split(self):
        source = self.write("a.pcapng", header() + interface(link=101, name=b"tun0") + b"".join(
            packet(n, FIRST_NS + n * 1000, n % 2) for n in range(10)))
        done = run("convert", source, self.path("b.pcap"), status=1)
        self.assertIn(b"5 packets of another link type were left out", done.stderr)
        run("convert", "--split", source, self.path("c.pcap"))
        self.assertEqual(info(self.path("c.link1.pcap"))["packets"], 5)
        self.assertEqual(info(self.path("c.link101.pcap"))["packets"], 5)

    def test_appending_checks_what_is_there(self):
        source = self.capture("a.pcapng", range(3))
        out = self.path("b.pcap")
        run("convert", "-q", source, out)
        run("convert", "-q", "--append", source, out)
        self.assertEqual(info(out)["packets"], 6)
        run("convert", "-q", "--append", "-F", "pcap-us", source, out, status=1)
        self.assertEqual(info(out)["packets"], 6)

    def test_cooked_headers(self):
        source = self.capture("a.pcapng", range(3))
        for version, link, more in (("1", 113, 2), ("2", 276, 6)):
            run("convert", "--cooked", version, source, self.path("b.pcap"))
            found = info(self.path("b.pcap"))
            self.assertEqual(found["interfaces"][0]["link_type"], link)
            self.assertEqual(found["octets"], info(source)["octets"] + 3 * more)

    def test_a_packet_too_short_for_a_cooked_header_is_left_out(self):
        short = block(6, struct.pack("<IIIII", 0, 0, 0, 4, 4) + b"abcd")
        source = self.write("a.pcapng", header() + short + packet(0, FIRST_NS))
        run("convert", "--cooked", "1", source, self.path("b.pcapng"), status=1)
        self.assertEqual(info(self.path("b.pcapng"))["packets"], 1)

    def test_of_a_broken_file_what_is_whole_is_written(self):
        source = self.write("a.pcapng", header() + packet(0, FIRST_NS) + packet(1, FIRST_NS)[:-3])
        done = run("convert", source, self.path("b.pcapng"), status=1)
        self.assertIn(b"at offset", done.stderr)
        self.assertEqual(info(self.path("b.pcapng"))["packets"], 1)

    def test_an_interrupt_leaves_nothing(self):
        child = subprocess.Popen([CAPTURECTL, "convert", "-", self.path("b.pcapng")],
                                 stdin=subprocess.PIPE)
        child.stdin.write(header() + packet(0, FIRST_NS))
        child.stdin.flush()
        deadline = time.monotonic() + 20
        while not os.listdir(self.folder) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(len(os.listdir(self.folder)), 1)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(), 130)
        child.stdin.close()
        self.assertEqual(os.listdir(self.folder), [])


class MergeSortCat(FilesTest):
    def test_many_files_become_one_in_order(self):
        rng = random.Random(1)
        paths = [self.capture(f"{n}.pcapng", sorted(rng.sample(range(100000), 50)))
                 for n in range(40)]
        run("merge", "-o", self.path("all.pcapng"), *paths)
        found = info(self.path("all.pcapng"))
        self.assertEqual((found["packets"], found["steps_back"]), (2000, 0))
        self.assertEqual(found["interface_count"], 1)

    def test_merging_different_formats_and_a_pipe(self):
        one = self.capture("1.pcapng", range(0, 20, 2))
        run("convert", "-q", one, self.path("1.pcap"))
        piped = self.content(self.capture("2.pcapng", range(1, 20, 2)))
        run("merge", "-o", self.path("all.pcapng"), self.path("1.pcap"), "-", input=piped)
        found = info(self.path("all.pcapng"))
        self.assertEqual((found["packets"], found["steps_back"]), (20, 0))

    def test_a_broken_input_is_said_and_the_rest_merged(self):
        one = self.capture("1.pcapng", range(10))
        run("merge", "-o", self.path("all.pcapng"), one, self.write("2", b"nonsense"), status=1)
        self.assertEqual(info(self.path("all.pcapng"))["packets"], 10)

    def test_sorting_within_the_window_and_beyond_it(self):
        rng = random.Random(2)
        times = [n * 10 + rng.randrange(-100, 100) + 1000 for n in range(5000)]
        source = self.capture("a.pcapng", times)
        out = self.path("b.pcapng")
        self.assertGreater(info(source)["steps_back"], 100)
        run("sort", "--window", "64", source, out)
        found = info(out)
        self.assertEqual((found["packets"], found["steps_back"]), (5000, 0))
        run("sort", "-", out, input=self.content(source))
        self.assertEqual(info(out)["steps_back"], 0)
        run("convert", source, self.path("a.pcapng.gz"))
        run("sort", self.path("a.pcapng.gz"), out)
        self.assertEqual(info(out)["steps_back"], 0)
        run("sort", self.capture("far.pcapng", [*range(10, 2000), 1]), out)
        self.assertEqual(info(out)["steps_back"], 0)
        done = run("sort", "-w", "16", self.path("far.pcapng"), out, status=1)
        self.assertIn(b"1 packets are still out of order", done.stderr)

    def test_interfaces_described_alike_in_one_section_stay_apart(self):
        source = self.write("a.pcapng", header() + interface() + packet(0, FIRST_NS) +
                            packet(1, FIRST_NS + 1, 1))
        out = self.path("b.pcapng")
        for command in (["sort", "-q", source, out], ["merge", "-q", "-o", out, source, source]):
            run(*command)
            self.assertEqual(info(out)["interface_count"], 2)
        cat = run("cat", "-q", source, source).stdout
        found = json.loads(run("info", "--json", "-", input=cat).stdout)["files"][0]
        self.assertEqual((found["interface_count"], found["packets"]), (2, 4))

    def test_what_damage_and_time_cost_is_lost_and_said(self):
        short = block(6, bytes(8))
        damaged = self.write("a.pcapng", header() + packet(0, FIRST_NS) + short)
        late = self.write("late.pcapng", header() + packet(0, (2**32) * 10**9))
        out = self.path("b.pcapng")
        for command in (["convert", "--lenient", damaged, out],
                        ["merge", "--lenient", "-o", out, damaged],
                        ["sort", "--lenient", damaged, out]):
            done = run(*command, status=1)
            self.assertIn(b"1 damaged blocks were left out", done.stderr)
        for command in (["convert", "-F", "pcap", late, out], ["cat", "-F", "pcap", late],
                        ["merge", "-F", "pcap", "-o", out, late],
                        ["sort", "-F", "pcap", late, out]):
            done = run(*command, status=1)
            self.assertIn(b"1 times are out of the format's range", done.stderr)
        unknown = bytearray(header())
        unknown[12] = 9
        newer = self.write("newer.pcapng", header() + packet(0, FIRST_NS) + bytes(unknown))
        run("convert", "--skip-unknown-versions", newer, out, status=1)

    def test_comments_of_sections_stay_where_sections_become_one(self):
        def commented(text):
            fixed = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
            return block(0x0A0D0D0A, fixed + option(1, text) + bytes(4)) + header()[28:]
        one = self.write("1.pcapng", commented(b"first") + packet(0, FIRST_NS))
        two = self.write("2.pcapng", commented(b"second") + packet(1, FIRST_NS + 1))
        both = self.write("12.pcapng", self.content(one) + self.content(two))
        run("convert", "-q", one, self.path("a.lpcap"))
        os.unlink(self.path("a.lpcap.meta"))
        out = self.path("b.pcapng")
        done = run("merge", "-o", out, one, two, self.path("a.lpcap"), "-",
                   input=commented(b"third") + packet(2, FIRST_NS + 2))
        self.assertIn(b"4 section headers", done.stderr)
        comments = info(out)["comments"]
        self.assertTrue({"first", "second", "third"} < set(comments), comments)
        self.assertIn("inferred", " ".join(comments))
        self.assertEqual(info(out)["packets"], 4)
        done = run("cat", one, two, self.path("a.lpcap"))
        self.assertIn(b"3 section headers", done.stderr)
        found = json.loads(run("info", "--json", "-", input=done.stdout).stdout)["files"][0]
        self.assertEqual((found["packets"], found["comments"][:2]), (3, ["first", "second"]))
        self.assertIn("inferred", found["comments"][2])
        done = run("sort", both, out)
        self.assertIn(b"1 section headers behind the first", done.stderr)
        self.assertEqual(info(out)["comments"], ["first"])

    def test_cat_gives_one_section(self):
        one = self.capture("1.pcapng", range(10))
        two = self.capture("2.pcapng", range(10), name=b"eth1")
        found = json.loads(run("info", "--json", "-", input=run("cat", one, two).stdout).stdout)
        self.assertEqual(found["files"][0]["packets"], 20)
        self.assertEqual(found["files"][0]["sections"], 1)


class Large(FilesTest):
    """Large enough for threads beside the command's own."""

    def setUp(self):
        super().setUp()
        long = bytes(60000)
        some = []
        for number in range(20000):
            some.append(packet(number, FIRST_NS + number * 1000))
            if number % 50 == 0:
                at = FIRST_NS + number * 1000 + 1
                some.append(block(6, struct.pack("<IIIII", 0, at >> 32, at & 0xFFFFFFFF, len(long),
                                                 len(long)) + long))
        self.packets = len(some)
        self.source = self.write("a.pcapng", header() + b"".join(some))

    def test_all_of_it_is_there_by_every_way(self):
        content = self.content(self.source)
        self.assertGreater(len(content), 20 << 20)
        self.assertEqual(info(self.source)["packets"], self.packets)
        out = self.path("b.pcapng")
        for command in (["convert", self.source, out], ["sort", "-q", self.source, out],
                        ["merge", "-o", out, self.source]):
            with self.subTest(command[0]):
                run(*command)
                self.assertEqual(self.content(out)[-len(content) + 200:], content[200:])
        self.assertEqual(run("cat", self.source).stdout[-len(content) + 200:], content[200:])
        run("convert", self.source, self.path("c.pcapng.zst"))
        run("convert", self.path("c.pcapng.zst"), out)
        self.assertEqual(self.content(out)[-len(content) + 200:], content[200:])

    def test_a_cut_and_a_full_disk_are_told(self):
        cut = self.write("cut.pcapng", self.content(self.source)[:-5])
        self.assertIn("at offset", info(cut, status=1)["error"])
        done = run("convert", self.source, "/dev/full", status=1)
        self.assertIn(b"No space", done.stderr)


class MergeMany(FilesTest):
    def test_many_compressed_files_at_once(self):
        for number in range(30):
            run("convert", self.capture("a.pcapng", range(number, 3000, 30)),
                self.path(f"{number}.pcapng.gz"))
        run("merge", "-o", self.path("all.pcapng"),
            *[self.path(f"{number}.pcapng.gz") for number in range(30)],
            env={**os.environ, "TMPDIR": self.folder})
        found = info(self.path("all.pcapng"))
        self.assertEqual((found["packets"], found["steps_back"]), (3000, 0))
        self.assertEqual([name for name in os.listdir(self.folder) if "capturectl" in name], [])


if __name__ == "__main__":
    main()
