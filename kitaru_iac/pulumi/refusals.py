"""What a component says of inputs that it cannot take: every problem, and no traceback of ours."""

from collections.abc import Sequence

import pulumi

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.pulumi.keys import property_path
from kitaru_iac.pulumi.plugin.check import reason

__all__ = ["InputsRefused", "not_plain", "refused"]


class InputsRefused(pulumi.InputPropertiesError, pulumi.RunError):
    """The inputs of a component are wrong.

    As a `RunError` it ends a Python program with its text alone; the plugin gives the problems to
    the engine by property.

    Attributes:
        problems: All of them, with the keys as in a description.
    """

    def __init__(self, problems: Sequence[Problem], component: str) -> None:
        self.problems = tuple(problems)
        text = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(
            f"{component} cannot be made:\n{text}",
            [
                {"property_path": property_path(problem.field), "reason": reason(problem)}
                for problem in self.problems
            ],
        )


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
