# SPDX-License-Identifier: MIT
"""capturectl send and receive against each other and against peers made with Python's gRPC from the
interface file as others have it, with and without TLS; peers that mean no good."""

import os
import random
import socket
import subprocess
import sys
import threading
import time
import unittest

from stream_peers import (BARE, CAPTURECTL, FOLDER, USUAL, PythonServer, Receive, description,
                          empty_pb2, frame, grpc, high_water_kib, make_pcap, messages, numbers_of,
                          packet, pem, raw_call, rpc, send)


class BothOfUs(unittest.TestCase):
    def test_a_file_arrives_whole_in_order_and_is_confirmed(self):
        file = make_pcap(FOLDER / "many.pcap", 50_000)
        with Receive() as to:
            status, report, errors = send("--fast", "--to", f"http://127.0.0.1:{to.port}", file)
            self.assertEqual((status, errors), (0, ""))
            self.assertEqual(report["sent"], 50_000)
            self.assertEqual(report["dropped"], 0)
            (got,) = to.await_reports(1)
            self.assertTrue(got["complete"])
            self.assertEqual(to.stop(), 0)
        (name,) = got["files"]
        self.assertEqual(numbers_of(name), list(range(50_000)))

    def test_files_rotate_in_every_format_and_lose_nothing(self):
        file = make_pcap(FOLDER / "few.pcap", 1000)
        for form in ("pcapng", "pcap-us", "pcap-ns", "lpcap"):
            with self.subTest(form), Receive("--rotate-packets", "300", "-F", form) as to:
                status, _, errors = send("--fast", "--to", f"http://127.0.0.1:{to.port}", file)
                self.assertEqual((status, errors), (0, ""))
                (got,) = to.await_reports(1)
                self.assertEqual(len(got["files"]), 4)
                numbers = [each for name in got["files"] for each in numbers_of(name)]
                self.assertEqual(numbers, list(range(1000)))

    def test_a_file_is_sent_at_a_multiple_of_its_own_speed(self):
        file = make_pcap(FOLDER / "slow.pcap", 50, step_us=100_000)  # 4.9 s
        with Receive() as to:
            begun = time.monotonic()
            status, _, errors = send("--speed", "10", "--to", f"http://127.0.0.1:{to.port}", file)
            self.assertEqual((status, errors), (0, ""))
            self.assertGreaterEqual(time.monotonic() - begun, 0.48)

    def test_who_is_not_there_and_what_is_no_url_are_said(self):
        file = make_pcap(FOLDER / "one.pcap", 1)
        status, report, errors = send("--to", "http://127.0.0.1:1", file)
        self.assertEqual(status, 1)
        self.assertIn("127.0.0.1:1", errors)
        self.assertEqual(report["offered"], report["sent"] + report["dropped"])
        self.assertEqual(send("--to", "127.0.0.1:1", file)[0], 2)

    def test_options_of_tls_are_not_ignored_without_it(self):
        file = make_pcap(FOLDER / "clear.pcap", 1)
        for options in (["--authorities", FOLDER / "ca.pem"], ["--name", "x"], ["--unchecked"]):
            status, _, errors = send("--to", "http://127.0.0.1:1", *options, file)
            self.assertEqual(status, 2)
            self.assertIn("in the clear", errors)

    def test_a_folder_that_is_gone_is_told_here_and_not_to_the_peer(self):
        with Receive() as to:
            to.folder.rmdir()
            error = raw_call(to.port, USUAL, [packet(0).SerializeToString()])
            self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertNotIn(str(to.folder), error.details())
            (got,) = to.await_reports(1)
            self.assertIn(str(to.folder), got["error"])
            self.assertEqual(to.stop(), 1)

    def test_a_broken_off_stream_leaves_a_whole_file(self):
        file = make_pcap(FOLDER / "endless.pcap", 2000, step_us=10_000)
        with Receive() as to:
            # pylint: disable=consider-using-with
            sender = subprocess.Popen([CAPTURECTL, "send", "--to", f"http://127.0.0.1:{to.port}",
                                       file], stdout=subprocess.DEVNULL)
            time.sleep(0.5)
            sender.kill()
            sender.wait()
            (got,) = to.await_reports(1)
            self.assertFalse(got["complete"])
            (name,) = got["files"]
            numbers = numbers_of(name)
            self.assertEqual(numbers, list(range(len(numbers))))
            self.assertFalse([each for each in to.folder.iterdir() if each.suffix == ".part"])


class OtherPeers(unittest.TestCase):
    def test_a_python_client_streams_on_both_paths(self):
        with Receive() as to:
            for count, path in ((500, USUAL), (700, BARE)):
                octets = (packet(each).SerializeToString() for each in range(count))
                self.assertEqual(raw_call(to.port, path, octets), b"")
            reports = to.await_reports(2)
            for got in reports:
                self.assertTrue(got["complete"])
                self.assertEqual(numbers_of(got["files"][0]), list(range(got["packets"])))
            self.assertEqual(sorted(each["packets"] for each in reports), [500, 700])

    def test_the_generated_stub_of_python_works_as_it_comes(self):
        with Receive() as to, grpc.insecure_channel(f"127.0.0.1:{to.port}") as channel:
            stub = rpc.PacketStreamingStub(channel)
            answer = stub.Run(packet(each) for each in range(100))
            self.assertEqual(answer, empty_pb2.Empty())
            self.assertEqual(to.await_reports(1)[0]["written"], 100)

    def test_missing_parts_and_wrong_lengths_are_tolerated_and_counted(self):
        odd = [messages.Packet(), packet(1, caplen=7),
               messages.Packet(header=messages.PacketHeader(ts_sec=1)),
               messages.Packet(data=messages.PacketData(data=frame(2)))]
        with Receive() as to:
            self.assertEqual(raw_call(to.port, USUAL, [e.SerializeToString() for e in odd]), b"")
            (got,) = to.await_reports(1)
            self.assertEqual((got["written"], got["headers_missing"], got["data_missing"],
                              got["lengths_differing"]), (4, 2, 2, 1))

    def test_a_python_server_gets_what_we_send(self):
        file = make_pcap(FOLDER / "peer.pcap", 2000)
        with PythonServer() as to:
            status, report, errors = send("--fast", "--to", f"http://127.0.0.1:{to.port}", file)
            self.assertEqual((status, errors, report["sent"]), (0, "", 2000))
            got = to.servicer.packets
        self.assertEqual([int.from_bytes(p.data.data[:8], "little") for p in got],
                         list(range(2000)))
        self.assertTrue(all(p.HasField("header") and p.HasField("data") for p in got))
        self.assertEqual((got[7].header.ts_sec, got[7].header.ts_usec, got[7].header.caplen,
                          got[7].header.len), (1_500_000_000, 7000, 60, 60))

    def test_tls_in_both_directions(self):
        file = make_pcap(FOLDER / "secret.pcap", 300)
        ours = ["--authorities", FOLDER / "ca.pem", "--name", "collector.example"]
        identity = ["--certificate", FOLDER / "client.pem", "--key", FOLDER / "client.key"]
        theirs = grpc.ssl_server_credentials([(pem("server.key"), pem("server.pem"))],
                                             pem("ca.pem"), True)
        with PythonServer(theirs) as to:
            url = f"https://127.0.0.1:{to.port}"
            status, _, errors = send("--fast", "--to", url, *ours, *identity, file)
            self.assertEqual((status, errors), (0, ""))
            self.assertEqual(len(to.servicer.packets), 300)
            # Not: without our certificate, with the wrong authority, or under another name.
            self.assertEqual(send("--to", url, *ours, file)[0], 1)
            self.assertEqual(send("--to", url, "--authorities", FOLDER / "other.pem", *identity,
                                  "--name", "collector.example", file)[0], 1)
            status, _, errors = send("--to", url, "--authorities", FOLDER / "ca.pem", *identity,
                                     "--name", "somebody.else", file)
            self.assertEqual(status, 1)
            self.assertTrue(errors)
            self.assertEqual(len(to.servicer.packets), 300)
            status, _, errors = send("--fast", "--to", url, "--unchecked", *identity, file)
            self.assertEqual((status, errors), (0, ""))
        with Receive("--certificate", FOLDER / "server.pem", "--key", FOLDER / "server.key",
                     "--authorities", FOLDER / "ca.pem") as to:
            name = (("grpc.ssl_target_name_override", "collector.example"),)
            good = grpc.ssl_channel_credentials(pem("ca.pem"), pem("client.key"), pem("client.pem"))
            octets = [packet(each).SerializeToString() for each in range(100)]
            self.assertEqual(raw_call(to.port, USUAL, octets, good, name), b"")
            for bad in (grpc.ssl_channel_credentials(pem("ca.pem")),
                        grpc.ssl_channel_credentials(pem("ca.pem"), pem("stranger.key"),
                                                     pem("stranger.pem"))):
                error = raw_call(to.port, USUAL, octets, bad, name)
                self.assertIsInstance(error, grpc.RpcError)
            self.assertEqual(to.stop(), 0)
            self.assertEqual(len(to.reports), 1)


class BadPeers(unittest.TestCase):
    def test_random_truncated_and_oversized_messages_end_their_stream_with_a_reason(self):
        source = random.Random(7)
        whole = packet(1).SerializeToString()
        bad = [whole[:-5], b"\xff" * 40, source.randbytes(1000)]
        with Receive("--message-max", "100000") as to:
            for octets in bad:
                error = raw_call(to.port, USUAL, [whole, octets])
                self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
                self.assertIn("number 1", error.details())
            error = raw_call(to.port, USUAL, [whole, bytes(200_000)])
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertEqual(raw_call(to.port, "/no.Such/Run", [whole]).code(),
                             grpc.StatusCode.UNIMPLEMENTED)
            reports = to.await_reports(4)
            self.assertEqual([each["written"] for each in reports], [1] * 4)
            self.assertFalse(any(each["complete"] for each in reports))
            self.assertEqual(raw_call(to.port, USUAL, [whole]), b"")
            self.assertEqual(to.stop(), 0)

    def test_octets_that_are_no_http2_at_all_harm_nobody(self):
        source = random.Random(11)
        with Receive() as to:
            for _ in range(50):
                with socket.create_connection(("127.0.0.1", to.port)) as peer:
                    try:
                        peer.sendall(source.randbytes(source.randrange(1, 5000)))
                    except OSError:
                        pass  # it may have hung up on us before the end
            self.assertEqual(raw_call(to.port, USUAL, [packet(0).SerializeToString()]), b"")

    def test_hundreds_of_slow_peers_cost_little_and_leave_the_others_alone(self):
        slow = 300
        whole = packet(1).SerializeToString()
        over = threading.Event()

        def trickle():
            yield whole
            over.wait(60)

        with Receive("--clients", "200") as to:
            channels = [grpc.insecure_channel(f"127.0.0.1:{to.port}",
                                              (("grpc.use_local_subchannel_pool", 1),))
                        for _ in range(slow)]
            calls = [each.stream_unary(USUAL, request_serializer=lambda m: m,
                                       response_deserializer=lambda m: m).future(trickle())
                     for each in channels]
            end = time.monotonic() + 60
            while sum(each.done() for each in calls) < slow - 200 and time.monotonic() < end:
                time.sleep(0.05)
            refused = [each for each in calls if each.done()]
            self.assertGreaterEqual(len(refused), slow - 200)
            for each in refused:
                self.assertEqual(each.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            open_ones = [each for each in calls if not each.done()]
            open_ones[0].cancel()  # makes room for one
            to.await_reports(1)
            file = make_pcap(FOLDER / "beside.pcap", 10_000)
            status, _, errors = send("--fast", "--to", f"http://127.0.0.1:{to.port}", file)
            self.assertEqual((status, errors), (0, ""))
            self.assertLess(high_water_kib(to.process.pid), 400 * 1024)
            over.set()
            for each in open_ones[1:]:
                each.result()
            for each in channels:
                each.close()
            self.assertEqual(to.stop(), 0)
            self.assertEqual(sum(each["complete"] for each in to.reports), len(open_ones))

    def test_a_message_of_unknown_fields_alone_costs_no_more_than_its_length(self):
        if os.environ.get("CAPTURED_SANITIZED"):
            self.skipTest("sanitizers keep what was freed: memory cannot be measured")
        fields = b"\xa0\x06\x01" * 1_390_000  # number 100, again and again: 4 MB
        with Receive() as to:
            self.assertEqual(raw_call(to.port, USUAL, [packet(0).SerializeToString()]), b"")
            before = high_water_kib(to.process.pid)
            self.assertEqual(raw_call(to.port, USUAL, [fields] * 3), b"")
            self.assertLess(high_water_kib(to.process.pid) - before, 60 * 1024)

    def test_more_clients_than_the_system_has_open_files_for_are_refused_at_once(self):
        def limited(*options):
            return subprocess.run(["prlimit", "--nofile=200:200", CAPTURECTL, "receive", "--listen",
                                   "127.0.0.1:1", *options, str(FOLDER)], capture_output=True,
                                  text=True, timeout=60, check=False)
        done = limited("--clients", "100")
        self.assertEqual(done.returncode, 2)
        self.assertIn("100 need 364 open files, and 200 are allowed", done.stderr)
        self.assertIn("clients", limited("--clients", "40", "-F", "lpcap").stderr)

    def test_an_interface_described_anew_all_the_time_begins_new_files(self):
        count = 20_000
        octets = [packet(each).SerializeToString() + description(f"eth{each}")
                  for each in range(count)]
        with Receive() as to:
            self.assertEqual(raw_call(to.port, USUAL, octets), b"")
            (got,) = to.await_reports(1)
            self.assertEqual(len(got["files"]), 3)
            self.assertEqual(got["written"], count)

    def test_a_slowed_down_stream_does_not_hold_up_the_end(self):
        with Receive("--rate", "1") as to:
            def packets():
                for each in range(1000):
                    yield packet(each).SerializeToString()
            caller = threading.Thread(target=lambda: raw_call(to.port, USUAL, packets()))
            caller.start()
            time.sleep(1)
            self.assertEqual(to.stop(), 0)  # fails when it takes a minute
            caller.join()

    def test_a_stream_faster_than_the_limit_is_slowed_down(self):
        file = make_pcap(FOLDER / "fast.pcap", 1000)
        with Receive("--rate", "1000") as to:
            begun = time.monotonic()
            status, _, errors = send("--fast", "--to", f"http://127.0.0.1:{to.port}", file)
            self.assertEqual((status, errors), (0, ""))
            self.assertGreater(time.monotonic() - begun, 0.7)
            self.assertEqual(to.await_reports(1)[0]["written"], 1000)


if __name__ == "__main__":
    if os.environ.get("CAPTURED_SANITIZED") == "thread":
        print("SKIPPED: gRPC as it is installed knows nothing of the thread sanitizer")
        sys.exit(77)
    unittest.main()
