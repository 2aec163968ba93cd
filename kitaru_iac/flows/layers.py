"""What a run is given, and by whom: six layers, of which the highest that speaks holds.

In the order of the documentation: ``.run(stack=)``, ``@flow(stack=)``, ``configure(stack=)``,
``KITARU_STACK``, ``[tool.kitaru].stack``, and the active stack. Image, cache and retries follow the
same order, and are nothing where no layer names them. A block, ``with stack():``, stands over
``configure``, as what is nearer to the code that runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kitaru_iac.errors import KitaruError, UsageError
from kitaru_iac.flows.binding import BLOCK, in_a_block, surrounding
from kitaru_iac.machine.run_defaults import (
    ACTIVE,
    CONFIGURE,
    CONFIGURED,
    ENVIRONMENT,
    FLOW,
    PROJECT,
    RUN,
    RunDefaults,
    checked,
    environment_defaults,
    project_defaults,
)

__all__ = [
    "ACTIVE",
    "CONFIGURE",
    "FLOW",
    "RUN",
    "UNSET",
    "RunSettings",
    "configure",
    "resolve",
]


class _Unset:
    """Stands for an argument that was not given, since None clears one."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run is given in the end.

    Attributes:
        stack: The stack's name or id as it was written; None stands for the active one.
        source: What named it: one of the six layers, or ``stack()``.
        image: A base image, or settings of the image; None leaves ZenML's.
        cache: None leaves it to the steps.
        retries: None is no retries.
    """

    stack: str | None
    source: str
    image: str | Mapping[str, object] | None = None
    cache: bool | None = None
    retries: int | None = None


def configure(
    *,
    stack: str | _Unset | None = UNSET,
    image: str | Mapping[str, object] | _Unset | None = UNSET,
    cache: bool | _Unset | None = UNSET,
    retries: int | _Unset | None = UNSET,
) -> RunDefaults:
    """Set defaults for the runs of this process; the saved active stack stays as it is.

    Each argument stands for itself: None clears what was set, and what is not given stays.

    Args:
        stack: A stack's name or id.
        image: A base image, or a mapping of image settings.
        cache: Whether steps may reuse earlier results.
        retries: How many times a failed step is run again, from 0.

    Returns:
        What is set now.

    Raises:
        UsageError: Values that make no sense: all of them; nothing is changed then.

    Example:
        >>> kitaru.configure(stack="gpu-cluster", retries=2).stack
        'gpu-cluster'
        >>> kitaru.configure(stack=None).retries  # what is not given stays
        2
        >>> kitaru.configure(retries=None).retries is None
        True
    """
    given = {"stack": stack, "image": image, "cache": cache, "retries": retries}
    new = {key: value for key, value in given.items() if not isinstance(value, _Unset)}
    sound = checked(new, "configure")
    CONFIGURED[0] = replace(CONFIGURED[0], **{key: getattr(sound, key) for key in new})
    return CONFIGURED[0]


def resolve(run: RunDefaults, flow: RunDefaults) -> RunSettings:
    """Lay the layers over each other.

    Args:
        run: What `.run` was given.
        flow: What `@flow` was given.

    Raises:
        UsageError: The environment or the project says what makes no sense: all of it.
    """
    block = surrounding()
    around = RunDefaults(stack=block.id if block else None)
    layers = ((RUN, run), (FLOW, flow), (BLOCK, around), (CONFIGURE, CONFIGURED[0]), *_outside())
    stack, source = next(
        ((layer.stack, name) for name, layer in layers if layer.stack is not None), (None, ACTIVE)
    )
    if source == ACTIVE and in_a_block():  # of another thread or task
        source = BLOCK
    said = [layer for _, layer in layers]
    return RunSettings(
        stack=stack,
        source=source,
        image=next((layer.image for layer in said if layer.image is not None), None),
        cache=next((layer.cache for layer in said if layer.cache is not None), None),
        retries=next((layer.retries for layer in said if layer.retries is not None), None),
    )


def _outside() -> tuple[tuple[str, RunDefaults], ...]:
    """The environment's and the project's layer, with what is wrong in both."""
    layers: list[tuple[str, RunDefaults]] = []
    errors: list[KitaruError] = []
    for name, read in ((ENVIRONMENT, environment_defaults), (PROJECT, project_defaults)):
        try:
            layers.append((name, read()))
        except UsageError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise UsageError("\n".join(str(error) for error in errors))
    return tuple(layers)
