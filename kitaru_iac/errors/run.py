"""Errors of a run on this machine: of a command, a flow, or Pulumi."""

from __future__ import annotations

from collections.abc import Sequence

from kitaru_iac.errors.base import ExitCode, KitaruError

__all__ = [
    "ConfirmationNeeded",
    "EngineError",
    "FileNotWritten",
    "FlowFailed",
    "FlowNotFinished",
    "FlowTimeout",
    "Interrupted",
    "MissingPackages",
]


class Interrupted(KitaruError):
    """Ctrl-C or SIGTERM, as the command line reports it. Functions raise `KeyboardInterrupt`."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED

    def __init__(
        self, what: str = "Interrupted", *, left: Sequence[str] = (), remedy: str | None = None
    ) -> None:
        super().__init__(what, remedy=remedy, left=left)


class FileNotWritten(KitaruError):
    """A file of this machine cannot be written; it is as it was."""

    code = "file_not_written"


class MissingPackages(KitaruError):
    """Packages are not installed where they are needed."""

    code = "missing_packages"


class ConfirmationNeeded(KitaruError):
    """A question has to be answered and there is no terminal; ``--yes`` answers it.

    In Python `create_stack` wants to be told that infrastructure is made; ``confirm`` does.
    """

    code = "confirmation_needed"


class FlowFailed(KitaruError):
    """A run of a flow failed, or was stopped."""

    code = "flow_failed"


class FlowNotFinished(KitaruError):
    """A run of a flow has no result yet: it goes on, or is paused."""

    code = "flow_not_finished"


class FlowTimeout(FlowNotFinished):
    """A run of a flow was waited for in vain. It goes on."""

    code = "flow_timeout"


class EngineError(KitaruError):
    """The Pulumi engine failed."""

    code = "engine_failed"
