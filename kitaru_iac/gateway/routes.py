"""The way to a server: which proxy, and which certificate authorities.

Both are chosen as `requests` chooses them for ZenML, so that what ZenML reaches and trusts is
reached and trusted here, and nothing else is. `SSL_CERT_FILE` and the system's own authorities are
not among them: ZenML would refuse later what was trusted here before.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from kitaru_iac import redaction
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.values import dataclass, field

__all__ = [
    "BUNDLE_VARIABLES",
    "VERIFY_VARIABLE",
    "Proxy",
    "parsed",
    "port_of",
    "proxy_for",
    "tls_context",
]

#: What names a file of authorities, where the store has none of its own; the first one counts.
BUNDLE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: What may give a store its own, in place of its settings.
VERIFY_VARIABLE: Final = "ZENML_STORE_VERIFY_SSL"
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        host: Its host.
        port: Its port.
        variable: The environment variable that names it, or the system's settings.
        headers: Its authorization, if it wants one.
    """

    host: str
    port: int
    variable: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """``HOST:PORT``."""
        return f"{self.host}:{self.port}"


def parsed(url: str) -> SplitResult | None:
    """Give the parts of a URL; None where it names no host, or its port is not a number."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    return parts if host and host.isprintable() and " " not in host else None


def port_of(target: SplitResult) -> int:
    """Give the port of an http or https URL."""
    return target.port or _PORTS.get(target.scheme, 80)


# -- proxies ---------------------------------------------------------------------------------------


def proxy_for(target: SplitResult, environ: Mapping[str, str]) -> Proxy | None:
    """Choose the proxy for a server; None where it is reached without one.

    Args:
        target: The server's URL.
        environ: The environment variables.

    Raises:
        UnreadableError: It is a kind of proxy that only ZenML can use (SOCKS, https).
        NotConnectedError: What the variable holds is no address.
    """
    host = target.hostname or ""
    proxies = _proxies(environ)
    for key in (f"{target.scheme}://{host}", target.scheme, f"all://{host}", "all"):
        if key in proxies:
            variable, chosen = proxies[key]
            break
    else:
        return None
    if _is_bypassed(host, target.port, environ):
        return None
    return _read_proxy(variable, chosen)


def _read_proxy(variable: str, chosen: str) -> Proxy:
    chosen = chosen.strip()
    parts = parsed(chosen if "://" in chosen else f"http://{chosen}")
    if parts is None:
        raise NotConnectedError(
            f"The proxy that {variable} names is no address",
            where=variable,
            why=f"It is {redaction.url(chosen)}",
            remedy="Write http://HOST:PORT; signs in its password have to be percent-encoded.",
        )
    if parts.scheme != "http":
        raise UnreadableError(f"a proxy of the kind {parts.scheme!r}")
    headers = {}
    if parts.username is not None and parts.password is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password)}"
        headers["Proxy-Authorization"] = "Basic " + b64encode(_bytes(login)).decode()
    return Proxy(str(parts.hostname), port_of(parts), variable, headers)


def _bytes(login: str) -> bytes:
    try:
        return login.encode("latin-1")  # as `requests`
    except UnicodeEncodeError:
        return login.encode()


def _proxies(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The variable and the value by what it is for, as `urllib.request.getproxies` reads them."""
    found: dict[str, tuple[str, str]] = {}
    for name, value in environ.items():
        if value and name.lower().endswith("_proxy"):
            found[name.lower().removesuffix("_proxy")] = (name, value)
    if "REQUEST_METHOD" in environ:
        found.pop("http", None)  # in a CGI script HTTP_PROXY is a header of the caller
    for name, value in environ.items():
        if name.endswith("_proxy"):
            key = name.lower().removesuffix("_proxy")
            if value:
                found[key] = (name, value)
            else:
                found.pop(key, None)
    if not found and sys.platform in ("darwin", "win32"):
        from urllib.request import getproxies

        return {key: ("the system's settings", value) for key, value in getproxies().items()}
    return found


def _is_bypassed(host: str, port: int | None, environ: Mapping[str, str]) -> bool:
    """Both rules: that of `requests`, then that of `urllib.request.proxy_bypass`."""
    exceptions = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    entries = [entry for entry in exceptions.replace(" ", "").split(",") if entry]
    if _is_ipv4(host):
        if any(_is_in(host, entry) for entry in entries):
            return True
    elif any(_fits(host, port, entry) for entry in entries):
        return True
    _, theirs = _proxies(environ).get("no", ("", ""))
    if theirs == "*":
        return True
    names = [name.strip().lower() for name in theirs.split(",")]
    return any(_fits(host.lower(), None, name) for name in names if name)


def _fits(host: str, port: int | None, entry: str) -> bool:
    wanted = entry.lstrip(".")
    names = (host, f"{host}:{port}") if port else (host,)
    return any(name == wanted or name.endswith(f".{wanted}") for name in names)


def _is_ipv4(host: str) -> bool:
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def _is_in(host: str, entry: str) -> bool:
    """Whether an IPv4 address is the entry, or in its network."""
    network, slash, mask = entry.partition("/")
    if not slash:
        return host == entry
    if not mask.isdigit() or not 1 <= int(mask) <= 32 or not _is_ipv4(network):
        return host == entry
    bits = (0xFFFFFFFF << (32 - int(mask))) & 0xFFFFFFFF
    here, there = (struct.unpack("!L", socket.inet_aton(name))[0] for name in (host, network))
    return bool(here & bits == there & bits)


# -- certificate authorities -----------------------------------------------------------------------


def tls_context(verify: bool | str, environ: Mapping[str, str]) -> ssl.SSLContext:
    """Make the context of TLS connections.

    Args:
        verify: False; True for the authorities of the environment, else those of `requests`; or the
            path or the text of a bundle of certificates (PEM).
        environ: The environment variables.

    Raises:
        UnreadableError: There are no authorities: `certifi` is not installed.
        NotConnectedError: The bundle cannot be used.
    """
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if isinstance(verify, str):
        where = VERIFY_VARIABLE if verify == environ.get(VERIFY_VARIABLE) else "verify_ssl"
        bundle = verify if "-----BEGIN" in verify else str(Path(verify).expanduser())
    else:
        where = next((name for name in BUNDLE_VARIABLES if environ.get(name)), "certifi")
        bundle = environ[where] if where != "certifi" else _certifi()
    try:
        if "-----BEGIN" in bundle:
            return ssl.create_default_context(cadata=bundle)
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError) as error:
        named = "the text" if "-----BEGIN" in bundle else redaction.value(bundle)
        what = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be used"
        raise NotConnectedError(
            f"The file of certificate authorities of {where} {what}",
            where=where,
            why=f"It names {named}" if what == "does not exist" else f"{named} is not one (PEM)",
            remedy="Name a file of certificates, or unset it."
            if where in (*BUNDLE_VARIABLES, VERIFY_VARIABLE)
            else "Log in again: kitaru login URL --ca-cert FILE",
        ) from error


def _certifi() -> str:
    """The authorities that `requests` trusts."""
    try:
        import certifi
    except ImportError as error:
        raise UnreadableError("certifi is not installed") from error
    return certifi.where()
