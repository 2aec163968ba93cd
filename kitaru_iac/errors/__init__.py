"""Everything that can go wrong, as one tree: class, code, exit code.

::

    KitaruError                failed                  1    base of all; printed without a traceback
    ├── InternalError          internal_error          1    a bug in kitaru
    ├── Interrupted            interrupted             130  Ctrl-C or SIGTERM; says what exists now
    ├── UsageError             usage_error             64   the command line itself is wrong
    │   ├── DescriptionError   description_invalid     64   every problem of a description at once
    │   └── PlanInvalid        plan_invalid            64   a saved plan that cannot be read
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
    │   ├── StackNotManaged    stack_not_managed       1    Kitaru did not make it
    │   └── StackTakenOver     stack_taken_over        1
    ├── StackChanged           stack_changed           1    by somebody else, at the same time
    ├── PlanMoved              plan_moved              1    what was reviewed is not what would be
    ├── PruneRefused           prune_refused           1    a described stack has no plan
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
    ├── NotKnownYet                                         in a preview; what `verify` was given
    └── InputsRefused          inputs_refused          -    a DescriptionError in a Pulumi program
    UserWarning
    └── KitaruWarning          warning                 -    base of all: `kitaru_iac.notices`
        ├── ActiveReplaced     active_replaced         -    its successor becomes active
        ├── ActiveStackMissing active_stack_missing    -
        ├── AddressShortened   address_shortened       -    to a server's own
        ├── CredentialsExpire  credentials_expire      -    or have expired
        ├── CredentialsWarning credentials_readable    -    by others, in a file
        ├── FieldIgnored       field_ignored           -    ZenML will not use it
        ├── LeftRepaired       left_repaired           -    a dead run's leftovers are put right
        ├── LeftToDo           left_to_do              -    beside what was made
        ├── LocalCredentials   local_credentials       -    this machine's; nothing is stored
        ├── NamespaceNotMade   namespace_not_made      -    in a cluster that was made
        ├── NoActiveProject    no_active_project       -
        ├── NotPruned          not_pruned              -    it may be another source's
        ├── NotReadyYet        not_ready_yet           -    what was made, for all the waiting
        ├── NotVerified        not_verified            -    the connector, as asked
        ├── OwnedByPulumi      owned_by_pulumi         -    its program may make it again
        ├── PartKept           part_kept               -    a replaced one that others use
        ├── PartShared         part_shared             -    it changes for other stacks too
        ├── RemainsUnknown     remains_unknown         -    after a deletion, in the cloud
        ├── SecretsNotCompared secrets_not_compared    -    this login may not read them
        ├── SelectionOverridden selection_overridden   -    an environment variable wins
        ├── StoreIsLocal       store_is_local          -    a remote runner cannot reach it
        ├── StoreNotCreated    store_not_created       -
        ├── VariableIgnored    variable_ignored        -    another variable takes precedence
        └── VersionMismatch    version_mismatch        -    ZenML here and on the server

Raised and caught inside one room, or without a code because a program sees `KeyboardInterrupt`::

    Exception
    ├── ProbeError             checks
    │   ├── Denied
    │   │   └── NotLetIn       checks: by the cluster itself
    │   ├── NotFound
    │   │   └── NotInCluster   checks: the cluster itself is there
    │   ├── BeingDeleted       checks: by the cluster
    │   ├── NoCredentials
    │   ├── Unavailable
    │   │   ├── Transient      clouds: worth another try
    │   │   └── BadRequest     clouds
    │   ├── ServiceDisabled    clouds
    │   └── Skipped
    │       └── AnotherOwner   clouds: has the name of what was made for the stack
    ├── UnreadableError        machine, gateway: ZenML's own client has to be asked
    │   ├── Changed            gateway: what was read in parts does not fit
    │   └── NotMadeYet         machine: the first write makes the local store
    ├── Refused                gateway
    ├── NotBegun               pulumi: nobody waits for this call of the engine's any more
    ├── Theirs                 records: not taken back
    ├── _Refused               spec
    ├── _Unset                 spec: a variable
    ├── _Malformed             clouds: a policy document
    └── Unresolved             clouds: a variable in one
    ValueError                 pydantic collects these
    ├── CredentialsError       spec
    ├── Refusal                spec
    │   └── UriError           spec
    ├── Refusals               spec: several, in a list or mapping
    ├── YamlError              spec
    └── EndlessListing         gateway
    KeyboardInterrupt
    ├── WorkInterrupted        machine: says what exists now; the command makes it `Interrupted`
    │   ├── CutShort           by a second one
    │   └── SeveralInterrupted stacks: which of several are done
    └── EngineInterrupted      engine
    OSError
    └── TooLarge               gateway

Errors carry fields, not sentences to be parsed: a stable *code*, *what* went wrong, *where* (a
flag, a file and line, a resource), *why*, and the *remedy*: a command or an edit. A code never
changes its meaning; docs/reference/errors.md lists them all.
"""

from __future__ import annotations

from kitaru_iac.errors.base import (
    ExitCode,
    InternalError,
    KitaruError,
)
from kitaru_iac.errors.run import (
    ConfirmationNeeded,
    EngineError,
    FileNotWritten,
    FlowFailed,
    FlowNotFinished,
    FlowTimeout,
    Interrupted,
    MissingPackages,
)
from kitaru_iac.errors.stack import (
    CheckFailed,
    DeploymentNotFound,
    InfrastructureRemains,
    PlanMoved,
    ProtectedStackError,
    PruneRefused,
    RegistrationFailed,
    StackChanged,
    StackNotFound,
    StackNotManaged,
    StackTakenOver,
)
from kitaru_iac.errors.store import (
    AlreadyExistsError,
    ImplicitAuthDisabled,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    SettingsDamaged,
    SettingsUnreadable,
)
from kitaru_iac.errors.usage import (
    DescriptionError,
    PlanInvalid,
    Problem,
    UsageError,
)

__all__ = [
    "AlreadyExistsError",
    "CheckFailed",
    "ConfirmationNeeded",
    "DeploymentNotFound",
    "DescriptionError",
    "EngineError",
    "ExitCode",
    "FileNotWritten",
    "FlowFailed",
    "FlowNotFinished",
    "FlowTimeout",
    "ImplicitAuthDisabled",
    "InfrastructureRemains",
    "InternalError",
    "Interrupted",
    "KitaruError",
    "MissingPackages",
    "NotAllowedError",
    "NotConnectedError",
    "NotFoundError",
    "PlanInvalid",
    "PlanMoved",
    "Problem",
    "ProtectedStackError",
    "PruneRefused",
    "RegistrationFailed",
    "SettingsDamaged",
    "SettingsUnreadable",
    "StackChanged",
    "StackNotFound",
    "StackNotManaged",
    "StackTakenOver",
    "UsageError",
]
