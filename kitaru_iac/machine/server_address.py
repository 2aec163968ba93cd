"""The address of a ZenML server, from what people paste: its API's, one with a query or a slash."""

from __future__ import annotations

from typing import Final

from kitaru_iac import redaction
from kitaru_iac.patterns import compiled

__all__ = ["likely_address", "more_than_address", "server_address", "without_page"]

_SCHEMES: Final = ("http", "https")
#: The path at which the API begins, which is asked below the address, and what stands behind it.
_API: Final = compiled(r"/+api(?:/+v1(?:/.*)?)?/*\Z")


def server_address(text: str) -> str:
    """Give a server's address as ZenML keeps it: less the API's path, a query, a slash at the end.

    What begins with neither http:// nor https:// is given as it is. So is what stands behind a user
    or a password, which may hold any sign.
    """
    scheme, sign, rest = text.strip().partition("://")
    if not sign or scheme.lower() not in _SCHEMES:
        return text
    if "@" not in rest:
        rest = rest.partition("#")[0].partition("?")[0]
        host, slash, path = rest.partition("/")
        rest = host + _API.sub("", slash + path)
    return f"{scheme.lower()}://{rest.rstrip('/')}"


def more_than_address(text: str, where: str) -> str | None:
    """Give what has to be said of an address that is used in part; None where it is only that.

    Args:
        text: The address, as given.
        where: What holds it.
    """
    used, (_, sign, rest) = server_address(text), text.strip().partition("://")
    if not sign or used.endswith(f"://{rest.rstrip('/')}"):
        return None
    return f"{where} holds more than the server's address: {redaction.url(used)} is used."


def likely_address(text: str) -> str | None:
    """Give what was probably meant where a text is no address; None where nothing shows it."""
    _, sign, rest = text.strip().partition("://")
    bare = (rest if sign else text.strip()).lstrip("/")
    likely = redaction.url(server_address(f"https://{bare}").removeprefix("https://"))
    return f"https://{likely}" if likely and redaction.HIDDEN not in likely else None


def without_page(address: str) -> str | None:
    """Give an address without its path, which may be that of a page; None where it has none."""
    scheme, sign, rest = address.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}{sign}{host}" if sign and host and path.strip("/") else None
