"""A throw-away certificate authority: no client trusts it unless the test's environment says so."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import trustme

#: Every variable by which the SDKs and command-line tools of the three clouds are told their roots.
_BUNDLE_VARIABLES = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "AWS_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",
    "NODE_EXTRA_CA_CERTS",
)


class ThrowAwayCA:
    """Issues certificates for the hosts that a double plays.

    gRPC reads its roots once in a process: one CA serves everything a test process starts.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._ca = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self.bundle = directory / "loopback-ca.pem"
        self._ca.cert_pem.write_to_path(str(self.bundle))

    def context(self, host: str) -> ssl.SSLContext:
        """A server's TLS context for one host, made when it is first asked for."""
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._ca.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]

    def key_and_chain(self, *hosts: str) -> tuple[bytes, bytes]:
        """Private key and certificate chain, for servers that want them as bytes (gRPC)."""
        certificate = self._ca.issue_cert(*hosts)
        chain = b"".join(part.bytes() for part in certificate.cert_chain_pems)
        return certificate.private_key_pem.bytes(), chain

    def env(self) -> dict[str, str]:
        return dict.fromkeys(_BUNDLE_VARIABLES, str(self.bundle))
