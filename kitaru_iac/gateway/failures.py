"""Why a server cannot be reached, in words, and what to do about it."""

from __future__ import annotations

import os
import socket
import ssl
from http.client import HTTPException, IncompleteRead
from typing import Final
from urllib.parse import urlsplit

from kitaru_iac import redaction
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.routes import BUNDLE_VARIABLES, VERIFY_VARIABLE, Proxy
from kitaru_iac.gateway.watch import TooLarge

__all__ = ["not_connected"]

#: OpenSSL's numbers for what is wrong with a certificate (X509_V_ERR_…).
_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_OTHER_NAME: Final = (62, 64)  # HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH


def not_connected(
    error: Exception,
    shown: str,
    *,
    verify: bool | str,
    proxy: Proxy | None,
    waited: float,
    limit: int,
    secrets: tuple[str | None, ...],
) -> NotConnectedError:
    """Put a failure of the network into words.

    Args:
        error: What the socket, TLS or HTTP raised.
        shown: The server's URL, without its secrets.
        verify: What its certificate was verified with; see `routes.tls_context`.
        proxy: The proxy on the way, if any.
        waited: How many seconds were waited.
        limit: How many bytes an answer may have.
        secrets: What must not be repeated.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _not_trusted(error, shown, verify)
    if isinstance(error, TooLarge):
        return NotConnectedError(
            "What answers there does not answer as a ZenML server",
            where=shown,
            why=f"Its answer is larger than {limit / 2**20:g} MiB",
        )
    why, remedy = _reason(error, shown, proxy, waited)
    if why is None:
        why = redaction.text(str(error) or type(error).__name__, *secrets)
    return NotConnectedError(
        "The ZenML server does not answer", where=shown, why=why, remedy=remedy
    )


def _reason(
    error: Exception, shown: str, proxy: Proxy | None, waited: float
) -> tuple[str | None, str | None]:
    """Why, where it is known, and a remedy."""
    way = f"the proxy {proxy.address} ({proxy.variable})" if proxy else None
    look = f"Look at {proxy.variable}; NO_PROXY lists the hosts without a proxy." if proxy else None
    if isinstance(error, socket.gaierror | UnicodeError):
        host = proxy.host if proxy else urlsplit(shown).hostname
        return f"There is no host named {host}", look
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens at {way}" if way else "Nothing listens there", look
    if isinstance(error, TimeoutError):
        return f"No answer within {waited:g} seconds", None
    if proxy and str(error).startswith("Tunnel connection failed"):
        status = str(error).partition(": ")[2]
        return f"It is not let through by {way}: {status}", look
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "The connection was closed in the middle of TLS", None
    if isinstance(error, ssl.SSLError):
        return "It does not speak TLS", "Does its URL begin with http://?"
    if isinstance(error, ConnectionError):
        return "The connection was closed without an answer", None
    if isinstance(error, IncompleteRead):
        return "The connection was closed in the middle of an answer", None
    if isinstance(error, HTTPException):
        return "What listens there does not speak HTTP", None
    return None, None


def _not_trusted(
    error: ssl.SSLCertVerificationError, shown: str, verify: bool | str
) -> NotConnectedError:
    what = "The certificate of the ZenML server is not trusted"
    why = error.verify_message[:1].upper() + error.verify_message[1:]
    return NotConnectedError(what, where=shown, why=why, remedy=_trusting(error, shown, verify))


def _trusting(error: ssl.SSLCertVerificationError, shown: str, verify: bool | str) -> str:
    """What lets `requests`, and so ZenML, trust it, and nothing that only lets us."""
    code = error.verify_code
    if code in (_EXPIRED, _NOT_YET_VALID):
        return "Let its certificate be renewed, and look at this machine's clock."
    if code in _OTHER_NAME:
        return "Use the name that its certificate is for."
    if isinstance(verify, str) and verify == os.environ.get(VERIFY_VARIABLE):
        return f"Let {VERIFY_VARIABLE} name a file of its authority's certificates."
    if isinstance(verify, str):
        return f"The store has authorities of its own. Log in with the right ones: {_login(shown)}"
    variable = next((name for name in BUNDLE_VARIABLES if os.environ.get(name)), None)
    other = f"add them to the file that {variable} names"
    if variable is None:
        ignored = " (SSL_CERT_FILE is not read)" if os.environ.get("SSL_CERT_FILE") else ""
        other = f"name a file of them in {BUNDLE_VARIABLES[0]}{ignored}"
    if os.environ.get("ZENML_STORE_URL"):  # a login is refused then; a plugin has set it itself
        return f"Give its authority's certificates: {other}."
    return f"Give its authority's certificates: {_login(shown)}\nOr {other}."


def _login(shown: str) -> str:
    return f"kitaru login {shown} --ca-cert FILE"
