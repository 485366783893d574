#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What the subcommands of capturectl write and say: appending, names, reports, terminals; and that
# what is interrupted or refused leaves the files as they were.
import json
import os
import pty
import signal
import struct
import subprocess
import time

from support import (CAPTURECTL, FIRST_NS, FilesTest, block, header, info, interface, main, packet,
                     run)


class Outputs(FilesTest):
    def test_appending_begins_a_file_and_leaves_it_as_it_was_when_interrupted(self):
        source = self.capture("a.pcapng", range(3))
        out = self.path("b.pcap")
        run("convert", "-q", "--append", source, out)
        run("convert", "-q", "--append", source, out)
        self.assertEqual(info(out)["packets"], 6)
        before = self.content(out)
        for wrong in (["-F", "pcapng"], ["--compress", "gzip"]):
            run("convert", "--append", *wrong, source, out, status=2)
        child = subprocess.Popen([CAPTURECTL, "convert", "--append", "-", out],
                                 stdin=subprocess.PIPE)
        child.stdin.write(header() + b"".join(packet(n, FIRST_NS) for n in range(60000)))
        child.stdin.flush()
        deadline = time.monotonic() + 20
        while self.content(out) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertNotEqual(self.content(out), before)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(), 143)
        child.stdin.close()
        self.assertEqual(self.content(out), before)

    def test_appending_is_held_to_the_first_interface_that_is_wanted(self):
        micro = block(1, struct.pack("<HHI", 1, 0, 0))
        late = packet(1, FIRST_NS // 1000, 1)
        source = self.write("a.pcapng", header() + packet(0, FIRST_NS) + micro + late)
        out = self.path("b.pcap")
        run("convert", "-q", "-i", "1", source, out)
        before = self.content(out)
        self.assertEqual(info(out)["format"], "pcap")
        run("convert", "-q", "--append", "-i", "1", source, out)
        self.assertEqual(self.content(out), before + before[24:])
        done = run("convert", "-q", "--append", "-i", "0", source, out, status=1)
        self.assertIn(b"b.pcap: it is not pcap of the same resolution", done.stderr)
        self.assertEqual(self.content(out), before + before[24:])

    def test_appending_with_blocks_before_the_interface_and_by_link_type(self):
        unknown = block(0x0BAD, bytes(8))
        source = self.write("a.pcapng", header()[:28] + unknown + header()[28:] +
                            interface(link=101, name=b"tun0") + packet(0, FIRST_NS) +
                            packet(1, FIRST_NS, 1))
        run("convert", "-q", "--append", source, self.path("b.pcap"), status=1)
        run("convert", "-q", "--append", source, self.path("b.pcap"), status=1)
        self.assertEqual(info(self.path("b.pcap"))["packets"], 2)
        for count in (1, 2):
            run("convert", "-q", "--append", "--split", source, self.path("c.pcap"))
            for link in (1, 101):
                self.assertEqual(info(self.path(f"c.link{link}.pcap"))["packets"], count)

    def test_an_interrupted_append_leaves_no_half_record_however_late_it_comes(self):
        source = self.write("a.pcapng", header() + b"".join(
            packet(n, FIRST_NS + n) for n in range(300000)))
        out = self.path("b.pcap")
        run("convert", "-q", self.capture("first.pcapng", range(3)), out)
        before = self.content(out)
        for _ in range(10):
            child = subprocess.Popen([CAPTURECTL, "convert", "-q", "--append", source, out])
            while os.path.getsize(out) == len(before) and child.poll() is None:
                pass
            child.send_signal(signal.SIGINT)
            if child.wait() == 0:
                before = self.content(out)
            self.assertEqual(self.content(out), before)

    def test_a_file_is_not_read_and_written_under_two_names(self):
        source = self.capture("a.pcapng", range(3))
        pcap = self.path("a.pcap")
        run("convert", "-q", source, pcap)
        os.link(pcap, self.path("b.pcap"))
        os.symlink(pcap, self.path("c.pcap"))
        before = self.content(pcap)
        for name in ("b.pcap", "c.pcap"):
            out = self.path(name)
            run("convert", "--append", pcap, out, status=2, timeout=60)
            run("merge", "-o", out, source, pcap, status=2)
            run("sort", pcap, out, status=2)
        with open(pcap, "ab") as file:
            done = subprocess.run([CAPTURECTL, "cat", "-F", "pcap", self.path("b.pcap")],
                                  stdout=file, stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(self.content(pcap), before)

    def test_what_is_split_has_no_place_on_standard_output(self):
        run("convert", "--split", self.capture("a.pcapng", range(3)), "-", status=2)

    def test_what_is_replaced_keeps_its_rights_and_an_ignored_hangup_is_ignored(self):
        source = self.capture("a.pcapng", range(3))
        out = self.write("b.pcapng", b"secret")
        os.chmod(out, 0o600)
        run("convert", source, out)
        self.assertEqual(os.stat(out).st_mode & 0o777, 0o600)
        child = subprocess.Popen([CAPTURECTL, "convert", "-", out], stdin=subprocess.PIPE,
                                 preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        child.stdin.write(header() + packet(0, FIRST_NS))
        child.stdin.flush()
        deadline = time.monotonic() + 20
        while len(os.listdir(self.folder)) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        child.send_signal(signal.SIGHUP)
        child.stdin.close()
        self.assertEqual(child.wait(), 0)
        self.assertEqual(info(out)["packets"], 1)

    def test_names_that_promise_what_cannot_be_written_are_wrong_usage(self):
        source = self.capture("a.pcapng", range(3))
        for name in ("b.pcapng.lz4", "b.pcap.xz"):
            run("convert", source, self.path(name), status=2)
        run("convert", "--from", "2018-02-20T12:00", source, self.path("b.pcapng"))
        self.assertEqual(info(self.path("b.pcapng"))["packets"], 3)

    def test_snap_lengths_and_cutting(self):
        source = self.capture("a.pcapng", range(3), snaplen=96)
        run("convert", source, self.path("b.pcap"))
        self.assertEqual(info(self.path("b.pcap"))["interfaces"][0]["snaplen"], 262144)
        run("convert", "-s", "20", source, self.path("b.pcap"))
        self.assertEqual(info(self.path("b.pcap"))["interfaces"][0]["snaplen"], 20)
        self.assertEqual(info(self.path("b.pcap"))["octets"], 60)

    def test_reports_stay_out_of_a_capture_on_standard_output(self):
        source = self.capture("a.pcapng", range(3))
        for command in (["convert", "--json", source, "-"], ["cat", "--json", source],
                        ["merge", "--json", "-o", "-", source], ["sort", "--json", source, "-"]):
            done = run(*command)
            self.assertEqual(json.loads(done.stderr)["packets_written"], 3)
            found = json.loads(run("info", "--json", "-", input=done.stdout).stdout)["files"][0]
            self.assertEqual(found["packets"], 3)

    def test_packets_without_a_time_are_not_of_a_time_range(self):
        simple = block(3, (4).to_bytes(4, "little") + b"abcd")
        source = self.write("a.pcapng", header() + simple + packet(0, FIRST_NS))
        done = run("convert", "--from", "1519128000", source, self.path("b.pcapng"))
        self.assertIn(b"1 packets have no time", done.stderr)
        self.assertEqual(info(self.path("b.pcapng"))["packets"], 1)

    def test_a_terminal_gets_a_bar_and_no_capture(self):
        terminal, other = pty.openpty()
        self.addCleanup(os.close, terminal)
        child = subprocess.Popen([CAPTURECTL, "convert", "-", self.path("b.pcapng")],
                                 stdin=subprocess.PIPE, stderr=other)
        os.close(other)
        some = b"".join(packet(n, FIRST_NS) for n in range(5000))
        child.stdin.write(header())
        for _ in range(16):
            child.stdin.write(some)
            time.sleep(0.1)
        child.stdin.close()
        self.assertEqual(child.wait(), 0)
        self.assertIn(b"MB/s", os.read(terminal, 4096))
        terminal, other = pty.openpty()
        self.addCleanup(os.close, terminal)
        done = subprocess.run([CAPTURECTL, "cat", self.path("b.pcapng")], stdout=other,
                              stderr=subprocess.PIPE, check=False)
        os.close(other)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"terminal", done.stderr)


if __name__ == "__main__":
    main()
