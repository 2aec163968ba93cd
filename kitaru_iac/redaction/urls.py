"""What may be shown of an address: scheme, host, port, path, and parameters that are harmless."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "HIDDEN",
    "HOST",
    "SCHEME",
    "WINDOWS_PATH",
    "divided",
    "is_harmless",
    "parameters_in",
    "url",
]

#: What stands where something was hidden in a URL or a value.
HIDDEN: Final = "…"

#: Parameters whose values are shown: places and switches of databases and of Pulumi's backends.
_HARMLESS: Final = frozenset(
    {
        *("accelerate", "anonymous", "awssdk", "cdn", "charset", "create_dir", "disable_https"),
        *("disablessl", "domain", "dualstack", "endpoint", "fips", "hostname_immutable"),
        *("localemu", "metadata", "no_tmp_dir", "prefix", "profile", "protocol", "region"),
        *("s3forcepathstyle", "sslmode", "storage_account", "universe_domain", "use_path_style"),
    }
)
_HARMLESS_VALUE = r"[\w.:/+-]*"

# Patterns are texts: they are compiled, and kept by `re`, only where there is something to hide.
SCHEME = r"(?s)(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)"
WINDOWS_PATH = r"[A-Za-z]:[\\/]"
#: What ends a URL's host. A backslash does for browsers, and a password may hold it.
_END_OF_HOST = r"[/?#\\]"
HOST = r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\])(?::[0-9]*)?"
#: Where a path stops being one; also in the spelling of somebody who encoded too much.
_END_OF_PATH = r"(?i)[?#;]|%3F|%23|%3B|%40"


def url(text: str) -> str:
    """Give what may be shown of a URL: scheme, host, port and path.

    Never shown: user and password, the fragment, parameters after ``;``, and the query except for
    parameters that are known to be harmless (``region``, ``sslmode``, …). Paths of this machine,
    SQLite's and ``file:`` among them, are shown whole; a word alone is not.

    A password may hold any character, encoded or not. Where it cannot be told which part of the
    text is the password, nothing but the scheme is shown, followed by ``…``.

    Args:
        text: A URL, a proxy's address without a scheme, a path, or something that should be one.
    """
    plain = text.strip()
    if not plain:
        return ""
    match = re.fullmatch(SCHEME, plain)
    start = f"{match['scheme'].lower()}://" if match else ""
    if not match and re.fullmatch(r"[\w+=-]+", plain) and plain != "localhost":
        return HIDDEN  # a key in a URL's place looks like this, too
    rest = match["rest"] if match else plain
    if not match and plain.startswith("//"):
        start, rest = "//", plain[2:]  # a URL that lost its scheme
    if not plain.isprintable():
        return start + HIDDEN
    if _is_path(start, rest):
        if not start:
            return rest
        end = re.search("[?]" if start.startswith("sqlite") else "[?#]", rest)
        return start + (rest[: end.start()] if end else rest) + _parameters(rest)
    host = _from_host(rest)
    if host is None:
        return start + HIDDEN
    host, path = divided(host)
    if not re.fullmatch(HOST, host):
        # `mysql:///name` and `scheme://` name no host, and hide none.
        return start + HIDDEN if host or not start else start + _shown_path(path)
    return start + host + _shown_path(path)


def _is_path(start: str, rest: str) -> bool:
    """Whether it is a path of this machine: there is no host that a login could stand before."""
    scheme = start.partition(":")[0].partition("+")[0]
    if scheme in ("sqlite", "file"):
        return rest.startswith(("/", ":memory:")) or bool(re.match(WINDOWS_PATH, rest))
    return not start and bool(
        rest.startswith(("/", "~", "./", "../")) or re.match(WINDOWS_PATH, rest)
    )


def _from_host(rest: str) -> str | None:
    """The text from its host on; None where that cannot be told.

    A text is a URL by the rules, or one with an unencoded password, in which the host follows an
    `@` all the same. What both readings give may be shown.
    """
    last = rest.rfind("@")
    if last < 0:
        return rest
    end = re.search(_END_OF_HOST, rest)
    if end is None or last < end.start():
        return rest[last + 1 :]  # by the rules
    before, after = rest[: last + 1], rest[last + 1 :]
    authority = rest[: end.start()]
    if re.fullmatch(HOST, authority):
        return None  # `host/path@x`, or a login `user/pass@host`
    if not re.search(r"[?#\\]", before):
        return after  # either a host, or the end of a path
    if before.count("@") == 1 and not parameters_in(before):
        return after  # no port has letters: `user:pass#word@host`
    return None


def parameters_in(rest: str) -> re.Match[str] | None:
    """Find where parameters begin: at the first sign that an equals sign follows anywhere."""
    first = re.search("[?#;]", rest)
    return first if first and "=" in rest[first.end() :] else None


def divided(rest: str) -> tuple[str, str]:
    """Divide a URL without its scheme into its host and what follows."""
    end = re.search(_END_OF_HOST, rest)
    return (rest[: end.start()], rest[end.start() :]) if end else (rest, "")


def _shown_path(path: str) -> str:
    end = re.search(_END_OF_PATH, path)
    if end is None:
        return path
    return path[: end.start()] + (_parameters(path[end.start() :]) if end[0] == "?" else "")


def _parameters(rest: str) -> str:
    """The harmless part of a query, with its question mark."""
    query = rest.partition("?")[2].partition("#")[0]
    pairs = [pair for pair in query.split("&") if is_harmless(pair)]
    return f"?{'&'.join(pairs)}" if pairs else ""


def is_harmless(pair: str) -> bool:
    """Tell whether a parameter of a query may be shown."""
    name, _, given = pair.partition("=")
    return name.lower() in _HARMLESS and bool(re.fullmatch(_HARMLESS_VALUE, given))
