"""What an update of a stack would do: nothing, a change in place, or a replacement.

What replaces is what `records.diff` says cannot be changed in place: another type, another type or
method of the connector. Another name too: the old one may be in somebody's program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kitaru_iac.errors import DescriptionError
from kitaru_iac.pulumi.keys import STACK_KEYS, camel, default_of
from kitaru_iac.pulumi.plugin.check import stack_spec
from kitaru_iac.pulumi.plugin.wire import Properties

__all__ = ["Changes", "changes"]

#: One key of a property's path, as the engine writes it.
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|([^.\[\]]+)')
#: What a property means that is left out, so that writing it is no change.
_DEFAULTS = {camel(key): default_of(key) for key in STACK_KEYS}
#: Where a change of connector comes from, the likeliest first.
_OF_CONNECTORS = ("credentials", "artifactStore", "containerRegistry", "region", "connector")


@dataclass(frozen=True, slots=True)
class Changes:
    """The properties that differ.

    Attributes:
        added: Only the new ones have them.
        removed: Only the old ones.
        updated: Their values differ.
        replacing: Those of them that cannot be changed in place.
        keeps_name: The stack's name stays the same.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    keeps_name: bool = True

    @property
    def all(self) -> tuple[str, ...]:
        """Every property that differs, sorted."""
        return tuple(sorted({*self.added, *self.removed, *self.updated}))


def changes(
    old: Properties,
    state: Properties,
    new: Properties,
    name: str,
    ignored: Iterable[str] = (),
    urn: str | None = None,
) -> Changes:
    """Compare the properties of a stack.

    Args:
        old: The properties it was last given, or that a refresh found.
        state: What the provider said of it then.
        new: Those it is to have.
        name: The resource's name.
        ignored: Paths whose changes do not count. The engine has put the old values there in most
            of its questions, not in all.
        urn: The resource's, which the stack is to carry; None where that is not asked.
    """
    paths = [parsed for path in ignored if (parsed := _steps(path))]
    skipped = {path[0] for path in paths if len(path) == 1}
    added: list[str] = []
    removed: list[str] = []
    updated: list[str] = []
    for key in map(camel, STACK_KEYS):
        within = [path[1:] for path in paths if path[0] in {key, "*"}]
        if skipped & {key, "*"} or _same(key, old, new, within):
            continue
        before, after = key in old.names, key in new.names
        (updated if before and after else added if after else removed).append(key)
    if state.values.get("drift"):
        updated.append("drift")
    if urn and "componentIds" in state.values and not _is_marked(state, urn):
        updated.append("ownerUrn")
    replacing: list[str] = [key for key in ("name", "type") if key in {*added, *removed, *updated}]
    if connector := _replaced_connector(state, new, name, [*added, *removed, *updated]):
        replacing.append(connector)
        if connector not in {*added, *removed, *updated}:
            updated.append(connector)
    return Changes(
        tuple(added),
        tuple(removed),
        tuple(updated),
        replacing=tuple(dict.fromkeys(replacing)),
        keeps_name="name" not in replacing,
    )


def _is_marked(state: Properties, urn: str) -> bool:
    """Whether the stack says whose it is: not yet, if it was imported or renamed.

    Without a token it may still be in the hands of another state, which has the token.
    """
    return state.values.get("ownerUrn") == urn and bool(state.values.get("ownerRun"))


def _same(key: str, old: Properties, new: Properties, ignored: Iterable[list[str]] = ()) -> bool:
    if key in new.unknown or key in old.unknown:
        return False
    before, after = old.values.get(key), new.values.get(key)
    for path in ignored:
        after = _kept(before, after, path)
    return bool(_meant(key, before) == _meant(key, after))


def _meant(key: str, value: object) -> object:
    # An absent value, an empty one and the default are one, or a second run would show changes.
    return value if value not in (None, {}, []) else _DEFAULTS.get(key)


def _steps(path: str) -> list[str]:
    """``extra.orchestrator["a.b"]`` → its keys."""
    return [quoted or bare for quoted, bare in _STEP.findall(path)]


def _kept(old: object, new: object, path: list[str]) -> object:
    """The new value, with the old one at a path inside of it."""
    if not isinstance(new, dict | None):
        return new
    before, found = old if isinstance(old, dict) else {}, dict(new or {})
    for key in {*before, *found} if path[0] == "*" else path[:1]:
        value = _kept(before.get(key), found.get(key), path[1:]) if path[1:] else before.get(key)
        found[key] = value
        if value in (None, {}):
            del found[key]
    return found


def _replaced_connector(
    state: Properties, new: Properties, name: str, changed: Iterable[str]
) -> str | None:
    """The property that makes the stack's own connector another one, if any does."""
    before = tuple(state.values.get(key) for key in ("connectorType", "connectorAuthMethod"))
    if new.unknown or None in before or "connector" in state.values:
        return None
    from kitaru_iac.stacks.desired import desired_records

    try:
        wanted = desired_records(stack_spec(new, name)).connector
    except DescriptionError:  # Check has said so
        return None
    if wanted is None or wanted.existing or before == (wanted.type, wanted.auth_method):
        return None
    guilty = set(changed)
    return next((key for key in _OF_CONNECTORS if key in guilty), "credentials")
