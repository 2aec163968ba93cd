"""Everything that can go wrong, as one tree: class, code, exit code.

::

    KitaruError                failed                  1    base of all; printed without a traceback
    ├── InternalError          internal_error          1    a bug in kitaru
    ├── Interrupted            interrupted             130  Ctrl-C or SIGTERM; says what exists now
    ├── UsageError             usage_error             64   the command line itself is wrong
    │   └── DescriptionError   description_invalid     64   every problem of a description at once
    ├── CheckFailed            check_failed            3    of infrastructure or connector
    ├── NotFoundError          not_found               4    no such stack, connector, file
    │   ├── StackNotFound      stack_not_found         4
    │   └── DeploymentNotFound deployment_not_found    4    no state of it in the backend
    ├── AlreadyExistsError     already_exists          5    the name is taken
    ├── NotConnectedError      not_connected           6    no store answers
    │   ├── AnswerLost         answer_lost             6    a write was sent; done or not
    │   └── SettingsDamaged    settings_damaged        6    ZenML's; which store is not told
    │       └── SettingsUnreadable settings_unreadable 6    no file, or not to be read
    ├── NotAllowedError        not_allowed             6    the store answers and refuses
    │   └── ImplicitAuthDisabled implicit_auth_disabled 6
    ├── FileNotWritten         file_not_written        1    read-only, full; it is as it was
    ├── MissingPackages        missing_packages        1    carries the command that installs them
    ├── ProtectedStackError    stack_protected         1    the active, default or a foreign stack
    │   └── StackTakenOver     stack_taken_over        1
    ├── StackChanged           stack_changed           1    by somebody else, at the same time
    ├── RegistrationFailed     registration_failed     1    says what exists now
    ├── PreflightFailed        preflight_failed        1    several errors; exits like the first
    ├── InfrastructureRemains  infrastructure_remains  1    says what would stay, or stays
    ├── ConfirmationNeeded     confirmation_needed     1    a question that nobody can answer
    ├── PartialUpdate          partial_update          1    a Pulumi resource that is not done
    ├── FlowFailed             flow_failed             1    a run of a flow failed or was stopped
    ├── FlowNotFinished        flow_not_finished       1    a run of a flow goes on, or is paused
    │   └── FlowTimeout        flow_timeout            1    waited for in vain; it goes on
    ├── HostError              host_failed             1    a code host; `kitaru_iac.hosts`
    └── EngineError            engine_failed           1    Pulumi; `kitaru_iac.engine`
        ├── EngineNotFound     engine_not_found        1
        ├── EngineTooOld       engine_too_old          1
        ├── EngineUnusable     engine_unusable         1
        ├── EngineNotInstalled engine_not_installed    1
        ├── StateLocked        state_locked            1    another update holds the state
        ├── WrongPassphrase    wrong_passphrase        1
        ├── PassphraseMissing  passphrase_missing      1    the backend is the user's own
        ├── StateDamaged       state_damaged           1    cut off, and no copy fits
        ├── StateForeign       state_foreign           1    of another project or stack
        ├── BackendUnusable    backend_unusable        1
        ├── PluginMissing      plugin_missing          1
        ├── CredentialsMissing credentials_missing     1    none, or the cloud refused them
        ├── ResourceProtected  resource_protected      1
        ├── DeploymentElsewhere deployment_elsewhere   1    in another account or region
        ├── EventsIncomplete   events_incomplete       1    the engine counted more than it told
        ├── UpdateCancelled    update_cancelled        130  Ctrl-C
        └── UpdateFailed       update_failed           1    anything else
    RunError                                                Pulumi's own
    └── InputsRefused          inputs_refused          -    a DescriptionError in a Pulumi program
    UserWarning
    └── KitaruWarning          warning                 -    base of all: `kitaru_iac.notices`
        ├── ActiveStackMissing active_stack_missing    -
        ├── CredentialsExpire  credentials_expire      -    or have expired
        ├── CredentialsWarning credentials_readable    -    by others, in a file
        ├── FieldIgnored       field_ignored           -    ZenML will not use it
        ├── LocalCredentials   local_credentials       -    this machine's; nothing is stored
        ├── NoActiveProject    no_active_project       -
        ├── NotVerified        not_verified            -    the connector, as asked
        ├── OwnedByPulumi      owned_by_pulumi         -    its program may make it again
        ├── PartShared         part_shared             -    it changes for other stacks too
        ├── SelectionOverridden selection_overridden   -    an environment variable wins
        ├── StoreIsLocal       store_is_local          -    a remote runner cannot reach it
        ├── StoreNotCreated    store_not_created       -
        ├── VariableIgnored    variable_ignored        -    another variable takes precedence
        └── VersionMismatch    version_mismatch        -    ZenML here and on the server

Raised and caught inside one room, or without a code because a program sees `KeyboardInterrupt`::

    Exception
    ├── ProbeError             checks
    │   ├── Denied
    │   ├── NotFound
    │   ├── NoCredentials
    │   ├── Unavailable
    │   └── Skipped
    ├── UnreadableError        machine, gateway: ZenML's own client has to be asked
    │   └── Changed            gateway: what was read in parts does not fit
    ├── Refused                gateway
    ├── Theirs                 records: not taken back
    ├── _Refused               spec
    ├── _Malformed             clouds: a policy document
    └── Unresolved             clouds: a variable in one
    ValueError                 pydantic collects these
    ├── CredentialsError       spec
    ├── Refusal                spec
    │   └── UriError           spec
    └── YamlError              spec
    KeyboardInterrupt
    ├── WorkInterrupted        machine: says what exists now; the command makes it `Interrupted`
    │   └── CutShort           by a second one
    └── EngineInterrupted      engine
    OSError
    └── TooLarge               gateway

Errors carry fields, not sentences to be parsed: a stable *code*, *what* went wrong, *where* (a
flag, a file and line, a resource), *why*, and the *remedy*: a command or an edit. A code never
changes its meaning; docs/reference/errors.md lists them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

__all__ = [
    "AlreadyExistsError",
    "CheckFailed",
    "ConfirmationNeeded",
    "DescriptionError",
    "EngineError",
    "ExitCode",
    "FileNotWritten",
    "FlowFailed",
    "FlowNotFinished",
    "FlowTimeout",
    "ImplicitAuthDisabled",
    "InternalError",
    "Interrupted",
    "KitaruError",
    "MissingPackages",
    "NotAllowedError",
    "NotConnectedError",
    "NotFoundError",
    "Problem",
    "ProtectedStackError",
    "RegistrationFailed",
    "SettingsDamaged",
    "SettingsUnreadable",
    "StackChanged",
    "StackNotFound",
    "StackTakenOver",
    "UsageError",
]


class ExitCode(IntEnum):
    """What the process says to its caller; the documented table of docs/reference/exit-codes.md."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    CHECK_FAILED = 3
    NOT_FOUND = 4
    ALREADY_EXISTS = 5
    NOT_CONNECTED = 6
    USAGE = 64
    INTERRUPTED = 130


class KitaruError(Exception):
    """Base of every error that is the user's to read.

    Args:
        what: One sentence without a final remedy: what went wrong.
        where: The flag, file:line, key or resource it is about.
        why: The reason, where it is not clear from `what`.
        remedy: What to do: a command or an edit.
    """

    code: ClassVar[str] = "failed"
    exit_code: ExitCode = ExitCode.FAILED

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.why = why
        self.remedy = remedy
        super().__init__(what)

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.why:
            parts.append(self.why)
        if self.remedy:
            parts.append(self.remedy)
        return "\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON and YAML carry it: ``code``, ``message`` and ``type`` always."""
        fields = {"where": self.where, "why": self.why, "remedy": self.remedy}
        return {
            "code": self.code,
            "message": self.what,
            "type": type(self).__name__,
            **{key: value for key, value in fields.items() if value},
        }


class InternalError(KitaruError):
    """Something that no other error foresees: a bug in kitaru.

    Args:
        what: What was raised, without secrets: ``ValueError: the text``.
    """

    code = "internal_error"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"Unexpected {what}".rstrip(": "),
            remedy="This is a bug in kitaru. Run it again with --debug and report what it shows.",
        )


class Interrupted(KitaruError):
    """Ctrl-C or SIGTERM, as the command line reports it. Functions raise `KeyboardInterrupt`.

    Args:
        left: What exists now in spite of it, one line each; empty when nothing does.
    """

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED

    def __init__(
        self, what: str = "Interrupted", *, left: Sequence[str] = (), remedy: str | None = None
    ) -> None:
        self.left = tuple(left)
        super().__init__(what, remedy=remedy)

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}\nStill there: {', '.join(self.left)}" if self.left else text

    def to_dict(self) -> dict[str, Any]:
        """The error, with ``left`` where something is."""
        return {**super().to_dict(), **({"left": list(self.left)} if self.left else {})}


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


class CheckFailed(KitaruError):
    """A check of the infrastructure or of a connector failed; nothing was written."""

    code = "check_failed"
    exit_code = ExitCode.CHECK_FAILED


class NotFoundError(KitaruError):
    """Something that was named does not exist."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class StackNotFound(NotFoundError):
    """No stack has this name or id."""

    code = "stack_not_found"


class DeploymentNotFound(NotFoundError):
    """No state of this deployment is in the backend."""

    code = "deployment_not_found"


class AlreadyExistsError(KitaruError):
    """A name that has to be free is taken."""

    code = "already_exists"
    exit_code = ExitCode.ALREADY_EXISTS


class NotConnectedError(KitaruError):
    """No store answers: never logged in, server away, token expired."""

    code = "not_connected"
    exit_code = ExitCode.NOT_CONNECTED


class SettingsDamaged(NotConnectedError):
    """A settings file of ZenML is empty or cut off: which store is meant cannot be told."""

    code = "settings_damaged"


class SettingsUnreadable(SettingsDamaged):
    """A settings file of ZenML is there and cannot be read, or is no file."""

    code = "settings_unreadable"


class NotAllowedError(KitaruError):
    """The store answers, and refuses."""

    code = "not_allowed"
    exit_code = ExitCode.NOT_CONNECTED


class ImplicitAuthDisabled(NotAllowedError):
    """The process that owns the store does not let connectors use its own credentials."""

    code = "implicit_auth_disabled"


class FileNotWritten(KitaruError):
    """A file of this machine cannot be written; it is as it was."""

    code = "file_not_written"


class MissingPackages(KitaruError):
    """Packages are not installed where they are needed."""

    code = "missing_packages"


class ProtectedStackError(KitaruError):
    """The stack is the active one, the default one, or somebody else's."""

    code = "stack_protected"


class StackTakenOver(ProtectedStackError):
    """A later creation of the same Pulumi resource keeps the stack now."""

    code = "stack_taken_over"


class StackChanged(KitaruError):
    """Somebody else changed the stack, or what belongs to it, while this command worked on it.

    Args:
        differs: What is otherwise than it was read or written, one line each.
        left: What this command wrote, or was to delete, and is still there.
    """

    code = "stack_changed"

    def __init__(
        self,
        what: str,
        *,
        differs: Sequence[str] = (),
        left: Sequence[str] = (),
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.differs = tuple(differs)
        self.left = tuple(left)
        super().__init__(what, why=why, remedy=remedy)

    def __str__(self) -> str:
        text = super().__str__()
        if self.differs:
            text += "\nOtherwise than expected: " + ", ".join(self.differs)
        if self.left:
            text += "\nStill there: " + ", ".join(self.left)
        return text

    def to_dict(self) -> dict[str, Any]:
        """The error, with ``differs`` and ``left`` where something is in them."""
        more = {"differs": list(self.differs), "left": list(self.left)}
        return {**super().to_dict(), **{key: lines for key, lines in more.items() if lines}}


class RegistrationFailed(KitaruError):
    """Writing the records failed.

    Args:
        left: What exists now in spite of the failure, one line each; empty when all was undone.
    """

    code = "registration_failed"

    def __init__(
        self,
        what: str,
        *,
        left: Sequence[str] = (),
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.left = tuple(left)
        super().__init__(what, why=why, remedy=remedy)

    def __str__(self) -> str:
        text = super().__str__()
        if self.left:
            text += "\nStill there: " + ", ".join(self.left)
        return text

    def to_dict(self) -> dict[str, Any]:
        """The error with ``left``, the list of what exists."""
        return {**super().to_dict(), "left": list(self.left)}


class InfrastructureRemains(KitaruError):
    """What was provisioned for a stack would stay, or stays, and nobody has said that it may.

    Args:
        left: What stays, under the cloud's own names.
    """

    code = "infrastructure_remains"

    def __init__(
        self,
        what: str,
        *,
        left: Sequence[str] = (),
        where: str | None = None,
        why: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.left = tuple(left)
        super().__init__(what, where=where, why=why, remedy=remedy)

    def __str__(self) -> str:
        text = super().__str__()
        if self.left:
            text += "\nStays: " + ", ".join(self.left)
        return text

    def to_dict(self) -> dict[str, Any]:
        """The error with ``left``, the list of what stays."""
        return {**super().to_dict(), "left": list(self.left)}


class ConfirmationNeeded(KitaruError):
    """A question has to be answered and there is no terminal; ``--yes`` answers it."""

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
