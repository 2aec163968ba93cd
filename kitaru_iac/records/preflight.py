"""Look whether records can be registered, before anything is written: all findings at once.

Names: ZenML gives a taken connector's or component's name a random suffix without a word. Fields:
it refuses them one component at a time. Packages and implicit authentication: what counts is the
process that owns the store, this one or the server.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import (
    AlreadyExistsError,
    DescriptionError,
    ImplicitAuthDisabled,
    KitaruError,
    MissingPackages,
    NotAllowedError,
)
from kitaru_iac.labels import MANAGED_LABEL, is_managed
from kitaru_iac.notices import KitaruWarning, LocalCredentials, StoreIsLocal
from kitaru_iac.records.aside import taken_aside
from kitaru_iac.records.diff import is_own_component, is_own_connector
from kitaru_iac.records.explanations import implicit_ways_out
from kitaru_iac.records.fields import check_extra
from kitaru_iac.records.implicit_auth import implicit_auth_allowed, needs_implicit_auth
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
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
#: Of `zenml stack update`.
_ZENML_OPTIONS = {"artifact_store": "-a", "container_registry": "-c", "orchestrator": "-o"}


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
    errors.extend(_names(store, records, current, orphans))
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
                f"Registered in {_place(store)}, which a {spec.type.value} runner cannot reach: "
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
    for error in _names(store, records, current, orphans):
        raise error


def require_known_fields(store: Store, records: Records, spec: StackSpec) -> None:
    """Look whether the fields of `extra` exist and take their values, and at nothing else.

    Raises:
        DescriptionError: They do not; lists them all.
    """
    problems = check_extra(store.gateway, records, spec.extra)
    if problems:
        raise DescriptionError(problems)


def _place(store: Store) -> str:
    return "the local store" if store.is_local else f"the ZenML server {store.url}"


def _names(
    store: Store, records: Records, current: Records | None, orphans: Records | None
) -> list[KitaruError]:
    taken = list(_taken(store, records, current, orphans))
    aside = taken_aside(store, records, current, orphans)
    if not taken or (current is None and aside is not None):
        return [] if aside is None else [aside]
    name = records.stack
    young = store.orphans(name, fresh=True)
    if not list(_taken(store, records, current, young)) and (wait := store.wait_for(name)):
        what = f"Stack '{name}' is being registered by another process, or by one that died"
        if current is not None:
            kinds = ", ".join(taken)
            what = f"Parts of stack '{name}' were put beside it a moment ago: {kinds}"
        return [
            AlreadyExistsError(
                what,
                where=_place(store),
                why="Which of both, its age tells: on a server processes do not see each other."
                if current is None
                else "Somebody is changing the stack, or has taken them out of it.",
                remedy=f"Run the same command again in {wait} s: "
                "what a dead process left is then taken over.",
            )
        ]
    if current is None and "a stack" not in taken:
        store.forget()
        if (stack := store.stack_named(name)) is not None and is_managed(stack.labels):
            taken = ["a stack"]  # registered while one looked
    what = f"The name '{name}' is taken by: {', '.join(taken)}"
    if current is not None and _lost_labels(current, records, taken):
        what = f"Parts of stack '{name}' are there without the label {MANAGED_LABEL}: true: "
        what += ", ".join(taken)
        remedy = f"Put the label back with: kitaru stack adopt {name}"
    elif current is not None and (words := list(_beside(store, records, current, orphans))):
        # A local stack's parts carry no label that would say whose they are.
        remedy = (
            f"If somebody took that out of the stack: zenml stack update {name} {' '.join(words)}. "
            "Else rename or delete it."
        )
    elif taken == ["a stack"]:
        remedy = f"Change it in place with: kitaru stack apply, or see it: kitaru stack show {name}"
    else:
        remedy = "Choose another name, or rename or delete what has it."
    return [AlreadyExistsError(what, where=_place(store), remedy=remedy)]


def _taken(
    store: Store, records: Records, current: Records | None, orphans: Records | None
) -> Iterator[str]:
    if current is None and store.stack_named(records.stack) is not None:
        yield "a stack"
    for part in _taken_parts(store, records, current, orphans):
        yield f"{_article(part.type.replace('_', ' '))} ({part.flavor})"
    if records.connector is None or records.connector.existing:
        return
    own = {orphans.connector.id} if orphans and orphans.connector else set()
    if current and current.connector and is_own_connector(current.connector, current):
        own.add(current.connector.id)
    stored = store.connector_named(records.connector.name)
    if stored is not None and stored.id not in own:
        yield f"a service connector ({stored.type})"


def _taken_parts(
    store: Store, records: Records, current: Records | None, orphans: Records | None
) -> Iterator[ComponentRecord]:
    free = {c.id for c in orphans.components} if orphans else set()
    if current is not None:
        free |= {c.id for c in current.components if is_own_component(c, current)}
    named = store.components_named(records.stack)
    for component in records.components:
        found = named.get(component.type)
        if found is not None and found.id not in free:
            yield found


def _lost_labels(current: Records, records: Records, taken: Sequence[str]) -> bool:
    """Whether it is the stack's own parts that have the names, and lack Kitaru's label."""
    members = [current.component(part.type) for part in records.components]
    own = [p for p in members if p is not None and p.name == current.stack]
    lost = [p for p in own if not is_own_component(p, current)]
    link = current.connector
    of_name = link is not None and link.name == current.stack and not link.existing
    is_link = link is not None and of_name and not is_own_connector(link, current)
    return len(lost) + is_link == len(taken)


def _beside(
    store: Store, records: Records, current: Records, orphans: Records | None
) -> Iterator[str]:
    """The options of ZenML's command that put what is in no stack into this one."""
    for part in _taken_parts(store, records, current, orphans):
        if part.id is not None and not store.stacks_of(part.id):
            yield f"{_ZENML_OPTIONS[part.type]} {part.name}"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


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
            where=_place(store),
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
    return [
        ImplicitAuthDisabled(
            f"{_place(store)[:1].upper()}{_place(store)[1:]} does not let connectors use its own "
            "identity",
            why=f"Without stored keys, the {connector.type} connector would be the server itself "
            f"({connector.auth_method})",
            remedy=implicit_ways_out(connector.type),
        )
    ]
