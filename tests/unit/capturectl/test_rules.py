#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Files made up for the rules of the formats, one oddity each: every pcap variant in either byte
# order, resolutions and offsets at their ends, odd options, sections, old blocks, snoop, lpcap,
# compression in parts, damage. What is expected follows from the rules; where tshark has the same
# rules it is asked too.
import gzip
import json
import shutil
import struct
import subprocess

from support import CAPTURECTL, FilesTest, have, info, main, run

DATA = bytes(range(60))
SECONDS = 1_519_128_000


def pcap(order, magic, *records, version=(2, 4), snaplen=65535, link=1, extra=b""):
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link) + extra + b"".join(
        records)


def record(order, fraction, captured=60, original=60, data=DATA, tail=b""):
    return struct.pack(order + "IIII", SECONDS, fraction, captured, original) + tail + data


def block(order, kind, body, total=None):
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body) if total is None else total)
    return struct.pack(order + "I", kind) + length + body + length


def shb(order="<", version=(1, 0), length=-1, options=b""):
    return block(order, 0x0A0D0D0A,
                 struct.pack(order + "IHHq", 0x1A2B3C4D, *version, length) + options)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def idb(order="<", options=b"", link=1, snaplen=0):
    return block(order, 1, struct.pack(order + "HHI", link, 0, snaplen) + options)


def epb(order="<", ticks=0, interface=0, captured=60, original=60, data=DATA, options=b""):
    return block(order, 6, struct.pack(order + "IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF,
                                       captured, original) + data + bytes(-len(data) % 4) + options)


def resolution_file(order, resolution, ticks, offset=None):
    options = option(order, 9, bytes([resolution]))
    if offset is not None:
        options += option(order, 14, struct.pack(order + "q", offset))
    return shb(order) + idb(order, options) + epb(order, ticks)


def snoop(*records, link=4):
    return b"snoop\0\0\0" + struct.pack(">II", 2, link) + b"".join(records)


def snoop_record(original, included, pad, drops=0, length=None):
    total = 24 + included + pad if length is None else length
    return struct.pack(">IIIIII", original, included, total, drops, SECONDS, 7) + DATA[
        :included] + bytes(pad)


class Rules(FilesTest):
    def check(self, name, content, packets, error=False, with_tshark=True, options=()):
        """Packets: (time in ns or None, captured, original)."""
        with self.subTest(name):
            path = self.write("file", content)
            done = run("info", "--json", *options, path, status=1 if error else 0)
            found = json.loads(done.stdout)["files"][0]
            self.assertEqual("error" in found, error, found.get("error"))
            self.assertEqual(found["packets"], len(packets), found.get("error"))
            self.assertEqual(found["octets"], sum(each[1] for each in packets))
            self.assertEqual(found["original_octets"], sum(each[2] for each in packets))
            times = [each[0] for each in packets if each[0] is not None]
            if times:
                self.assertEqual((int(found["first_ns"]), int(found["last_ns"])),
                                 (times[0], times[-1]))
            self.also_streamed(content, found, options)
            if not error:
                self.again(path, found, options)
            if with_tshark and not error and have("tshark"):
                self.assertEqual(self.tshark(path), packets)
            return found

    def also_streamed(self, content, found, options):
        done = subprocess.run([CAPTURECTL, "info", "--json", *options, "-"], input=content,
                              capture_output=True, check=False)
        piped = json.loads(done.stdout)["files"][0]
        for key in ("packets", "octets", "first_ns", "last_ns", "interface_count"):
            self.assertEqual(piped[key], found[key])
        self.assertEqual("error" in piped, "error" in found)

    def again(self, path, found, options):
        """As pcapng it holds the same."""
        reading = [each for each in options if each != "--json"]
        left_out = "--skip-unknown-versions" in options
        run("convert", "-q", *reading, path, self.path("copy.pcapng"), status=int(left_out))
        copy = info(self.path("copy.pcapng"))
        for key in ("packets", "octets", "original_octets", "first_ns", "last_ns"):
            self.assertEqual(copy[key], found[key], key)

    @staticmethod
    def tshark(path):
        done = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", "-e",
                               "frame.time_epoch", "-e", "frame.cap_len", "-e", "frame.len"],
                              capture_output=True, check=True)
        packets = []
        for line in done.stdout.decode().splitlines():
            time, captured, original = line.split("\t")
            if not time:
                continue  # a custom block, which it lists among the packets
            whole, _, fraction = time.partition(".")
            packets.append((int(whole) * 10**9 + int(fraction.ljust(9, "0")), int(captured),
                            int(original)))
        return packets

    def test_pcap_variants(self):
        us, ns = SECONDS * 10**9 + 5000, SECONDS * 10**9 + 5
        for order in "<>":
            self.check("us" + order, pcap(order, 0xA1B2C3D4, record(order, 5)), [(us, 60, 60)])
            self.check("ns" + order, pcap(order, 0xA1B23C4D, record(order, 5)), [(ns, 60, 60)])
            tail = struct.pack(order + "IHBB", 2, 8, 0, 0)
            self.check("modified" + order, pcap(order, 0xA1B2CD34, record(order, 5, tail=tail) * 3),
                       [(us, 60, 60)] * 3)
            for magic, time in ((0x1C0001AC, ns), (0x1C0001AB, us)):
                self.check(f"ixia {magic:x}{order}", pcap(order, magic, record(order, 5),
                                                         extra=struct.pack(order + "I", 76)),
                           [(time, 60, 60)], with_tshark=magic == 0x1C0001AB)
            swapped = record(order, 5, captured=90, original=60)
            for version in ((2, 2), (2, 3), (543, 0)):
                self.check(f"{version}{order}", pcap(order, 0xA1B2C3D4, swapped, version=version),
                           [(us, 60, 90)], with_tshark=version != (543, 0))
            for magic in (0xA12B3C4D, 0xA1B234CD, 0xA1E2CB12, 0xA1B2C3CB):
                self.check(f"named {magic:x}{order}", pcap(order, magic), [], error=True)

    def test_pcap_oddities(self):
        time = SECONDS * 10**9

        def file(made, **parts):
            return pcap("<", 0xA1B2C3D4, made, **parts)
        self.check("fcs", file(record("<", 0), link=0x24000001), [(time, 60, 60)])
        self.check("reserved", file(record("<", 0), link=0x00010001), [], error=True)
        self.check("reserved, lenient", file(record("<", 0), link=0x00010001), [(time, 60, 60)],
                   with_tshark=False, options=["--lenient"])
        self.check("fraction", file(record("<", 2_500_000)), [(time + 2_500_000_000, 60, 60)],
                   with_tshark=False)
        self.check("raised", file(record("<", 0, original=20)), [(time, 60, 60)],
                   with_tshark=False)
        self.check("snaplen", file(record("<", 0), snaplen=20), [(time, 60, 60)])
        self.check("no snaplen", file(record("<", 0), snaplen=0), [(time, 60, 60)])
        self.check("2106", pcap("<", 0xA1B2C3D4, struct.pack("<IIII", 0xFFFFFFFF, 0, 0, 0)),
                   [(0xFFFFFFFF * 10**9, 0, 0)])
        self.check("empty", pcap("<", 0xA1B2C3D4), [])
        self.check("too long", file(record("<", 0, captured=262145)), [], error=True)
        self.check("garbage behind", file(record("<", 0) + b"12345"), [(time, 60, 60)], error=True)
        whole = file(record("<", 0) * 2)
        for size in range(25, len(whole), 3):
            if size != 100:
                self.check(f"cut to {size}", whole[:size],
                           [(time, 60, 60)] * ((size - 24) // 76), error=True)

    def test_resolutions_and_offsets(self):
        for order in "<>":
            for power in (0, 1, 3, 6, 9, 12, 18, 19):
                unit = 10**power
                ticks = min(SECONDS * unit + unit // 3, 2**64 - 1)
                time = ticks // unit * 10**9 + ticks % unit * 10**9 // unit
                self.check(f"10^-{power}{order}", resolution_file(order, power, ticks),
                           [(time, 60, 60)], with_tshark=power <= 9)
            for power in (0, 1, 10, 20, 32, 33, 62, 63):
                unit = 2**power
                ticks = min(SECONDS * unit + unit * 2 // 3, 2**64 - 1)
                time = ticks // unit * 10**9 + ticks % unit * 10**9 // unit
                self.check(f"2^-{power}{order}", resolution_file(order, 0x80 | power, ticks),
                           [(time, 60, 60)], with_tshark=power in (0, 1, 10, 20))
            for offset in (0, 1, -1, 86400, -SECONDS - 5):
                self.check(f"offset {offset}{order}",
                           resolution_file(order, 9, SECONDS * 10**9 + 1, offset),
                           [((SECONDS + offset) * 10**9 + 1, 60, 60)], with_tshark=offset >= -1)
            for impossible in (20, 0x80 | 64, 127, 255):
                self.check(f"impossible {impossible}{order}",
                           resolution_file(order, impossible, 1), [], error=True)

    def test_blocks(self):
        t = 1_000_000_000
        start = {order: shb(order) + idb(order) for order in "<>"}
        one = [(t, 60, 60)]
        for order, begin in start.items():
            good = epb(order, t // 1000)
            simple = block(order, 3, struct.pack(order + "I", 60) + DATA)
            self.check("simple" + order, begin + simple, [(None, 60, 60)], with_tshark=False)
            self.check("simple, cut" + order, shb(order) + idb(order, snaplen=21) + block(
                order, 3, struct.pack(order + "I", 60) + DATA[:21]), [(None, 21, 60)],
                with_tshark=False)
            self.check("simple, alone" + order, shb(order) + simple, [], error=True)
            for drops in (0, 3, 0xFFFF):
                old = block(order, 2, struct.pack(order + "HHIIII", 0, drops, 0, t // 1000, 60,
                                                  60) + DATA)
                found = self.check(f"old {drops}{order}", begin + old, one)
                self.assertEqual(found["interfaces"][0]["dropcount_sum"], drops % 0xFFFF)
            others = {
                "statistics": block(order, 5, struct.pack(order + "III", 0, 0, 0)),
                "statistics with odd options": block(
                    order, 5, struct.pack(order + "III", 0, 0, 0) + option(order, 4, b"12") +
                    option(order, 99, b"123")),
                "names": block(order, 4, option(order, 1, b"\x0a\x01\x02\x03a\0b\0") +
                               option(order, 77, b"what") + bytes(4) + option(order, 2, b"dns")),
                "secrets": block(order, 10, struct.pack(order + "II", 0x544C534B, 5) + b"CLIE\n"),
                "custom": block(order, 0xBAD, struct.pack(order + "I", 32473) + b"12345678"),
                "custom, to stay": block(order, 0x40000BAD, struct.pack(order + "I", 4) + b"1234"),
                "local": block(order, 0x80000007, b"12345678"),
                "journal": block(order, 9, b"__REALTIME_TIMESTAMP=1\n"),
                "reserved": block(order, 0, b""),
            }
            for name, other in others.items():
                self.check(name + order, begin + other + good + other, one,
                           with_tshark=name not in ("journal", "reserved", "local"))
            self.check("unknown interface" + order, begin + epb(order, interface=1), [],
                       error=True)
            self.check("more than the block" + order, begin + good + epb(order, captured=64), one,
                       error=True)
            self.check("raised" + order, begin + epb(order, t // 1000, original=4), one,
                       with_tshark=False)
            self.check("beyond snaplen" + order, shb(order) + idb(order, snaplen=20) + good, one)
            self.check("late interface" + order, begin + good + idb(order, link=113) +
                       epb(order, t // 1000, interface=1), one * 2)

    def test_options(self):
        one = [(1_000_000_000, 60, 60)]
        ticks = 1_000_000
        for order in "<>":
            end = bytes(4)

            def file(of_interface=b"", of_packet=b"", of_section=b""):
                return (shb(order, options=of_section) + idb(order, of_interface) +
                        epb(order, ticks, options=of_packet))
            name = option(order, 2, b"eth0")
            found = self.check("no end" + order, file(name, option(order, 1, b"c")), one)
            self.assertEqual(found["interfaces"][0]["name"], "eth0")
            found = self.check("twice" + order, file(name + option(order, 2, b"eth1") + end), one,
                               with_tshark=False)
            self.assertEqual(found["interfaces"][0]["name"], "eth0")
            found = self.check("empty" + order, file(option(order, 2, b"") + end), one)
            self.assertEqual(found["interfaces"][0]["name"], "")
            found = self.check("zero inside" + order, file(option(order, 2, b"a\0b") + end), one)
            self.assertEqual(found["interfaces"][0]["name"], "a")
            self.check("wrong lengths" + order, file(
                b"".join(option(order, code, b"1") for code in (6, 7, 8, 14, 16, 17)) + end), one,
                with_tshark=False)
            self.check("end with a length" + order, file(struct.pack(order + "HH", 0, 4)), one,
                       with_tshark=False)
            self.check("option over the end" + order, file(
                b"", struct.pack(order + "HH", 1, 400) + b"abcd"), one, error=True)
            self.check("the same, lenient" + order, file(
                b"", struct.pack(order + "HH", 1, 400) + b"abcd"), one, with_tshark=False,
                options=["--lenient"])
            self.check("not UTF-8" + order, file(option(order, 3, b"\xff\xfe\x00") + end), one)
            self.check("flags and verdicts" + order, file(
                b"", option(order, 2, struct.pack(order + "I", 0x1FF)) +
                option(order, 7, b"\2" + struct.pack(order + "Q", 2)) +
                option(order, 3, b"\2abcd") + end), one)
            self.check("texts of the section" + order, file(
                b"", b"", option(order, 2, b"hw") + option(order, 1, b"a") +
                option(order, 1, b"b") +
                option(order, 2988, struct.pack(order + "I", 1) + b"x") + end), one)

    def test_sections(self):
        t = [(1_000_000_000, 60, 60)]

        def part(order, **parts):
            return shb(order, **parts) + idb(order) + epb(order, 1_000_000)
        self.check("of three orders", part("<") + part(">") + part("<"), t * 3)
        self.check("with another link type", part("<") + shb(">") + idb(">", link=101) +
                   epb(">", 1_000_000), t * 2)
        self.check("version 1.2", part(">", version=(1, 2)), t)
        self.check("version 2.0", part("<") + part("<", version=(2, 0)) + part("<"), t, error=True)
        self.check("version 2.0, left out", part("<") + part("<", version=(2, 0)) + part("<"),
                   t * 2, with_tshark=False, options=["--skip-unknown-versions"])
        self.check("section length", part("<", length=0) + part("<", length=1 << 40), t * 2,
                   with_tshark=False)
        self.check("only a header", shb(), [])
        self.check("nothing", b"", [], error=True)
        self.check("three octets", b"\x0a\x0d\x0d", [], error=True)
        self.check("wrong magic later", part("<") + shb()[:8] + bytes(4) + shb()[12:], t,
                   error=True)
        found = self.check("text mode", b"\x0a\x0d\x0a\x0a" + part("<")[4:], [], error=True)
        self.assertIn("text", found["error"])

    def test_lengths_of_blocks(self):
        begin, good, one = shb() + idb(), epb("<", 1_000_000), [(1_000_000_000, 60, 60)]
        for wrong in (0, 4, 8, 11):
            self.check(f"length {wrong}", begin + good + block("<", 5, bytes(12), total=wrong), one,
                       error=True)
        self.check("too long", begin + good + struct.pack("<II", 6, 17 << 20), one, error=True)
        self.check("trailer", begin + good + good[:-4] + bytes(4), one, error=True)
        unaligned = struct.pack("<II", 0x80000001, 13) + b"x" + struct.pack("<I", 13)
        self.check("not aligned", begin + good + unaligned, one, error=True)
        self.check("not aligned, lenient", begin + good + unaligned + good, one * 2,
                   with_tshark=False, options=["--lenient"])
        whole = begin + good
        for size in range(len(begin) + 1, len(whole), 7):
            self.check(f"cut to {size}", whole[:size], [], error=True)

    def test_snoop_and_lpcap(self):
        time = SECONDS * 10**9 + 7000
        for pad in (0, 2, 4, 6, 16):
            self.check(f"snoop pad {pad}", snoop(snoop_record(60, 60, pad),
                                                 snoop_record(60, 30, pad, drops=3)),
                       [(time, 60, 60), (time, 30, 60)], with_tshark=pad < 4)
        found = self.check("snoop drops", snoop(snoop_record(60, 60, 0, drops=5)),
                           [(time, 60, 60)])
        self.assertEqual(found["interfaces"][0]["dropcount_sum"], 5)
        self.check("snoop raised", snoop(snoop_record(10, 60, 0)), [(time, 60, 60)],
                   with_tshark=False)
        self.check("snoop length", snoop(snoop_record(60, 60, 0, length=80)), [], error=True)
        for link in (1, 3, 9, 16, 26):
            self.check(f"snoop link {link}", snoop(link=link), [], error=True)
        head = struct.pack("<HHHII", 0x4F3E, 1, 0, 16383, 4)
        one = struct.pack("<BBII", 1, 2, 77, 60) + DATA
        path = self.write("a.lpcap", head + one * 3)
        self.assertEqual(info(path)["packets"], 3)
        self.assertTrue(info(path)["times_inferred"])
        for wrong in (struct.pack("<BBII", 1, 2, 77, 16384), one[:-1], one[:5]):
            self.assertEqual(info(self.write("a.lpcap", head + one + wrong), status=1)["packets"],
                             1)
        odd = struct.pack("<BBII", 1, 3, 77, 60) + DATA
        self.assertEqual(info(self.write("a.lpcap", head + one + odd), status=1)["packets"], 1)
        found = json.loads(run("info", "--json", "--lenient", self.path("a.lpcap")).stdout)
        self.assertEqual(found["files"][0]["packets"], 2)

    def test_compression_in_parts(self):
        whole = shb() + idb() + epb("<", 1_000_000) * 40
        packets = [(1_000_000_000, 60, 60)] * 40
        half = len(whole) // 2 + 3

        def parts(compress):
            return compress(whole[:half]) + compress(whole[half:])
        self.check("gzip", parts(gzip.compress), packets)
        self.check("gzip in gzip", gzip.compress(parts(gzip.compress)), packets,
                   with_tshark=False)
        self.check("gzip, cut", gzip.compress(whole)[:-9], packets, error=True)
        empty = gzip.compress(b"")
        self.check("gzip, empty members", empty + parts(gzip.compress) + empty, packets,
                   with_tshark=False)
        for program in ("zstd", "lz4"):
            if shutil.which(program) is None:
                continue

            def compress(octets, program=program):
                return subprocess.run([program, "-c"], input=octets, capture_output=True,
                                      check=True).stdout
            skippable = struct.pack("<II", 0x184D2A53, 5) + b"aside"
            self.check(program, parts(compress), packets, with_tshark=False)
            self.check(program + " with a frame to skip", compress(whole[:half]) + skippable +
                       compress(whole[half:]), packets, with_tshark=False)
            cut = compress(whole)[:-6]
            found = json.loads(run("info", "--json", self.write("cut", cut),
                                   status=1).stdout)["files"][0]
            self.assertIn("error", found)


if __name__ == "__main__":
    main()
