"""One text for one JSON value, so that equal contents have equal digests.

Follows RFC 8785 (JSON Canonicalization Scheme): no white space, keys in the order of their UTF-16
code units, whole numbers without a point.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

__all__ = ["canonical", "sha256"]


def canonical(value: object) -> str:
    """Give the canonical JSON of plain data; what is no JSON is written as its text."""
    if isinstance(value, Mapping):
        items = sorted(
            ((str(key), inner) for key, inner in value.items()),
            key=lambda item: item[0].encode("utf-16-be", "surrogatepass"),
        )
        return "{" + ",".join(f"{_text(key)}:{canonical(inner)}" for key, inner in items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        return json.dumps(value) if value - value == 0 else _text(str(value))
    return _text(str.__str__(value) if isinstance(value, str) else str(value))


def sha256(value: object) -> str:
    """Give ``sha256:`` and the hexadecimal digest of the canonical form."""
    text = canonical(value).encode("utf-8", "surrogatepass")
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
