"""What a description says about a stack itself: labels, a text, fields left to somebody else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from kitaru_iac import redaction
from kitaru_iac.errors import Problem
from kitaru_iac.labels import OUR_LABELS
from kitaru_iac.spec.refusal import MASKED, Refusal, Refusals, each, is_masked, shown
from kitaru_iac.spec.resources import EXTRA_TARGETS
from kitaru_iac.spec.suggest import did_you_mean, suggest

__all__ = [
    "LABEL_NAME",
    "LONGEST_VALUE",
    "MOST",
    "PATH",
    "Labels",
    "Paths",
    "checked_labels",
    "checked_paths",
    "description",
]

#: ZenML's columns take 255 characters (``STR_FIELD_MAX_LENGTH`` of ZenML 0.98).
_LONGEST = 255
#: So many labels, and so many paths; and of a label's value so many characters, and so many as
#: JSON escapes them. All of it has to fit into the column of labels, 65,535 bytes of base64
#: on MySQL, beside the record of what was applied, which takes up to 32,000 (`records.applied`).
MOST = 16
LONGEST_VALUE = 100
_LONGEST_ESCAPED = 600
#: The name of a label, and a path of `ignore_changes`, as regular expressions.
LABEL_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?"
_PARTS = (*EXTRA_TARGETS, "connector")
PATH = rf"(?:{'|'.join(_PARTS)})\.[A-Za-z_][A-Za-z0-9_]{{0,99}}|labels\.{LABEL_NAME}|description"


class Labels(dict[str, str]):
    """Labels by their names."""


class Paths(tuple[str, ...]):
    """Paths of fields, sorted, each once."""

    __slots__ = ()


def description(text: str) -> str:
    """Check a stack's text: printable, at most 255 characters.

    Raises:
        Refusal: It is not.
    """
    if len(text) > _LONGEST:
        raise Refusal(
            f"the description has {len(text)} characters", f"ZenML takes at most {_LONGEST}"
        )
    if not text.isprintable():
        raise Refusal(
            "the description has line ends or signs that cannot be printed",
            remedy="Write it in one line; `>-` joins several in YAML.",
        )
    return text


def checked_labels(raw: object) -> tuple[Labels, list[Problem]]:
    """The labels of a stack, and what is wrong with them. A label without a value is left out."""
    if not isinstance(raw, Mapping):
        remedy = "Write one line for each, as `team: search`."
        return Labels(), [Problem("labels", "labels has to be a mapping", remedy=remedy)]
    given = {name: text for name, text in raw.items() if text is not None}
    problems = [problem for name, text in given.items() for problem in _label(name, text)]
    if len(given) > MOST:
        problems.append(Problem("labels", f"a stack has at most {MOST} labels, not {len(given)}"))
    return Labels() if problems else Labels(sorted(given.items())), problems


def _label(name: object, text: object) -> Iterator[Problem]:
    field = f"labels.{redaction.value(name)}"
    if not isinstance(name, str) or not re.fullmatch(LABEL_NAME, name):
        yield Problem(
            field,
            f"{shown(name)} cannot be the name of a label",
            "it has letters, digits, `.`, `_`, `/` and `-`, a letter or digit at both ends, and at "
            "most 63 of them",
        )
    elif name.startswith(OUR_LABELS):
        why = f"labels that begin with `{OUR_LABELS}` are Kitaru's own"
        yield Problem(field, f"{shown(name)} cannot be set", why, "Choose another name.")
    if is_masked(text):
        yield Problem(field, f"{field} holds a secret that is masked", *MASKED)
    elif not isinstance(text, str):
        yield Problem(field, f"{field} has to be text", remedy="Put it in quotes.")
    elif redaction.holds_secret(text):
        yield Problem(field, f"{field} holds what looks like a secret", "labels are shown")
    elif not _fits(text):
        rule = f"1 to {LONGEST_VALUE} characters that can be printed"
        yield Problem(field, f"{field} cannot be the value of a label", rule)


def _fits(text: str) -> bool:
    """Whether a text can be the value of a label."""
    escaped = len(json.dumps(text)) - 2
    return 0 < len(text) <= LONGEST_VALUE and escaped <= _LONGEST_ESCAPED and text.isprintable()


def checked_paths(raw: object) -> tuple[Paths, list[Problem]]:
    """The paths of `ignore_changes`, and what is wrong with them."""
    key = "ignore_changes"
    if not isinstance(raw, list | tuple):
        remedy = "Write one line for each, as `- orchestrator.synchronous`."
        return Paths(), [Problem(key, f"{key} has to be a list", remedy=remedy)]
    problems = [
        Problem(f"{key}[{number}]", f"{key}[{number}] has to be text")
        for number, path in enumerate(raw)
        if not isinstance(path, str)
    ]
    if not problems:
        try:
            each(raw, _path)
        except Refusals as refusals:
            problems = [
                Problem(f"{key}{place}", found.what, found.why, found.remedy)
                for place, found in refusals.found
            ]
    if len(raw) > MOST:
        problems.append(Problem(key, f"at most {MOST} fields can be ignored, not {len(raw)}"))
    return Paths() if problems else Paths(sorted(raw)), problems


def _path(path: str) -> None:
    if re.fullmatch(PATH, path):
        return
    part, dot, rest = path.removeprefix("extra.").partition(".")
    words = (*_PARTS, "labels", "description")
    near = suggest(part, words)
    better = near if near == "description" else f"{near}{dot}{rest}"
    remedy = f"Did you mean `{better}`?" if near and re.fullmatch(PATH, better) else None
    if remedy is None and part == "description":
        remedy = did_you_mean(path, words)
    raise Refusal(
        f"{shown(path)} is no field that can be ignored",
        f"they are called {', '.join(f'{part}.FIELD' for part in _PARTS)}, labels.NAME and "
        "description",
        remedy,
    )
