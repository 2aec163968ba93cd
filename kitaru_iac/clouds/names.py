"""A stack's name in the names of what is made for it, in any cloud.

Names must not change from one version to the next: another name is another resource.
"""

from __future__ import annotations

import hashlib
import re

from kitaru_iac.patterns import compiled

__all__ = ["slug"]

#: How a name that was altered ends; one that ends so by itself is altered too, or it could be that
#: of another stack.
_LIKE_ALTERED = compiled(r"(?:.*-)?[0-9a-f]{6}")


def slug(stack: str, longest: int = 26) -> str:
    """The stack's name in what every service takes: ``a-z0-9-``, at most `longest` characters.

    A name that had to be altered gets a few digits of its hash, so that `Prod` and `prod` differ,
    and so does one that looks as if it were: `prod-5f5635`.

    Args:
        stack: The stack's name.
        longest: How long it may be: more than 7, the digits and their dash.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-")
    if plain == stack and len(plain) <= longest and not _LIKE_ALTERED.fullmatch(plain):
        return plain
    digest = hashlib.sha256(stack.encode()).hexdigest()[:6]
    return f"{plain[: longest - 7].strip('-')}-{digest}".lstrip("-")
