"""Look whether records can be registered, before anything is written: all findings at once.

Names: ZenML gives a taken connector's or component's name a random suffix without a word. Fields:
it refuses them one component at a time. Packages and implicit authentication: what counts is the
process that owns the store, this one or the server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import (
    DescriptionError,
    ImplicitAuthDisabled,
    KitaruError,
    MissingPackages,
    NotAllowedError,
)
from kitaru_iac.notices import KitaruWarning, LocalCredentials, StoreIsLocal
from kitaru_iac.records.explanations import implicit_ways_out
from kitaru_iac.records.fields import check_extra
from kitaru_iac.records.implicit_auth import implicit_auth_allowed, needs_implicit_auth
from kitaru_iac.records.model import ConnectorRecord, Records
from kitaru_iac.records.taken_names import place_of, taken_names
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import StackSpec

if TYPE_CHECKING:
    from kitaru_iac.records.stored import Store

__all__ = [
    "IMPLICIT_AUTH",
    "PreflightFailed",
    "preflight",
    "require_free_names",
    "require_known_fields",
]

#: ZenML reads it at each use, not at import (`handle_bool_env_var` in `service_connector.py`).
IMPLICIT_AUTH = "ZENML_ENABLE_IMPLICIT_AUTH_METHODS"
#: What it takes for yes (`is_true_string_value` in `constants.py`); all else is no.
_TRUE = frozenset({"1", "y", "yes", "True", "true"})
_REGION = "AWS_DEFAULT_REGION"
#: What a connector needs beside ZenML's extra, which in 0.93 and earlier takes azure-mgmt-resource
#: 25 and later: they do not have the client any more that the connector imports.
_BESIDE = {"azure": ' "azure-mgmt-resource<25"'}


class PreflightFailed(KitaruError):
    """Several things of different kinds stand in the way.

    Args:
        errors: All of them; the first one's exit code counts.
    """

    code = "preflight_failed"

    def __init__(self, errors: Sequence[KitaruError]) -> None:
        self.errors = tuple(errors)
        self.exit_code = self.errors[0].exit_code
        super().__init__(f"{len(self.errors)} things stand in the way; nothing was written")

    def __str__(self) -> str:
        blocks = (str(error).replace("\n", "\n    ") for error in self.errors)
        return "\n".join([f"{self.what}:", *(f"  - {block}" for block in blocks)])

    def to_dict(self) -> dict[str, Any]:
        """The error with its ``errors``, each as its own :meth:`KitaruError.to_dict`."""
        return {**super().to_dict(), "errors": [error.to_dict() for error in self.errors]}


def preflight(
    store: Store,
    spec: StackSpec,
    records: Records,
    current: Records | None = None,
    orphans: Records | None = None,
) -> tuple[KitaruWarning, ...]:
    """Look whether `records` can be registered. Writes nothing.

    On a local store it lets this process use implicit authentication, where the records need it and
    the environment does not forbid it: the store is the user's own.

    Args:
        store: The open store.
        spec: The description.
        records: What should be stored for it.
        current: What is stored under that stack's name, whose parts may keep their names.
        orphans: Managed parts of that name in no stack, which are taken over.

    Returns:
        What the user has to know, one line each.

    Raises:
        AlreadyExistsError: Names are taken; lists them all.
        DescriptionError: Fields do not exist or do not take their values; lists them all.
        MissingPackages: The connector's type is not installed where the store lives.
        ImplicitAuthDisabled: The connector would use the store's own identity, which is forbidden.
        PreflightFailed: Several of these; holds each.
    """
    errors: list[KitaruError] = []
    notes: list[KitaruWarning] = []
    errors.extend(taken_names(store, records, current, orphans))
    problems = check_extra(store.gateway, records, spec.extra)
    if problems:
        errors.append(DescriptionError(problems))
    connector = records.connector
    if connector is not None:
        types = store.gateway.connector_types()
        missing = _packages(store, connector, types)
        errors.extend(missing)
        # What an existing connector may do on a server, its verification tells.
        if not missing and (store.is_local or not connector.existing):
            errors.extend(_identity(store, spec, connector, types, notes))
    if spec.type is not StackType.LOCAL and store.gateway.place.is_on_this_machine:
        notes.append(
            StoreIsLocal(
                f"Registered in {place_of(store)}, which a {spec.type.value} runner cannot reach: "
                "log in to a server (kitaru login URL) before you run flows on it."
            )
        )
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise PreflightFailed(errors)
    return tuple(notes)


def require_free_names(
    store: Store, records: Records, current: Records | None, orphans: Records | None
) -> None:
    """Look whether the names are free, and nothing else of what `preflight` looks at.

    Raises:
        AlreadyExistsError: Names are taken; lists them all.
    """
    for error in taken_names(store, records, current, orphans):
        raise error


def require_known_fields(store: Store, records: Records, spec: StackSpec) -> None:
    """Look whether the fields of `extra` exist and take their values, and at nothing else.

    Raises:
        DescriptionError: They do not; lists them all.
    """
    problems = check_extra(store.gateway, records, spec.extra)
    if problems:
        raise DescriptionError(problems)


def _packages(store: Store, connector: ConnectorRecord, types: frozenset[str]) -> list[KitaruError]:
    kind = connector.type
    if kind in types:
        return []
    what = f"The packages of ZenML's {kind} service connector are not installed"
    if store.is_local:
        return [
            MissingPackages(
                what,
                where="this environment",
                why="The local store verifies and uses the connector in this process",
                remedy=f'pip install "kitaru-iac[{kind}]"',
            )
        ]
    return [
        MissingPackages(
            what,
            where=place_of(store),
            why="The server verifies and uses the connector",
            remedy="In the server's environment or image: pip install "
            f'"zenml[connectors-{kind}]=={store.gateway.version}"{_BESIDE.get(kind, "")}',
        )
    ]


def _identity(
    store: Store,
    spec: StackSpec,
    connector: ConnectorRecord,
    types: frozenset[str],
    notes: list[KitaruWarning],
) -> list[KitaruError]:
    """What a connector that uses its process's own identity needs there."""
    if not needs_implicit_auth(connector):
        return []
    if not store.is_local:
        return _on_server(store, spec, connector, types)
    wanted = _wanted_here(connector)
    setting = os.environ.get(IMPLICIT_AUTH)
    if setting and setting not in _TRUE:
        return [
            ImplicitAuthDisabled(
                "Implicit authentication is switched off",
                where=IMPLICIT_AUTH,
                why=f"The {connector.type} connector would use this machine's own credentials "
                f"({connector.auth_method}), and the environment says {IMPLICIT_AUTH}={setting}",
                remedy=f"Unset it, or: {implicit_ways_out(connector.type)}",
            )
        ]
    absent = {key: value for key, value in wanted.items() if not os.environ.get(key)}
    os.environ.update(absent)
    if absent:
        exports = " ".join(f"{key}={value}" for key, value in absent.items())
        notes.append(
            LocalCredentials(
                "The connector uses this machine's own credentials, which ZenML allows only where "
                f"its environment says so. It did for this command; for runs: export {exports}"
            )
        )
    return []


def _wanted_here(connector: ConnectorRecord) -> Mapping[str, str]:
    wanted = {IMPLICIT_AUTH: "true"}
    region = connector.configuration.get("region")
    if connector.configuration.get("role_arn") and region and not os.environ.get("AWS_REGION"):
        # ZenML makes the role's session without the region and then asks STS with it.
        wanted[_REGION] = str(region)
    return wanted


def _on_server(
    store: Store, spec: StackSpec, connector: ConnectorRecord, types: frozenset[str]
) -> list[KitaruError]:
    credentials = spec.credentials
    if credentials and credentials.values.get("source") == "application-default":
        account = credentials.values["target_principal"]
        return [
            NotAllowedError(
                f"The server cannot impersonate {account} with this machine's login",
                where="--credentials",
                why="The application default credentials that do so are on this machine only",
                remedy=f"Write gcp-impersonate:{account}:/path/key.json or "
                "gcp-workload-identity:FILE.",
            )
        ]
    if implicit_auth_allowed(store.gateway, types):
        return []
    place = place_of(store)
    return [
        ImplicitAuthDisabled(
            f"{place[:1].upper()}{place[1:]} does not let connectors use its own identity",
            why=f"Without stored keys, the {connector.type} connector would be the server itself "
            f"({connector.auth_method})",
            remedy=implicit_ways_out(connector.type),
        )
    ]
