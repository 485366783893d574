# SPDX-License-Identifier: MIT
"""A collector that is none of ours: Python's gRPC, from the interface file as others have it.

`python_collector.py PORT [FOLDER]`, FOLDER with the certificates of a TLS server that wants one of
its clients, too. Says "listening" when it does; at a line on its standard input, how many packets
it got and the digest of what they say, in their order.
"""

import json
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "unit" / "capturectl"))
os.environ.setdefault("CAPTURECTL", "none is needed")

# pylint: disable=wrong-import-position,import-error
import records
import stream_peers as peers


def main():
    credentials = None
    if len(sys.argv) > 2:
        def content(name):
            return (Path(sys.argv[2]) / name).read_bytes()

        credentials = peers.grpc.ssl_server_credentials(
            [(content("server.key"), content("server.pem"))],
            root_certificates=content("ca.pem"), require_client_auth=True)
    with peers.PythonServer(credentials, port=int(sys.argv[1])) as server:
        print("listening", flush=True)
        sys.stdin.readline()
        got = [(each.header.ts_sec, each.header.ts_usec, each.header.caplen, each.header.len,
                each.data.data) for each in server.servicer.packets]
    print(json.dumps({"packets": len(got), "digest": records.digest(got)}))


if __name__ == "__main__":
    main()
