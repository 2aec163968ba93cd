"""Whether two labels of backends may stand for one: a place has more spellings than one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from kitaru_iac.redaction import HIDDEN

__all__ = ["may_be_same"]

#: The addresses of Pulumi's own service; the first is its pages', which `pulumi login` takes too.
_SERVICES = {"app.pulumi.com": "api.pulumi.com"}


def may_be_same(one: str, other: str) -> bool:
    """Say whether two backends are not surely two, as records and messages name them.

    Args:
        one: A URL without what could be a secret.
        other: Another one.
    """
    if one == other or not (one and other):
        return True
    scheme, place, query = _read(one)
    others_scheme, others_place, others_query = _read(other)
    if scheme != others_scheme:
        return False
    if place is None or others_place is None:
        return True
    if scheme == "file":
        return _is_same_folder(place, others_place)
    if place != others_place:
        return False
    accounts = [found.get("storage_account") for found in (query, others_query)]
    return None in accounts or accounts[0] == accounts[1]


def _read(label: str) -> tuple[str, str | None, dict[str, list[str]]]:
    """Its scheme, its place in one spelling, and its query; no place where that is not told."""
    try:
        parts = urlsplit(label)
    except ValueError:
        return label.partition(":")[0].lower(), None, {}
    query = parse_qs(parts.query)
    if parts.scheme in {"http", "https"}:
        host = parts.netloc.lower()
        return "https", _SERVICES.get(host, host), {}
    if HIDDEN in label:
        return parts.scheme, None, query
    if parts.scheme == "file":
        path = unquote(f"{parts.netloc}{parts.path}")
        # Relative to a folder that the label does not tell.
        return "file", path if path.startswith("/") else None, query
    # A folder of a bucket is named by its path or by a prefix: go-cloud puts that before the path.
    below = "".join([*query.get("prefix", [])[:1], parts.path.strip("/")]).rstrip("/")
    return parts.scheme, f"{parts.netloc.lower()}/{below}", query


def _is_same_folder(one: str, other: str) -> bool:
    """Whether two paths lead to one folder, as far as this machine knows it."""
    with suppress(OSError, RuntimeError):
        first, second = Path(one), Path(other)
        return first.resolve() == second.resolve() or first.samefile(second)
    return one.rstrip("/") == other.rstrip("/")
