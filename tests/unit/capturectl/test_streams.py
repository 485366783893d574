#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Large files, large records, pipes: that the ways which are there for speed and for memory give the
# same as the plain one.
import json
import os
import random
import re
import resource
import signal
import struct
import subprocess
import threading

from support import (CAPTURECTL, FIRST_NS, FilesTest, block, header, info, interface, main, option,
                     packet, run)


def anonymous_memory_max(*arguments):
    """KiB of the most anonymous memory that was seen while it ran, and its exit status."""
    child = subprocess.Popen([CAPTURECTL, *arguments], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    most = 0
    while child.poll() is None:
        try:
            with open(f"/proc/{child.pid}/status", encoding="ascii") as text:
                found = re.search(r"RssAnon:\s+(\d+)", text.read())
                most = max(most, int(found.group(1)) if found else 0)
        except (FileNotFoundError, ProcessLookupError):
            break
    return most, child.wait()


class Streams(FilesTest):
    def large(self, name, odd):
        """Some 20 MB; `odd` gives what stands before the n-th packet, if anything."""
        rng = random.Random(7)
        parts = [header(), interface(name=b"eth1")]
        now = FIRST_NS
        size = 0
        number = 0
        while size < 20_000_000:
            now += rng.randrange(-50, 2000)
            data = rng.randbytes(rng.choice([60, 61, 250, 1400]))
            made = odd(number) + block(6, struct.pack("<IIIII", number % 2, now >> 32,
                                                      now & 0xFFFFFFFF, len(data), len(data) + 4) +
                                       data + bytes(-len(data) % 4))
            parts.append(made)
            size += len(made)
            number += 1
        return self.write(name, b"".join(parts)), number

    def check_same(self, path, packets):
        """As a file it is read by two threads, from a pipe by one."""
        with open(path, "rb") as file:
            piped = json.loads(run("info", "--json", "-", stdin=file).stdout)["files"][0]
        found = info(path)
        self.assertEqual(found["packets"], packets)
        for each in (piped, found):
            del each["file"], each["size"]
        self.assertEqual(piped, found)
        run("convert", "-q", path, self.path("copy.pcapng"))
        with open(path, "rb") as file:
            copy = run("convert", "-q", "-F", "pcapng", "-", "-", stdin=file).stdout
        self.assertEqual(self.content(self.path("copy.pcapng")), copy)
        return copy

    def test_large_files_are_read_by_two_threads_as_by_one(self):
        path, packets = self.large("plain.pcapng", lambda number: b"")
        copy = self.check_same(path, packets)
        # All but the section header, which says who wrote it.
        self.assertTrue(copy.endswith(self.content(path)[28:]))

    def test_large_files_with_other_blocks_between_packets(self):
        statistics = block(5, struct.pack("<III", 0, 0, 0))
        with_comment = block(6, struct.pack("<IIIII", 0, FIRST_NS >> 32, FIRST_NS & 0xFFFFFFFF, 0,
                                            0) + option(1, b"here") + bytes(4))

        def odd(number):
            if number % 5000 == 4999:
                return statistics
            if number % 997 == 0:
                return with_comment
            return interface(name=b"late") if number == 20000 else b""
        path, packets = self.large("blocks.pcapng", odd)
        self.check_same(path, packets + (packets + 996) // 997)

    def test_a_packet_that_looks_like_blocks_misleads_nobody(self):
        # A whole capture as the data of packets, each longer than what is looked at at once.
        inner = b"".join(packet(n, FIRST_NS) for n in range(9000))
        outer = block(6, struct.pack("<IIIII", 0, FIRST_NS >> 32, FIRST_NS & 0xFFFFFFFF, len(inner),
                                     len(inner)) + inner)
        path = self.write("nested.pcapng", header(snaplen=0) + outer * 24 + packet(1, FIRST_NS))
        self.assertGreater(os.path.getsize(path), 16 << 20)
        self.check_same(path, 25)

    def test_sections_of_a_large_file_have_their_own_interfaces(self):
        micro = (header()[:28] + block(1, struct.pack("<HHI", 1, 0, 0)) +
                 b"".join(packet(n, 1_500_000_000_000_000 + n) for n in range(90000)))
        nano = header() + b"".join(packet(n, FIRST_NS + n) for n in range(90000))
        path = self.write("sections.pcapng", micro + nano + micro)
        self.check_same(path, 270000)
        self.assertEqual([each["packets"] for each in info(path)["interfaces"]], [90000] * 3)
        self.assertEqual(info(path)["earliest_ns"], 1_500_000_000_000_000_000)

    def test_a_large_file_that_is_damaged_fails_at_the_same_place(self):
        path, _ = self.large("damaged.pcapng", lambda number: b"")
        content = self.content(path)
        place = content.index(struct.pack("<I", 6), 13_000_000)
        for wrong in (content[:place + 30], content[:place] + bytes(8) + content[place + 8:]):
            bad = self.write("damaged.pcapng", wrong)
            found = info(bad, status=1)
            with open(bad, "rb") as file:
                piped = json.loads(run("info", "--json", "-", stdin=file,
                                       status=1).stdout)["files"][0]
            for key in ("packets", "octets", "last_ns", "error_offset"):
                self.assertEqual(found[key], piped[key])

    def test_a_large_copy_that_does_not_fit_is_told_and_leaves_nothing(self):
        path, _ = self.large("plain.pcapng", lambda number: b"")
        folder = self.path("narrow")
        os.mkdir(folder)

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (18_000_000, 18_000_000))
        done = subprocess.run([CAPTURECTL, "convert", "-q", path, folder + "/copy.pcapng"],
                              preexec_fn=limit, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("write " + folder + "/copy.pcapng: File too large", done.stderr)
        self.assertEqual(os.listdir(folder), [])

    def test_records_of_15_MiB_take_less_than_64_MB(self):
        data = bytes(15 << 20)
        link_of_large_packets = 231  # D-Bus
        pcap = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, link_of_large_packets) + b"".join(
            struct.pack("<IIII", 1_500_000_000 + n, 0, len(data), len(data)) + data
            for n in range(8))
        source = self.write("large.pcap", pcap)
        for command in (["convert", "-q", source, self.path("a.pcapng")],
                        ["convert", "-q", self.path("a.pcapng"), self.path("b.pcap")],
                        ["convert", "-q", source, self.path("c.pcapng.gz")],
                        ["merge", "-q", "-o", self.path("d.pcapng"), source, self.path("a.pcapng")],
                        ["sort", "-q", self.path("a.pcapng"), self.path("e.pcapng")],
                        ["info", self.path("c.pcapng.gz")]):
            most, status = anonymous_memory_max(*command)
            self.assertEqual(status, 0)
            # Sanitizers keep what is freed.
            if "CAPTURED_SANITIZED" not in os.environ:
                self.assertLess(most, 64_000, command)
        self.assertEqual(info(self.path("b.pcap"))["octets"], 8 * len(data))
        self.assertEqual(self.content(self.path("b.pcap"))[24:], pcap[24:])

    def piped(self, content):
        """A named pipe that gives the content once."""
        path = self.path(f"pipe{len(os.listdir(self.folder))}")
        os.mkfifo(path)

        def feed():
            with open(path, "wb") as pipe:
                pipe.write(content)
        threading.Thread(target=feed, daemon=True).start()
        return path

    def test_named_pipes_are_opened_once(self):
        content = self.content(self.capture("a.pcapng", range(300)))
        plain = self.capture("b.pcapng", range(5))
        out = self.path("out.pcapng")
        for command, packets in (
                (lambda: ["convert", self.piped(content), out], 300),
                (lambda: ["merge", "-o", out, self.piped(content), plain, self.piped(content)],
                 605),
                (lambda: ["sort", self.piped(content), out], 300),
                (lambda: ["repair", self.piped(content), out], 300)):
            run(*command(), timeout=20)
            self.assertEqual(info(out)["packets"], packets)
        done = run("cat", self.piped(content), plain, timeout=20)
        self.assertEqual(info(self.write("cat.pcapng", done.stdout))["packets"], 305)
        self.assertEqual(info(self.piped(content))["packets"], 300)
        run("verify", self.piped(content), timeout=20)

    def test_comments_of_all_sections_are_shown(self):
        def section(text):
            return (block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) +
                          option(1, text) + bytes(4)) + interface() + packet(0, FIRST_NS))
        path = self.write("a.pcapng", section(b"first") + section(b"second") + section(b"third"))
        self.assertEqual(info(path)["comments"], ["first", "second", "third"])
        self.assertIn(b"second", run("info", path).stdout)

    def test_a_wrong_section_length_is_a_note_and_loses_nothing(self):
        def section(length):
            return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, length)) + header()[28:]
        body = packet(0, FIRST_NS)
        right = len(header()) - 28 + len(body)
        for length, noted in ((-1, False), (right, False), (0, True), (right - 4, True),
                              (right + 1, True), (1 << 62, True), (-2, True)):
            path = self.write("a.pcapng", section(length) + body + section(-1) + body)
            self.assertEqual(info(path)["packets"], 2)
            done = json.loads(run("verify", "--json", path).stdout)
            texts = [each["text"] for each in done["files"][0]["findings"]]
            self.assertEqual(any("section header says" in each for each in texts), noted,
                             (length, texts))
            run("convert", "-q", path, self.path("b.pcapng"))
            self.assertEqual(info(self.path("b.pcapng"))["packets"], 2)

    def test_the_account_of_losses_has_every_key_always(self):
        path = self.capture("a.pcapng", range(2))
        done = json.loads(run("convert", "--json", path, self.path("a.pcap")).stdout)
        keys = set(done["counts"])
        self.assertEqual(done["counts"]["interface_names"], 1)
        for key in ("packets", "packets_left_out", "comments", "flags", "dropcounts",
                    "packet_options", "modified_fields", "interface_names",
                    "interface_descriptions", "interface_filters", "interface_details",
                    "section_details", "statistics", "name_resolution", "secrets", "custom",
                    "blocks", "times_cut", "times_rounded", "not_copyable"):
            self.assertIn(key, keys)
        done = json.loads(run("merge", "--json", "-o", self.path("b.pcapng"), path).stdout)
        self.assertEqual(set(done["counts"]), keys)
        self.assertEqual(done["lost"], 0)
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "../../../docs/capturectl.1"), encoding="utf-8") as page:
            text = page.read()
        for key in [*keys, *done]:
            self.assertRegex(text, r"(Cm|Va|,) " + key + r"\b")
        self.assertIn("interfaces lost their name",
                      run("convert", path, self.path("a.pcap")).stderr.decode())


if __name__ == "__main__":
    main()
