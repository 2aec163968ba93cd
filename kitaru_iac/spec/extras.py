"""``--extra TARGET.FIELD=VALUE``, and its deep merge over a file's ``extra:``.

No message repeats a value: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kitaru_iac.errors import Problem
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.refusal import MASKED, is_masked, shown
from kitaru_iac.spec.resources import EXTRA_TARGETS
from kitaru_iac.spec.suggest import suggest
from kitaru_iac.values import dataclass, field

__all__ = ["Extra", "checked_extra", "merge_extras", "parse_extra"]

_FLAG = "--extra"
_NAME = compiled(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHER_WORDS = {
    "runner": "orchestrator",
    "compute": "orchestrator",
    "storage": "artifact_store",
    "store": "artifact_store",
    "bucket": "artifact_store",
    "registry": "container_registry",
    "image_registry": "container_registry",
}


@dataclass(frozen=True, slots=True)
class Extra:
    """Further fields of the ZenML components, by the component they belong to."""

    orchestrator: dict[str, Any] = field(default_factory=dict)
    artifact_store: dict[str, Any] = field(default_factory=dict)
    container_registry: dict[str, Any] = field(default_factory=dict)


class _Refused(Exception):
    """Carries the problem of one ``--extra``."""

    def __init__(
        self, where: str, what: str, why: str | None = None, remedy: str | None = None
    ) -> None:
        self.problem = Problem(where, what, why, remedy, _FLAG)
        super().__init__(what)


def parse_extra(text: str) -> tuple[tuple[str, ...], Any]:
    """One ``TARGET.FIELD[.KEY...]=VALUE``.

    The value is read as YAML on one line: ``true``, ``3``, ``[a, b]``, ``{a: b}``, else as text.

    Returns:
        The path, target first, and the value.

    Raises:
        DescriptionError: It has not that form, or the target is unknown.
    """
    from kitaru_iac.errors import DescriptionError

    try:
        return _parse(text)
    except _Refused as error:
        raise DescriptionError([error.problem]) from None


def merge_extras(
    extras: Sequence[str], base: object
) -> tuple[dict[str, Any], list[str], list[Problem]]:
    """Lay the command line's extras over a file's ``extra:``.

    Later ones win. A path that is a mapping in one place and a plain value in another is a problem;
    only ``null`` may take a mapping away.

    Args:
        extras: As on the command line.
        base: The file's ``extra:``; left alone where it is not a mapping.

    Returns:
        The merged mapping, the dotted paths below ``extra`` that the command line set, and the
        problems.
    """
    merged = _copy(base) if isinstance(base, Mapping) else {}
    paths: list[str] = []
    problems: list[Problem] = []
    for text in extras:
        try:
            path, value = _parse(text)
            nested = value
            for key in reversed(path):
                nested = {key: nested}
            _merge(merged, nested)
        except _Refused as error:
            problems.append(error.problem)
        else:
            paths.append(".".join(path))
    return merged, paths, problems


def checked_extra(raw: object) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """A whole ``extra`` mapping by its targets, and what is wrong with it."""
    problems: list[Problem] = []
    if isinstance(raw, Extra):
        raw = {target: getattr(raw, target) for target in EXTRA_TARGETS}
    if not isinstance(raw, Mapping):
        remedy = "Write `TARGET:` with `FIELD: VALUE` lines below it."
        return {}, [Problem("extra", "extra has to be a mapping", remedy=remedy)]
    found: dict[str, dict[str, Any]] = {}
    for target, fields in raw.items():
        where = f"extra.{target}"
        if target not in EXTRA_TARGETS:
            problems.append(Problem(where, *_unknown_target(str(target))))
        elif fields is None:
            continue
        elif not isinstance(fields, Mapping):
            remedy = "Write `FIELD: VALUE` lines below it."
            problems.append(Problem(where, f"{where} has to be a mapping", remedy=remedy))
        else:
            for name in fields:
                if not isinstance(name, str) or not _NAME.fullmatch(name):
                    what = f"{shown(name)} cannot be a field of the {target}"
                    problems.append(Problem(f"{where}.{name}", what))
                elif is_masked(fields[name]):
                    what = f"{where}.{name} holds a secret that is masked"
                    problems.append(Problem(f"{where}.{name}", what, *MASKED))
            found[str(target)] = _copy(fields)
    return found, problems


def _parse(text: str) -> tuple[tuple[str, ...], Any]:
    from kitaru_iac.spec.yaml_file import YamlError, read_value

    dotted, sign, written = text.partition("=")
    dotted = dotted.strip()
    # Without the sign, the text may be anything: only what looks like a path is repeated.
    safe = re.match(r"[A-Za-z0-9_.-]*", dotted)
    named = shown(safe[0] if safe and not sign else dotted)
    form = "Write `--extra TARGET.FIELD=VALUE`, as `--extra orchestrator.synchronous=false`."
    if not sign:
        raise _Refused("extra", f"{named} lacks `=VALUE`", remedy=form)
    path = tuple(dotted.split("."))
    if path[0] not in EXTRA_TARGETS:
        raise _Refused("extra", *_unknown_target(path[0]))
    if len(path) == 1:
        raise _Refused("extra", f"{named} names no field", remedy=form)
    if not all(path) or not _NAME.fullmatch(path[1]):
        raise _Refused(
            "extra", f"{named} is not a path to a field", why="names stand between single dots"
        )
    where = f"extra.{dotted}"
    if not written.strip():
        raise _Refused(
            where,
            f"{named} has no value",
            why="an unset variable of the shell leaves nothing",
            remedy=f"Write `{dotted}=''` for an empty text, `{dotted}=null` for none.",
        )
    try:
        return path, read_value(written)
    except YamlError as error:
        raise _Refused(
            where,
            f"the value of {named} cannot be read as YAML",
            why=error.kind,
            remedy="Put text with special characters into quotes, inside those of the shell.",
        ) from None


def _unknown_target(target: str) -> tuple[str, str, str | None]:
    found = _OTHER_WORDS.get(target.casefold()) or suggest(target, EXTRA_TARGETS)
    return (
        f"{shown(target)} is not a target of extra",
        f"they are {', '.join(EXTRA_TARGETS)}",
        f"Did you mean `{found}`?" if found else None,
    )


def _merge(old: dict[str, Any], new: Mapping[str, Any], at: tuple[str, ...] = ()) -> None:
    for key, value in new.items():
        before, here = old.get(key), (*at, key)
        if isinstance(before, dict) and isinstance(value, Mapping):
            _merge(before, value, here)
        elif (
            before is None
            or value is None
            or isinstance(before, dict) == isinstance(value, Mapping)
        ):
            old[key] = _copied(value)
        else:
            raise _conflict(here)


def _conflict(at: tuple[str, ...]) -> _Refused:
    return _Refused(
        f"extra.{'.'.join(at)}",
        f"`{'.'.join(at)}` is a mapping in one place and a plain value in another",
        remedy="Leave one of them out.",
    )


def _copy(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) for key, value in fields.items()}


def _copied(value: object) -> object:
    if isinstance(value, Mapping):
        return _copy(value)
    if isinstance(value, list | tuple):
        return [_copied(inner) for inner in value]
    return value
