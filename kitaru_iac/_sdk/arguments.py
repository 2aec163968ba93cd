"""What programs hand in, looked at before anything is read or written.

A type checker sees most of it. Who has none must not find a stack deleted because "no" is true.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from kitaru_iac.errors import UsageError

__all__ = [
    "require_callable",
    "require_paths",
    "require_planned",
    "require_source",
    "require_switches",
    "require_text",
]


def require_text(*names_or_ids: object) -> None:
    """Refuse what is no name or id.

    Raises:
        UsageError: One is not text, as a list of names or None.
    """
    for given in names_or_ids:
        if not isinstance(given, str):
            raise UsageError(
                f"A stack is named by its name or id, which is text, not {_kind(given)}",
                remedy="Give each as an argument of its own, as 'dev' or *names.",
            )


def require_paths(*files: object) -> None:
    """Refuse what is no path of a file or folder; empty text would be the current directory.

    Raises:
        UsageError: One is none.
    """
    for given in files:
        if not isinstance(given, str | os.PathLike) or not str(given):
            kind = "empty text" if given == "" else _kind(given)
            raise UsageError(
                f"A file of descriptions is named by its path, not {kind}",
                remedy='Give each as an argument of its own, as "stacks" or *paths.',
            )
        if str(given) == "-":
            raise UsageError(
                "Standard input is a program's own: no descriptions are read from it",
                remedy="Give files, or give what they hold to `apply`, one by one.",
            )


def require_source(name: object) -> None:
    """Refuse what is no name of files as a whole.

    Raises:
        UsageError: It is not text.
    """
    if not isinstance(name, str):
        raise UsageError(f"`source` is text, not {_kind(name)}")


def require_switches(**flags: object) -> None:
    """Refuse what is neither True nor False: every text is true, also "no".

    Raises:
        UsageError: All that are neither.
    """
    wrong = {name: given for name, given in flags.items() if not isinstance(given, bool)}
    _refuse(wrong, "True or False")


def require_callable(**callbacks: object) -> None:
    """Refuse what cannot be called back, now and not in the middle.

    Raises:
        UsageError: All that are neither None nor callable.
    """
    wrong = {name: given for name, given in callbacks.items() if not callable(given)}
    _refuse({name: given for name, given in wrong.items() if given is not None}, "a function")


def require_planned(plan: object, wanted: type, function: str) -> None:
    """Refuse what is no plan.

    Args:
        plan: What was given; None is no plan on purpose.
        wanted: What it has to be.
        function: What gives one.

    Raises:
        UsageError: It is something else, as the mapping that the plan's ``to_dict`` gives.
    """
    if plan is not None and not isinstance(plan, wanted):
        raise UsageError(
            f"`plan` has to be what kitaru.{function}() gives, not {_kind(plan)}",
            remedy="For one that was saved as JSON: kitaru stack apply --plan FILE",
        )


def _refuse(wrong: Mapping[str, object], wanted: str) -> None:
    if wrong:
        lines = (
            f"`{name}` has to be {wanted}, not {_kind(given)}" for name, given in wrong.items()
        )
        raise UsageError("\n".join(lines))


def _kind(given: object) -> str:
    return "None" if given is None else type(given).__name__
