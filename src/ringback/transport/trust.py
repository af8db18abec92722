"""TLS contexts: verification always on, TLS 1.2 or newer, HTTP/1.1 by ALPN."""

import calendar
import functools
import ssl
import time
from pathlib import Path

from ringback.transport.exchange import TlsFacts


def context(ca_pem: str | None = None) -> ssl.SSLContext:
    """Make the context for outgoing connections.

    `ca_pem` holds certificates (PEM) to trust instead of the system's; raises ssl.SSLError when
    they cannot be read.
    """
    made = ssl.create_default_context(cadata=ca_pem)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    return made


@functools.lru_cache(maxsize=256)
def cached_context(ca_pem: str) -> ssl.SSLContext:
    """Return the same context for the same certificates: pools are kept per context."""
    return context(ca_pem)


def authorities() -> int:
    """Return how many certificate authorities are trusted, in one file or one for each.

    0 means that no certificate can be trusted.
    """
    known = context().cert_store_stats()["x509_ca"]
    folders = filter(None, [ssl.get_default_verify_paths().capath])  # None where there is none
    return known or sum(1 for folder in folders for _ in Path(folder).glob("*.[0-9]"))


def openssl_version() -> tuple[int, int]:
    """Return the major and minor version of OpenSSL."""
    return ssl.OPENSSL_VERSION_INFO[:2]


def openssl_name() -> str:
    """Return the name and version of OpenSSL."""
    return ssl.OPENSSL_VERSION


def facts(connection: ssl.SSLObject) -> TlsFacts:
    """Read what a finished handshake agreed on."""
    cipher = connection.cipher()
    certificate = connection.getpeercert() or {}
    subject, expires = "", None
    for part in certificate.get("subject", ()):
        for pair in part:
            if isinstance(pair, tuple) and pair[0] == "commonName":
                subject = str(pair[1])
    not_after = certificate.get("notAfter")
    if isinstance(not_after, str):
        try:
            expires = calendar.timegm(time.strptime(not_after, "%b %d %H:%M:%S %Y GMT"))
        except ValueError:
            expires = None
    return TlsFacts(connection.version() or "", cipher[0] if cipher else "", subject, expires)
