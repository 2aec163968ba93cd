"""Kitaru stacks from Python.

    import kitaru_iac as kitaru

    kitaru.create_stack("dev")
    print(kitaru.current_stack())

Importing this loads neither ZenML nor Pulumi; the first call that needs them does. Every error is a
`KitaruError`, in the tree that `kitaru_iac.errors` draws, and every warning a `KitaruWarning`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from kitaru_iac._version import __version__

if TYPE_CHECKING:
    from kitaru_iac._sdk import (
        LeftoverInfo,
        StackInfo,
        clean_stacks,
        create_stack,
        current_stack,
        delete_stack,
        list_stacks,
        use_stack,
    )
    from kitaru_iac.errors import (
        AlreadyExistsError,
        CheckFailed,
        ConfirmationNeeded,
        DescriptionError,
        EngineError,
        ExitCode,
        ImplicitAuthDisabled,
        KitaruError,
        MissingPackages,
        NotAllowedError,
        NotConnectedError,
        NotFoundError,
        Problem,
        ProtectedStackError,
        RegistrationFailed,
        StackNotFound,
        UsageError,
    )
    from kitaru_iac.notices import KitaruWarning

__all__ = [
    "AlreadyExistsError",
    "CheckFailed",
    "ConfirmationNeeded",
    "DescriptionError",
    "EngineError",
    "ExitCode",
    "ImplicitAuthDisabled",
    "KitaruError",
    "KitaruWarning",
    "LeftoverInfo",
    "MissingPackages",
    "NotAllowedError",
    "NotConnectedError",
    "NotFoundError",
    "Problem",
    "ProtectedStackError",
    "RegistrationFailed",
    "StackInfo",
    "StackNotFound",
    "UsageError",
    "__version__",
    "clean_stacks",
    "create_stack",
    "current_stack",
    "delete_stack",
    "list_stacks",
    "use_stack",
]

_FROM_SDK = {
    "LeftoverInfo",
    "StackInfo",
    "clean_stacks",
    "create_stack",
    "current_stack",
    "delete_stack",
    "list_stacks",
    "use_stack",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "_sdk" if name in _FROM_SDK else "notices" if name == "KitaruWarning" else "errors"
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
