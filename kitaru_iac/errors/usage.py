"""Errors of what was asked for: the command line, and a description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kitaru_iac.errors.base import ExitCode, KitaruError
from kitaru_iac.values import dataclass

__all__ = [
    "DescriptionError",
    "PlanInvalid",
    "Problem",
    "UsageError",
]


class UsageError(KitaruError):
    """The command line itself is wrong."""

    code = "usage_error"
    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a description.

    Attributes:
        field: The key as in YAML (``artifact_store``, ``extra.orchestrator.synchronous``).
        what: What is wrong with its value.
        why: The rule or fact that it breaks.
        remedy: What to write instead.
        source: Where the value stands: ``--region``, ``stack.yaml:7``.
    """

    field: str
    what: str
    why: str | None = None
    remedy: str | None = None
    source: str | None = None

    def __str__(self) -> str:
        text = f"{self.source or self.field}: {self.what}"
        if self.why:
            text += f" ({self.why})"
        if self.remedy:
            text += f". {self.remedy}"
        return text

    def to_dict(self) -> dict[str, str]:
        """The problem's filled fields."""
        fields = {
            "field": self.field,
            "what": self.what,
            "why": self.why,
            "remedy": self.remedy,
            "source": self.source,
        }
        return {key: value for key, value in fields.items() if value}


class DescriptionError(UsageError):
    """A description of a stack is wrong. Carries every problem that was found, not the first."""

    code = "description_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        what = str(self.problems[0]) if count == 1 else f"The description has {count} problems"
        super().__init__(what)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return self.what
        return "\n".join([f"{self.what}:", *(f"  - {problem}" for problem in self.problems)])

    def to_dict(self) -> dict[str, Any]:
        """The error with its ``problems``, a list of :meth:`Problem.to_dict`."""
        return {**super().to_dict(), "problems": [problem.to_dict() for problem in self.problems]}


class PlanInvalid(UsageError):
    """A saved plan cannot be read: it is none, of another major version, or was edited."""

    code = "plan_invalid"
