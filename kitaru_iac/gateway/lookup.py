"""Which stack a name, an id or the beginning of an id means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kitaru_iac.errors import StackNotFound, UsageError
from kitaru_iac.values import dataclass, field

if TYPE_CHECKING:
    from kitaru_iac.gateway.documents import Where

__all__ = [
    "MIN_PREFIX",
    "PREFIX_MATCHES",
    "Stub",
    "choose",
    "contains",
    "fitting",
    "has_id_prefix",
    "id_prefix",
    "may_be_name",
    "not_found",
]

#: Shorter beginnings of an id are not taken for one, so that a mistyped name finds nothing.
MIN_PREFIX = 4
#: How many stacks of one prefix are looked at; an error lists one less.
PREFIX_MATCHES = 11
#: After so many digits an id has a hyphen.
_HYPHEN_AFTER = (8, 12, 16, 20)


@dataclass(frozen=True, slots=True)
class Stub:
    """A stack as far as a listing knows it.

    Attributes:
        payload: What else came with it, for the reader that made it.
        is_recorded: Whether its labels say what was applied.
    """

    id: str
    name: str
    is_managed: bool
    payload: Any = field(default=None, repr=False, compare=False)
    is_recorded: bool = False


class _Identified(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


_Stack = TypeVar("_Stack", bound=_Identified)


def may_be_name(ref: str) -> bool:
    """Say whether a stack may be called so; bytes of a terminal that are no text are no name."""
    try:
        return bool(ref.encode())
    except UnicodeEncodeError:
        return False


def id_prefix(ref: str) -> str | None:
    """The digits of an id or of the beginning of one, in lower case and without hyphens.

    Returns:
        4 to 32 hexadecimal digits; None for any other text, as one with a hyphen where an id has
        none.
    """
    text = ref.lower()
    digits = text.replace("-", "")
    if not MIN_PREFIX <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        return None
    written = "".join(f"{d}-" if n in _HYPHEN_AFTER else d for n, d in enumerate(digits, 1))
    return digits if text in {digits, written, written.removesuffix("-")} else None


def has_id_prefix(id: str, prefix: str | None) -> bool:
    """Say whether an id begins with these digits (see `id_prefix`); with None it does not."""
    return prefix is not None and id.replace("-", "").startswith(prefix)


def fitting(docs: Iterable[_Stack], where: Where) -> Iterator[_Stack]:
    """Give those documents that carry one of the names and ids that are asked for."""
    for doc in docs:
        named = where.names is None or doc.name in where.names
        known = where.ids is None or doc.id in where.ids
        if named and known and (where.id_prefix is None or has_id_prefix(doc.id, where.id_prefix)):
            yield doc


def contains(name: str, text: str) -> bool:
    """Whether a name contains a text. Only A-Z and a-z count as the same, as in SQLite."""
    return _lower(text) in _lower(name)


def choose(ref: str, candidates: Sequence[_Stack]) -> _Stack | None:
    """The one of the candidates that is meant, by name, by id, by the beginning of an id.

    Args:
        ref: What the user wrote.
        candidates: The stacks of that name, and those whose id begins with it.

    Raises:
        UsageError: It is the beginning of several ids.
    """
    if named := next((stub for stub in candidates if stub.name == ref), None):
        return named
    prefix = id_prefix(ref)
    matching = [stub for stub in candidates if has_id_prefix(stub.id, prefix)]
    if len(matching) < 2:
        return matching[0] if matching else None
    shown = [f"{stub.name} ({stub.id})" for stub in matching[: PREFIX_MATCHES - 1]]
    if len(matching) >= PREFIX_MATCHES:
        shown.append("…")
    raise UsageError(
        f"The id prefix '{ref}' matches several stacks",
        why=", ".join(shown),
        remedy="Give more of the id, or the name.",
    )


def not_found(
    ref: str, names: Callable[[], Sequence[str]], where: str | None = None
) -> StackNotFound:
    """The error for a stack that does not exist, with the nearest name.

    Args:
        ref: What was looked for.
        names: Gives the names there are.
        where: What named it, where that was not the command line.
    """
    from kitaru_iac import redaction
    from kitaru_iac.spec.suggest import suggest

    near = suggest(ref, names())
    remedy = f"Did you mean '{near}'?" if near else "See them all with: kitaru stack list"
    return StackNotFound(
        f"No stack has the name or id '{redaction.value(ref)}'", where=where, remedy=remedy
    )


_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def _lower(text: str) -> str:
    return text.translate(_LOWER)
