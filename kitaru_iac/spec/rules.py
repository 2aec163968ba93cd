"""From raw values to checked ones: keys, kinds and single values; `cross` checks them together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib import import_module
from typing import Any, TextIO, TypeVar, cast

from kitaru_iac import redaction
from kitaru_iac.errors import DescriptionError
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec import cross
from kitaru_iac.spec.credentials import CredentialsError, parse_credentials, resolve_source
from kitaru_iac.spec.draft import Draft, Origins
from kitaru_iac.spec.extras import checked_extra
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import OTHER_WORDS_FOR_TYPES, InfraMode, ResourceMode, StackType
from kitaru_iac.spec.refusal import MASKED, Refusal, is_masked, shown, write_instead
from kitaru_iac.spec.resources import RESOURCE_MODES
from kitaru_iac.spec.rows import FieldInfo, Kind
from kitaru_iac.spec.suggest import suggest
from kitaru_iac.spec.wording import OTHER_WORDS_FOR_KEYS

__all__ = ["check", "check_singly", "key_suggestion"]

_URIS = ("artifact_store", "container_registry")

#: Keys that hold several values, with the functions that check them: to a value and problems.
_CHECKED = {
    "infrastructure": "infrastructure:checked_infrastructure",
    "labels": "annotations:checked_labels",
    "ignore_changes": "annotations:checked_paths",
}

_T = TypeVar("_T", StackType, InfraMode, ResourceMode)


def check(
    given: Mapping[str, Any], origins: Origins | None = None, *, stdin: TextIO | None = None
) -> dict[str, Any]:
    """Check a whole description.

    Args:
        given: Raw or parsed values by YAML key; None means not given.
        origins: Where they were written, for the problems' sources.
        stdin: What ``credentials: -`` reads; this process's own by default.

    Returns:
        The parsed values by key, `type` among them, only those that were given or follow from them.

    Raises:
        DescriptionError: With every problem that was found.
    """
    draft = Draft(given, origins or Origins())
    _keys(draft)
    type_ = _type(draft)
    if type_:
        cross.belonging(draft, type_)
    for key in FIELDS:
        if draft.has(key) and key != "type" and not draft.is_wrong(key):
            _value(draft, key, stdin)
    if type_:
        cross.check(draft, type_)
    elif not draft.has("name"):
        draft.missing("name", "a stack has a name", "dev")
    if draft.problems:
        raise DescriptionError(draft.problems)
    return draft.values


def check_singly(given: Mapping[str, Any], unknown: Collection[str]) -> None:
    """Check each value by itself, where others are not known yet.

    Args:
        given: Raw or parsed values by YAML key.
        unknown: The keys whose values are not known yet.

    Raises:
        DescriptionError: With every problem that was found.
    """
    draft = Draft(given, Origins())
    _keys(draft)
    if (type_ := _type(draft)) and "type" not in unknown:
        cross.belonging(draft, type_)
    for key in FIELDS:
        if draft.has(key) and key != "type" and not draft.is_wrong(key):
            _value(draft, key, None)
    if draft.problems:
        raise DescriptionError(draft.problems)


def key_suggestion(key: str) -> str | None:
    """The key that somebody meant by an unknown one."""
    plain = key.strip().lstrip("-").casefold().replace("-", "_").replace(" ", "_")
    other = OTHER_WORDS_FOR_KEYS.get(plain)
    return other or suggest(plain, FIELDS)


def _keys(draft: Draft) -> None:
    for key in list(draft.given):
        if key not in FIELDS:
            found = key_suggestion(str(key))
            draft.add(
                redaction.value(key),
                f"{shown(key)} is not a key of a stack's description",
                remedy=f"Did you mean `{found}`?"
                if found
                else f"The keys are {', '.join(FIELDS)}.",
            )
            del draft.given[key]


def _type(draft: Draft) -> StackType | None:
    raw = draft.given.get("type", StackType.LOCAL)
    if not _is_text(draft, "type", raw):
        return None
    return _choice(draft, "type", raw, StackType, "a type of stack")


def _choice(draft: Draft, field: str, raw: str, choices: type[_T], what: str) -> _T | None:
    try:
        value = choices(raw)
    except ValueError:
        plain = raw.strip().casefold().replace("-", "_").replace(" ", "_")
        found: str | None = None
        if field == "type":
            found = OTHER_WORDS_FOR_TYPES.get(plain)
        found = found or suggest(raw, [str(choice) for choice in choices])
        draft.add(
            field,
            f"{shown(raw)} is not {what}",
            why=f"they are {', '.join(choices)}",
            remedy=f"Did you mean `{found}`?" if found else None,
        )
        return None
    draft.values[field] = value
    return value


def _value(draft: Draft, key: str, stdin: TextIO | None) -> None:
    raw, info = draft.given[key], FIELDS[key]
    if _is_parsed(info, raw):
        draft.values[key] = raw
    elif info.kind is Kind.SWITCH:
        _switch(draft, key, raw)
    elif key == "extra":
        _extra(draft, raw)
    elif key == "resources":
        _resources(draft, raw)
    elif key in _CHECKED:
        _checked(draft, key, raw)
    elif not _is_text(draft, key, raw):
        return
    elif key == "credentials":
        _credentials(draft, raw, stdin)
    elif info.choices:
        _choice(draft, key, raw, _class_named(str(info.value)), f"a mode of `{key}`")
    elif info.parser is None:
        draft.values[key] = raw
    else:
        try:
            draft.values[key] = _function_named(info.parser)(raw)
        except Refusal as error:
            draft.refuse(key, error)


def _is_parsed(info: FieldInfo, raw: object) -> bool:
    """Whether a caller handed the value over parsed. A choice is also text, and is looked up."""
    if info.value is None or info.kind is not Kind.TEXT or info.choices:
        return False
    return isinstance(raw, _class_named(info.value))


def _class_named(reference: str) -> type[Any]:
    return cast("type[Any]", _named(reference))


def _function_named(reference: str) -> Callable[[object], Any]:
    return cast("Callable[[object], Any]", _named(reference))


@cache
def _named(reference: str) -> object:
    """What ``module:name`` in the table of fields stands for."""
    module, _, name = reference.partition(":")
    return getattr(import_module(f"kitaru_iac.spec.{module}"), name)


def _is_text(draft: Draft, key: str, raw: object) -> bool:
    hidden = FIELDS[key].secret
    if not isinstance(raw, str):
        kind = _kind_of(raw)
        remedy = "Put it in quotes." if isinstance(raw, bool | int | float) else None
        if isinstance(raw, int) and not isinstance(raw, bool) and not hidden:
            remedy = f'Put it in quotes: `{key}: "{raw}"`.'
        draft.add(key, f"{key} has to be text, not {kind}", remedy=remedy)
        return False
    if not raw.strip():
        why = "an unset variable of the shell leaves nothing" if draft.origins.flags else None
        draft.add(key, f"{key} is empty", why, "Give a value, or leave it out.")
        return False
    if is_masked(raw):
        draft.add(key, f"{key} holds a secret that is masked", *MASKED)
        return False
    if not hidden and _is_secret(key, raw):
        draft.add(
            key,
            f"{key} holds what looks like a secret",
            why="it is not repeated here",
            remedy="Credentials are given as `credentials`, and best as env:NAME or file:PATH.",
        )
        return False
    if not hidden and raw != raw.strip():
        remedy = write_instead(raw.strip()) or "Take them away."
        draft.add(key, f"{key} has blanks around it", remedy=remedy)
        return False
    return True


def _is_secret(key: str, raw: str) -> bool:
    """Whether a message about the value would have to leave something out.

    A URI says better what is wrong with it, unless it is a credential string.
    """
    return redaction.is_credentials(raw) or (key not in _URIS and redaction.holds_secret(raw))


def _switch(draft: Draft, key: str, raw: object) -> None:
    if isinstance(raw, bool):
        draft.values[key] = raw
        return
    meant = {"yes": "true", "on": "true", "true": "true", "1": "true"}
    meant |= {"no": "false", "off": "false", "false": "false", "0": "false"}
    word = meant.get(str(raw).strip().lower())
    draft.add(
        key,
        f"{key} has to be true or false, not {_kind_of(raw)}",
        remedy=f"Write `{key}: {word}`, without quotes." if word else None,
    )


def _credentials(draft: Draft, raw: str, stdin: TextIO | None) -> None:
    try:
        if raw.strip() == "-" and not draft.origins.flags:
            raise CredentialsError(
                "`-` stands for the standard input of a command, and there is no command",
                remedy="Use env:NAME or file:PATH.",
            )
        if raw.strip() == "-" and draft.origins.file == "stdin":
            raise CredentialsError(
                "the credentials are to be read from standard input, which held the description",
                remedy="Use env:NAME or file:PATH for one of the two.",
            )
        text = SecretText(resolve_source(raw, stdin, pipes=draft.origins.flags))
        draft.values["credentials"] = parse_credentials(text)
    except CredentialsError as error:
        draft.add("credentials", error.what, error.why, error.remedy)


def _extra(draft: Draft, raw: object) -> None:
    value, problems = checked_extra(raw)
    for problem in problems:
        draft.add(problem.field, problem.what, problem.why, problem.remedy)
    if not problems:
        draft.values["extra"] = value


def _checked(draft: Draft, key: str, raw: object) -> None:
    value, problems = _function_named(_CHECKED[key])(raw)
    for problem in problems:
        draft.add(problem.field, problem.what, problem.why, problem.remedy)
    if not problems:
        draft.values[key] = value


def _resources(draft: Draft, raw: object) -> None:
    if not isinstance(raw, Mapping):
        draft.add(
            "resources",
            f"resources has to be a mapping, not {_kind_of(raw)}",
            remedy="Write one line per resource, as `bucket: existing`.",
        )
        return
    modes: dict[str, ResourceMode] = {}
    for name, mode in raw.items():
        field = f"resources.{redaction.value(name)}"
        if mode is None:
            continue
        if not isinstance(mode, str):
            draft.add(
                field,
                f"{field} has to be text, not {_kind_of(mode)}",
                remedy=f"Write one of {', '.join(RESOURCE_MODES)}.",
            )
        elif chosen := _choice(draft, field, mode, ResourceMode, "a mode of a resource"):
            modes[str(name)] = chosen
            del draft.values[field]
    draft.values["resources"] = modes


def _kind_of(raw: object) -> str:
    if isinstance(raw, bool):
        return "true or false"
    if isinstance(raw, int | float):
        return "a number"
    if isinstance(raw, str):
        return "text"
    if isinstance(raw, Mapping):
        return "a mapping"
    if isinstance(raw, list | tuple):
        return "a list"
    return f"a {type(raw).__name__}"
