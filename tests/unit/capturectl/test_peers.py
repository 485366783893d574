#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Side by side with other programs: what they write is read here with the same packets, and what is
# written here they read. What is not installed is skipped aloud.
import os
import re
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "..", "..", "support", "pcapgo"))
import pcapgo
from support import (CAPTURECTL, FIRST_NS, FilesTest, have, header, info, interface, main, packet,
                     run, skip)

# Of editcap's formats those that are read here, and how they are named here.
EDITCAP = {"pcap": "pcap", "nsecpcap": "pcap-ns", "modpcap": "pcap-modified", "pcapng": "pcapng",
           "snoop": "snoop"}

# Datagrams to nobody on loopback, until it is over.
SENDER = ("import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
          "for _ in range(50): s.sendto(b\"x\" * 40, (\"127.0.0.1\", 9)); time.sleep(0.1)")


def output_of(*command, **options):
    done = subprocess.run([str(each) for each in command], capture_output=True, check=False,
                          **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stderr!r}")
    return done.stdout.decode()


def tshark(path):
    """Time in ns, both lengths and the data of each packet, as tshark sees them."""
    text = output_of("tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.time_epoch",
                     "-e", "frame.cap_len", "-e", "frame.len", "-e", "frame.interface_name")
    # Custom blocks, which it lists among the packets, have no time.
    return [line.split("\t") for line in text.splitlines() if not line.startswith("\t")]


def built_pcapgo():
    """The program, built; nothing when it cannot be."""
    why = pcapgo.missing()
    if why:
        skip(why)
        return None
    return pcapgo.built()


class OtherWriters(FilesTest):
    def setUp(self):
        super().setUp()
        self.source = self.capture("a.pcapng", [n * 1000 for n in range(50)])
        self.pcap = self.path("a.pcap")
        run("convert", "-q", "-F", "pcap-us", self.source, self.pcap)

    def same_packets(self, path):
        """Through pcap with microseconds, which all of them can hold: the same to the octet."""
        run("convert", "-q", "-F", "pcap-us", path, self.path("back.pcap"))
        self.assertEqual(self.content(self.path("back.pcap"))[24:], self.content(self.pcap)[24:])

    def test_editcap(self):
        if not have("editcap"):
            return
        for kind, name in EDITCAP.items():
            with self.subTest(kind):
                output_of("editcap", "-F", kind, self.source, self.path("b"))
                self.assertEqual(info(self.path("b"))["format"], name)
                self.same_packets(self.path("b"))
        for suffix in ("gz", "lz4"):
            done = subprocess.run(["editcap", "--compress", suffix, self.source,
                                   self.path("b." + suffix)], capture_output=True, check=False)
            if done.returncode == 0:  # newer versions only
                self.same_packets(self.path("b." + suffix))

    def test_tcpdump(self):
        if not have("tcpdump"):
            return
        output_of("tcpdump", "-r", self.source, "-w", self.path("b"))
        self.same_packets(self.path("b"))
        output_of("tcpdump", "--nano", "-r", self.source, "-w", self.path("b"))
        self.assertEqual(info(self.path("b"))["format"], "pcap-ns")
        self.same_packets(self.path("b"))

    def test_netsniff_ng(self):
        if not have("netsniff-ng"):
            return
        output_of("netsniff-ng", "--in", self.pcap, "--out", self.path("b.pcap"), "--silent")
        self.same_packets(self.path("b.pcap"))

    def test_dumpcap(self):
        if not have("dumpcap"):
            return
        command = ("ip link set lo up; (" + sys.executable + " -c '" + SENDER + "') & exec "
                   " dumpcap -q -i lo -c 4 -a duration:20 -w " + self.path("d.pcapng"))
        done = subprocess.run(["unshare", "-n", "sh", "-c", command], capture_output=True,
                              check=False)
        if done.returncode != 0:
            skip(f"dumpcap cannot capture here: {done.stderr[-200:]}")
            return
        found = info(self.path("d.pcapng"))
        self.assertEqual((found["packets"], found["interfaces"][0]["name"]), (4, "lo"))
        self.assertIn("Dumpcap", found["application"])
        self.assertEqual(len(tshark(self.path("d.pcapng"))), 4)

    def test_captured_itself(self):
        captured = os.path.join(os.path.dirname(CAPTURECTL), "captured")
        if not os.path.exists(captured):
            skip("captured is not built")
            return
        command = ("ip link set lo up; (" + sys.executable + " -c '" + SENDER + "') & "
                   f"exec {captured} -i lo -d {self.folder} --duration 8 "
                   "--rotate-interval 0")
        # The search for leaks at the end of a sanitized build traces it, which its sandbox forbids.
        asan = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        done = subprocess.run(["unshare", "-n", "sh", "-c", command], capture_output=True,
                              check=False, env={**os.environ, "ASAN_OPTIONS": asan})
        files = [name for name in os.listdir(self.folder) if "-" in name]
        if done.returncode != 0 and b"ermi" in done.stderr:
            skip(f"captured cannot capture here: {done.stderr[-200:]}")
            return
        self.assertEqual((done.returncode, len(files)), (0, 1), done.stderr)
        path = self.path(files[0])
        found = info(path)
        self.assertEqual(found["interfaces"][0]["name"], "lo")
        self.assertGreaterEqual(found["packets"], 4)  # all that come once it is ready
        run("verify", path)
        if have("tshark"):
            # One line more: our last block, a custom one, which tshark shows as a record.
            lines = [line for line in tshark(path) if line[0]]
            self.assertEqual(len(lines), found["packets"])
        if have("tcpdump"):
            text = output_of("tcpdump", "-n", "-r", path)
            self.assertEqual(len(text.splitlines()), found["packets"])
        program = built_pcapgo()
        if program:
            lines = output_of(program, "read", path).splitlines()
            self.assertEqual(len(lines), found["packets"])
            self.assertEqual(int(lines[0].split()[0]), found["first_ns"])
            self.assertEqual(int(lines[-1].split()[0]), found["last_ns"])


class OtherReaders(FilesTest):
    def test_tshark_and_capinfos_read_every_format_written_here(self):
        if not have("tshark") or not have("capinfos"):
            return
        source = self.write("a.pcapng", header() + interface(name=b"eth1") + b"".join(
            packet(n, FIRST_NS + n * 1000, n % 2) for n in range(20)))
        expected = tshark(source)
        for name in ("b.pcapng", "b.pcapng.gz", "b.pcapng.zst", "b.pcap"):
            with self.subTest(name):
                run("convert", "-q", source, self.path(name))
                found = tshark(self.path(name))
                self.assertEqual([each[:3] for each in found], [each[:3] for each in expected])
                text = output_of("capinfos", "-M", "-c", self.path(name))
                self.assertEqual(re.search(r"Number of packets:\s+(\d+)", text).group(1), "20")
        piped = run("cat", source).stdout
        text = output_of("sh", "-c", "tshark -n -r - 2>/dev/null | wc -l", input=piped)
        self.assertEqual(text.strip(), "20")

    def test_tcpdump_filters_alike(self):
        if not have("tcpdump"):
            return
        source = self.capture("a.pcapng", range(200))
        for text in ("udp port 53", "host 192.0.2.7", "not ip", "greater 40", "ip[1] == 0"):
            with self.subTest(text):
                output_of("tcpdump", "-r", source, "-w", self.path("theirs.pcap"), text)
                run("convert", "-q", "-F", "pcap-us", "-f", text, source, self.path("ours.pcap"))
                self.assertEqual(self.content(self.path("ours.pcap"))[24:],
                                 self.content(self.path("theirs.pcap"))[24:])


class Pcapgo(FilesTest):
    def test_it_reads_what_is_written_here_and_the_other_way_round(self):
        program = built_pcapgo()
        if not program:
            return
        expected = [(1519128000195312000 + n * 1000, 60 + n, 60 + 2 * n) for n in range(3)]
        for kind in ("pcap-us", "pcap-ns", "pcapng"):
            with self.subTest(kind):
                output_of(program, "write", kind, self.path("go"))
                lines = output_of(program, "read", self.path("go")).splitlines()
                self.assertEqual([tuple(map(int, line.split()[:3])) for line in lines], expected)
                found = info(self.path("go"))
                self.assertEqual((found["packets"], found["first_ns"], found["last_ns"]),
                                 (3, expected[0][0], expected[2][0]))
                for name in ("b.pcapng", "b.pcap", "c.pcapng"):
                    run("convert", "-q", self.path("go"), self.path(name))
                    # The data too: the line ends in its digest.
                    self.assertEqual(
                        output_of(program, "read", self.path(name)).splitlines(), lines)


if __name__ == "__main__":
    main()
