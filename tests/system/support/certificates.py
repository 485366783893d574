# SPDX-License-Identifier: MIT
"""Certificates for tests, made anew: an authority, another one, a server and a client."""

from . import tools

NAME = "collector.example"  # in the server's and the client's certificate
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make(folder):
    """ca.pem, other.pem, server.pem and client.pem (of ca) in the folder, each with its .key, which
    anybody may read."""
    def openssl(*words):
        tools.run([tools.theirs("openssl"), *words], cwd=folder)

    for authority in ("ca", "other"):
        openssl("req", "-x509", *KEY, "-keyout", f"{authority}.key", "-out", f"{authority}.pem",
                "-days", "2", "-subj", f"/CN={authority}")
    (folder / "extensions").write_text(f"subjectAltName=DNS:{NAME}\n", encoding="utf-8")
    for name in ("server", "client"):
        openssl("req", *KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-out", f"{name}.pem", "-extfile", "extensions")
    for key in folder.glob("*.key"):
        key.chmod(0o644)
