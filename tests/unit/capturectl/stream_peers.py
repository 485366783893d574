# SPDX-License-Identifier: MIT
"""What the tests of streams share: peers made with Python's gRPC from our interface file, a running
`capturectl receive`, certificates, and captures with numbered frames. Ends the run as skipped where
what it needs is not installed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent import futures
from pathlib import Path

try:
    import grpc
except ImportError:
    # Debian's modules are Debian's Python's.
    if os.path.realpath(sys.executable) != os.path.realpath("/usr/bin/python3") and os.access(
            "/usr/bin/python3", os.X_OK):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])
    print("SKIPPED: python3-grpcio is not installed")
    sys.exit(77)

PLUGIN = shutil.which("grpc_python_plugin")
if PLUGIN is None or shutil.which("protoc") is None or shutil.which("openssl") is None:
    print("SKIPPED: protobuf-compiler, protobuf-compiler-grpc or openssl is not installed")
    sys.exit(77)

CAPTURECTL = os.environ["CAPTURECTL"]
PROTO = Path(__file__).resolve().parents[3] / "lib/stream/packet_streaming.proto"
USUAL = "/packet_streaming.PacketStreaming/Run"
BARE = "/PacketStreaming/Run"

work = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
FOLDER = Path(work.name)


def compile_interface():
    """As other programs have it: without what is ours, the fields from 16 on."""
    lines = PROTO.read_text(encoding="utf-8").splitlines(keepends=True)
    (FOLDER / PROTO.name).write_text(
        "".join(each for each in lines if not re.search(r"= 1[6-9];", each)), encoding="utf-8")
    subprocess.run(["protoc", f"-I{FOLDER}", f"--python_out={FOLDER}",
                    f"--grpc_python_out={FOLDER}",
                    f"--plugin=protoc-gen-grpc_python={PLUGIN}", PROTO.name], check=True)
    sys.path.insert(0, str(FOLDER))


compile_interface()
import packet_streaming_pb2 as messages  # pylint: disable=import-error,wrong-import-position
import packet_streaming_pb2_grpc as rpc  # pylint: disable=import-error,wrong-import-position
from google.protobuf import empty_pb2  # pylint: disable=wrong-import-position


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=FOLDER)


def make_certificates():
    """ca.pem, and server, client and stranger (of another authority), each with its key."""
    for authority in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-days", "2",
                "-subj", f"/CN={authority}")
    for name, authority in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
        (FOLDER / "ext").write_text("subjectAltName=DNS:collector.example\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
                f"{authority}.key", "-CAcreateserial", "-days", "2", "-out", f"{name}.pem",
                "-extfile", "ext")


make_certificates()


def pem(name):
    return (FOLDER / name).read_bytes()


def frame(number, size=60):
    return number.to_bytes(8, "little") + bytes(size - 8)


def make_pcap(path, count, step_us=1000):
    with open(path, "wb") as file:
        file.write(bytes.fromhex("d4c3b2a1020004000000000000000000"))
        file.write((262144).to_bytes(4, "little") + (1).to_bytes(4, "little"))
        for number in range(count):
            at = 1_500_000_000_000_000 + number * step_us
            for field in (at // 1_000_000, at % 1_000_000, 60, 60):
                file.write(field.to_bytes(4, "little"))
            file.write(frame(number))
    return path


def numbers_of(file):
    """The numbers of the frames of a capture, as another command of ours gives them in pcap."""
    run = subprocess.run([CAPTURECTL, "convert", "-q", "-F", "pcap-us", file, "-"], check=True,
                         capture_output=True)
    octets, at, numbers = run.stdout, 24, []
    while at < len(octets):
        length = int.from_bytes(octets[at + 8:at + 12], "little")
        numbers.append(int.from_bytes(octets[at + 16:at + 24], "little"))
        at += 16 + length
    return numbers


class Receive:
    """A running `capturectl receive`."""

    def __init__(self, *options):
        self.folder = Path(tempfile.mkdtemp(dir=FOLDER))
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [CAPTURECTL, "receive", "--listen", "127.0.0.1:0", "--json", *options, self.folder],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "listening" not in line:
            raise AssertionError(line + self.process.stderr.read())
        self.port = int(line.rsplit(" ", 1)[1])
        self.reports = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.reports.append(json.loads(line))

    def await_reports(self, count):
        end = time.monotonic() + 60
        while len(self.reports) < count and time.monotonic() < end:
            time.sleep(0.02)
        return self.reports

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(60)
        self.reader.join()
        self.errors = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def send(*arguments):
    run = subprocess.run([CAPTURECTL, "send", "--json", *arguments], capture_output=True,
                         text=True, timeout=120, check=False)
    return run.returncode, json.loads(run.stdout) if run.stdout else None, run.stderr


class Servicer(rpc.PacketStreamingServicer):
    def __init__(self):
        self.packets = []

    def Run(self, request_iterator, context):  # pylint: disable=invalid-name
        for packet in request_iterator:
            self.packets.append(packet)
        return empty_pb2.Empty()


class PythonServer:
    def __init__(self, credentials=None, port=0):
        self.servicer = Servicer()
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        rpc.add_PacketStreamingServicer_to_server(self.servicer, self.server)
        if credentials is None:
            self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        else:
            self.port = self.server.add_secure_port(f"127.0.0.1:{port}", credentials)
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(0).wait()


def raw_call(port, path, octets, credentials=None, options=(), **more):
    """Sends messages of any octets; gives the answer or the error."""
    target = f"127.0.0.1:{port}"
    channel = (grpc.insecure_channel(target, options) if credentials is None else
               grpc.secure_channel(target, credentials, options))
    with channel:
        call = channel.stream_unary(path, request_serializer=lambda each: each,
                                    response_deserializer=lambda each: each)
        try:
            return call(iter(octets), timeout=60, **more)
        except grpc.RpcError as error:
            return error


def packet(number, **header):
    fields = {"ts_sec": 1_500_000_000, "ts_usec": number, "caplen": 60, "len": 1500, **header}
    return messages.Packet(header=messages.PacketHeader(**fields),
                           data=messages.PacketData(data=frame(number)))


def description(name):
    """What is ours in a message: its interface is called so, and is Ethernet."""
    octets = b"\x0a" + bytes([len(name)]) + name.encode() + b"\x10\x01"
    return b"\x8a\x01" + bytes([len(octets)]) + octets


def high_water_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")
