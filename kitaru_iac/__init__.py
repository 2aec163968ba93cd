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
    from kitaru_iac._sdk.existing import adopt, copy, rename
    from kitaru_iac._sdk.files import apply_all, preview_all
    from kitaru_iac._sdk.models import (
        Applied,
        CheckReport,
        Copied,
        Deleted,
        Exported,
        Outcome,
        PlannedStacks,
        Renamed,
        StackDrift,
        StackHealth,
        StackPlan,
        StackView,
    )
    from kitaru_iac._sdk.operations import (
        apply,
        delete,
        drift,
        export,
        health,
        policy,
        preview,
        show_stack,
        verify,
    )
    from kitaru_iac._sdk.stacks import (
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
        FlowFailed,
        FlowNotFinished,
        FlowTimeout,
        ImplicitAuthDisabled,
        KitaruError,
        MissingPackages,
        NotAllowedError,
        NotConnectedError,
        NotFoundError,
        PlanMoved,
        Problem,
        ProtectedStackError,
        RegistrationFailed,
        StackNotFound,
        UsageError,
    )
    from kitaru_iac.flows.binding import stack
    from kitaru_iac.flows.flow import flow
    from kitaru_iac.flows.handle import FlowHandle
    from kitaru_iac.flows.layers import configure
    from kitaru_iac.notices import KitaruWarning

__all__ = [
    "AlreadyExistsError",
    "Applied",
    "CheckFailed",
    "CheckReport",
    "ConfirmationNeeded",
    "Copied",
    "Deleted",
    "DescriptionError",
    "EngineError",
    "ExitCode",
    "Exported",
    "FlowFailed",
    "FlowHandle",
    "FlowNotFinished",
    "FlowTimeout",
    "ImplicitAuthDisabled",
    "KitaruError",
    "KitaruWarning",
    "LeftoverInfo",
    "MissingPackages",
    "NotAllowedError",
    "NotConnectedError",
    "NotFoundError",
    "Outcome",
    "PlanMoved",
    "PlannedStacks",
    "Problem",
    "ProtectedStackError",
    "RegistrationFailed",
    "Renamed",
    "StackDrift",
    "StackHealth",
    "StackInfo",
    "StackNotFound",
    "StackPlan",
    "StackView",
    "UsageError",
    "__version__",
    "adopt",
    "apply",
    "apply_all",
    "clean_stacks",
    "configure",
    "copy",
    "create_stack",
    "current_stack",
    "delete",
    "delete_stack",
    "drift",
    "export",
    "flow",
    "health",
    "list_stacks",
    "policy",
    "preview",
    "preview_all",
    "rename",
    "show_stack",
    "stack",
    "use_stack",
    "verify",
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
#: Those that are beside, by their module.
_MODULES = {
    "_sdk.models": (
        *("Applied", "CheckReport", "Copied", "Deleted", "Exported"),
        *("Outcome", "PlannedStacks", "Renamed"),
        *("StackDrift", "StackHealth", "StackPlan", "StackView"),
    ),
    "_sdk.existing": ("adopt", "copy", "rename"),
    "_sdk.files": ("apply_all", "preview_all"),
    "_sdk.operations": (
        *("apply", "delete", "drift", "export", "health"),
        *("policy", "preview", "show_stack", "verify"),
    ),
}
#: Those of flows, and where ours are. Another distribution may have them too.
_FLOWS = {"FlowHandle": "handle", "configure": "layers", "flow": "flow"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = _flows(name) if name in _FLOWS else getattr(import_module(_module_of(name)), name)
    globals()[name] = value
    return value


def _module_of(name: str) -> str:
    if name in _FROM_SDK:
        return f"{__name__}._sdk.stacks"
    for module, names in _MODULES.items():
        if name in names:
            return f"{__name__}.{module}"
    if name == "stack":
        return f"{__name__}.flows.binding"
    return f"{__name__}.{'notices' if name == 'KitaruWarning' else 'errors'}"


def _flows(name: str) -> object:
    from kitaru_iac.flows.other import other_flows

    ours = import_module(f"{__name__}.flows.{_FLOWS[name]}")
    return getattr(other_flows() or ours, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
