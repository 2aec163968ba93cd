"""What a component says of inputs that it cannot take: every problem, and no traceback of ours."""

from collections.abc import Callable, Iterable, Sequence

import pulumi

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.pulumi.keys import property_path, reason

__all__ = ["InputsRefused", "not_plain", "refused"]


class InputsRefused(pulumi.InputPropertiesError, pulumi.RunError):
    """The inputs of a component are wrong.

    As a `RunError` it ends a Python program with its text alone.

    Attributes:
        problems: All of them, with the keys as in a description.
    """

    code = "inputs_refused"

    def __init__(self, problems: Sequence[Problem], component: str) -> None:
        self.problems = tuple(problems)
        super().__init__(_text(component, map(str, self.problems)), _details(self.problems))

    def for_the_engine(
        self, component: str, shown: Callable[[str], bool]
    ) -> pulumi.InputPropertiesError:
        """The same for a program in another language, with the names on the wire.

        Args:
            component: What cannot be made.
            shown: Whether a key's value may be shown: the engine writes it beside the problem, also
                where it is a secret that nobody marked, and dies of an output.
        """
        by_property = [p for p in self.problems if shown(p.field.partition(".")[0])]
        rest = [p for p in self.problems if p not in by_property]
        lines = [f"{property_path(problem.field)}: {reason(problem)}" for problem in rest]
        return pulumi.InputPropertiesError(_text(component, lines), _details(by_property))


def _text(component: str, lines: Iterable[str]) -> str:
    return "\n".join([f"{component} cannot be made as described", *(f"  - {x}" for x in lines)])


def _details(problems: Iterable[Problem]) -> list[pulumi.InputPropertyErrorDetails]:
    return [{"property_path": property_path(p.field), "reason": reason(p)} for p in problems]


def refused(error: Exception, component: str) -> pulumi.RunError:
    """An error of ours as the program's end: without a traceback, and with every problem."""
    if isinstance(error, pulumi.RunError) and isinstance(error.__cause__, DescriptionError):
        error = error.__cause__
    if isinstance(error, DescriptionError):
        return InputsRefused(error.problems, component)
    return pulumi.RunError(f"{component} cannot be made: {error}")


def not_plain(key: str) -> Problem:
    """What is said of an output where a value has to be known."""
    return Problem(
        key,
        "it is an output, and has to be known before anything is made",
        "names and the number of resources follow from it",
        "Give a plain value.",
    )
