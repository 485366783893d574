#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# capturectl verify and repair: what is whole, what is not, and what is left of it.
import json
import os
import struct

from support import (FIRST_NS, FilesTest, block, expectations, header, info, interface, main,
                     option, packet, run)


class Verify(FilesTest):
    def test_every_format_and_compression(self):
        source = self.capture("a.pcapng", range(100))
        for name in ("b.pcap", "b.pcapng.gz", "b.pcap.zst", "b.pcapng.zst", "b.lpcap"):
            run("convert", "-q", source, self.path(name))
            report = json.loads(run("verify", "--json", self.path(name)).stdout)["files"][0]
            self.assertEqual((report["state"], report["packets"]), ("foreign", 100), name)
            cut = self.write("cut-" + name, self.content(self.path(name))[:-7])
            report = json.loads(run("verify", "--json", cut, status=1).stdout)["files"][0]
            self.assertEqual(report["state"], "broken", name)
        report = json.loads(run("verify", "--json", "-", input=self.content(source)).stdout)
        self.assertEqual(report["files"][0]["packets"], 100)

    def test_what_the_strict_reader_refuses_is_broken(self):
        overrun = block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HH", 2, 400) + b"eth0")
        secrets = block(10, bytes(4))
        resolution = block(1, struct.pack("<HHI", 1, 0, 0) + option(9, b"\x3c") + bytes(4))
        section = header()[:28]
        wrong = section[:16] + struct.pack("<q", 1000) + section[24:]
        for content in (section + overrun, header() + secrets,
                        section + resolution + packet(0, FIRST_NS)):
            path = self.write("a.pcapng", content)
            report = json.loads(run("verify", "--json", path, status=1).stdout)["files"][0]
            self.assertEqual((report["state"], len(report["findings"])), ("broken", 1))
        exact = section[:16] + struct.pack("<q", len(header()) - 28) + section[24:]
        for head, said in ((wrong, 1), (exact, 0)):
            path = self.write("a.pcapng", head + header()[28:])
            findings = json.loads(run("verify", "--json", path).stdout)["files"][0]["findings"]
            self.assertEqual(len(findings), 1 + said)

    def test_info_and_verify_agree_on_foreign_captures(self):
        for path, expected in expectations():
            if expected["outcome"] != "error_or_tolerated":
                with self.subTest(path):
                    run("verify", path, status=0 if expected["outcome"] == "ok" else 1)

    def test_names_are_made_fit_for_terminals_and_json(self):
        source = self.capture("a\x1b[2J.pcapng", range(2), name=b"eth\xff\x1b0")
        self.assertNotIn(b"\x1b", run("verify", source).stdout)
        report = json.loads(run("verify", "--json", source).stdout)["files"][0]
        self.assertEqual(list(report["interfaces"]), ["eth\ufffd\ufffd0"])

    def test_text_mode_damage_is_named(self):
        source = self.content(self.capture("a.pcapng", range(3)))
        damaged = self.write("b.pcapng", source.replace(b"\n", b"\r\n"))
        for command in ("info", "verify", "repair"):
            done = run(command, damaged, status=1)
            self.assertIn(b"text mode", done.stdout + done.stderr)

    def test_of_a_folder_the_recordings_of_every_format_are_judged(self):
        source = self.capture("a.pcapng", range(5))
        for name in ("b.pcap", "c.lpcap", "d.pcap.gz"):
            run("convert", "-q", source, self.path(name))
        self.write("notes.txt", b"not a capture")
        self.write("e.pcap.part", self.content(self.path("b.pcap"))[:-7])
        report = json.loads(run("verify", "--json", self.folder).stdout)
        self.assertEqual([(os.path.basename(each["name"]), each["packets"])
                          for each in report["files"]],
                         [("a.pcapng", 5), ("b.pcap", 5), ("c.lpcap", 5), ("d.pcap.gz", 5)])
        self.assertEqual([(each["level"], each["text"]) for each in report["between_files"]],
                         [("note", "1 unfinished (*.pcap.part, *.lpcap.part): not read")])
        self.assertIn(b"note: 1 unfinished", run("verify", self.folder).stdout)
        self.write("f.pcap", self.content(self.path("b.pcap"))[:-7])
        report = json.loads(run("verify", "--json", self.folder, status=1).stdout)
        self.assertEqual(report["faults"], 1)


class Repair(FilesTest):
    def test_cut_anywhere_all_whole_packets_are_kept(self):
        whole = self.content(self.capture("a.pcapng", range(5)))
        size = len(packet(0, FIRST_NS))
        for cut in range(len(header()), len(whole), 3):
            path = self.write("cut.pcapng", whole[:cut])
            lost = (cut - len(header())) % size
            run("repair", path, self.path("b.pcapng"), status=1 if lost else 0)
            self.assertEqual(info(self.path("b.pcapng"))["packets"], (cut - len(header())) // size)
            self.assertEqual(self.content(path), whole[:cut])

    def test_a_recording_that_was_cut_is_accounted_for(self):
        note = json.dumps({"captured": 1, "recording": "r", "output": "main", "sequence": 7,
                           "previous": None, "begun_ns": 1,
                           "totals": {"eth0": {"stored": 9, "osdrop": 0, "unwritten": 0}}})
        value = (32473).to_bytes(4, "little") + note.encode()
        options = ((19372).to_bytes(2, "little") + len(value).to_bytes(2, "little") + value +
                   bytes(-len(value) % 4) + bytes(4))
        section = block(0x0A0D0D0A, bytes.fromhex("4d3c2b1a01000000") + b"\xff" * 8 + options)
        path = self.write("r.pcapng.part", section + interface() + packet(0, FIRST_NS) +
                          packet(1, FIRST_NS) + packet(2, FIRST_NS)[:50] + bytes(4096))
        done = run("repair", path, status=1)
        self.assertIn(b"octets were cut off", done.stdout)
        report = json.loads(run("verify", "--json", self.path("r.pcapng"), status=1).stdout)
        self.assertEqual(report["faults"], 0, report)
        self.assertEqual(report["files"][0]["state"], "closed")
        self.assertEqual(report["losses"], 1)
        run("repair", path, status=2)  # it is there already

    def test_repairing_a_pipe_into_a_pipe(self):
        content = self.content(self.capture("a.pcapng", range(5)))[:-7]
        done = run("repair", "-", "-", input=content, status=1, env={**os.environ,
                                                                     "TMPDIR": self.folder})
        self.assertIn(b"octets were cut off", done.stderr)
        found = json.loads(run("info", "--json", "-", input=done.stdout).stdout)["files"][0]
        self.assertEqual(found["packets"], 4)
        done = run("repair", "--json", self.path("a.pcapng"), "-")
        self.assertEqual(json.loads(done.stderr)["packets"], 5)
        self.assertEqual(done.stdout[-40:], self.content(self.path("a.pcapng"))[-40:])
        run("repair", "-", input=content, status=2)
        self.assertEqual(os.listdir(self.folder), ["a.pcapng"])

    def test_pcap_stays_pcap(self):
        run("convert", "-q", self.capture("a.pcapng", range(5)), self.path("a.pcap"))
        cut = self.write("cut.pcap", self.content(self.path("a.pcap"))[:-7])
        run("repair", cut, status=1)
        found = info(self.path("cut.repaired.pcap"))
        self.assertEqual((found["packets"], found["format"]), (4, "pcap-ns"))


if __name__ == "__main__":
    main()
