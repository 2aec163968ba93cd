"""Stores full of generated stacks, and what ZenML's own client says about them.

A store of a given number is always the same but for ids and times. It holds what makes reading
hard: components and connectors that several stacks share, several components of one type, stacks of
nobody, labels and configurations of every JSON type, names of every script, secrets, environments.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from kitaru_iac.gateway.masking import masked
from kitaru_iac.gateway.order import role_rank
from tests.servers.zenml import ZenMLServer

ODD_TEXTS = (
    "",
    " ",
    "true",
    "kitaru.managed",
    "naïve — ünïcode",
    "日本語",
    "🧪🔬",
    "a'b\"c\\d",
    "100%_sure",
    "line\nbreak\ttab",
    "null",
    "x" * 300,
)
ODD_VALUES = (
    *ODD_TEXTS,
    *(None, True, False, 0, -1, 3.5, 10**20, [], ["a", 1, None], {}, {"n": {"m": 1}}),
)
NAMES = ("dev", "Dev-2", "prod_k8s", "a.b c", "ünder", "日本", "cafe", "deadbeef", "x" * 40, "100%")
SECRET_FIELDS = {
    "password": "hunter2",
    "api_key": "abc",
    "slack_token": "{{slack.token}}",
    "key": "k",
}


def forget_zenml() -> None:
    """Let ZenML read its configuration anew in this process."""
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration
    from zenml.login.credentials_store import CredentialsStore

    known = GlobalConfiguration.get_instance()
    engine = getattr(known._zen_store, "_engine", None) if known else None
    if engine is not None:
        engine.dispose()
    GlobalConfiguration._reset_instance()
    Client._reset_instance()
    CredentialsStore._clear()


TYPES = ("orchestrator", "artifact_store", "container_registry", "step_operator")


def add_odd_flavors(store: Any) -> None:
    """Custom flavors, for which ZenML lets everything be stored. Once for each store."""
    from zenml.models import FlavorRequest

    for kind in TYPES:
        store.create_flavor(
            FlavorRequest(
                name="odd",
                type=kind,
                source="somewhere.OddFlavor",
                config_schema={"properties": {}},
                integration="custom",
                is_custom=True,
            )
        )


class Filler:
    """Fills a ZenML store through ZenML's own tables, which also say how things are written.

    Its API would do the same, a hundred times slower. The store needs `add_odd_flavors`.
    """

    def __init__(self, store: Any, rng: random.Random) -> None:
        self._store = store
        self._rng = rng
        self._user = store.get_user().id
        self._rows: list[Any] = []

    def fill(self, stacks: int) -> list[str]:
        """Put that many stacks into the store; return their ids."""
        from sqlmodel import Session
        from zenml.enums import StackComponentType

        types = [StackComponentType(kind) for kind in TYPES]
        secrets = [self._secret() for _ in range(self._rng.randrange(3))]
        connectors = [self._connector(n) for n in range(self._rng.randrange(3))]
        shared = [
            self._component(kind, f"shared-{n}", connectors, secrets)
            for n, kind in enumerate(types)
        ]
        names = self._rng.sample(NAMES, k=min(stacks, len(NAMES)))
        made = []
        for number, name in enumerate(names):
            parts: list[list[UUID]] = []
            for kind, common in zip(types, shared, strict=True):
                own = self._component(kind, f"own-{number}", connectors, secrets)
                choices = [[own], [common], [own, common], [common, own], []]
                last = 5 if kind.supports_multiple_per_stack else 2
                parts.append(self._rng.choice(choices[:last]))
            made.append(self._stack(name, dict(zip(types, parts, strict=True)), secrets))
        with Session(self._store.engine) as session:
            for table in reversed(_TABLES):
                session.add_all(row for row in self._rows if row.__tablename__ == table)
                session.flush()
            session.commit()
        return [str(uuid) for uuid in made]

    def _add(self, row: Any) -> UUID:
        row.id = UUID(int=self._rng.getrandbits(128), version=4)
        if self._rng.random() < 0.3:  # at the same moment as others: then the id decides
            row.created = datetime(2026, 1, 1)  # noqa: DTZ001 - as ZenML keeps them
        self._rows.append(row)
        made: UUID = row.id
        return made

    def _stack(self, name: str, components: dict[Any, list[UUID]], secrets: list[UUID]) -> UUID:
        from zenml.models import StackRequest
        from zenml.zen_stores.schemas import StackCompositionSchema, StackSchema

        labels = self._labels()
        if self._rng.random() < 0.6:
            choices = ["true", "true", "true", "false", "True", " TRUE ", True, None]
            labels["kitaru.managed"] = self._rng.choice(choices)
        request = StackRequest(
            user=self._rng.choice([self._user, None]),
            name=name,
            description=self._rng.choice(("", "what it is for", "日本語")),
            components={kind: ids for kind, ids in components.items() if ids},
            labels=self._rng.choice([labels, labels, labels, None]),
            environment=self._environment(),
        )
        stack = self._add(StackSchema.from_request(request))
        for kind, ids in components.items():
            for place, component in enumerate(ids):
                self._rows.append(
                    StackCompositionSchema(
                        stack_id=stack,
                        component_id=component,
                        default_for_type=None if place else kind.value,
                    )
                )
        self._attach("stack", stack, secrets)
        return stack

    def _component(self, kind: Any, name: str, connectors: list[UUID], secrets: list[UUID]) -> UUID:
        from zenml.models import ComponentRequest
        from zenml.zen_stores.schemas import StackComponentSchema

        request = ComponentRequest(
            user=self._user,
            name=name,
            type=kind,
            flavor="odd",
            configuration=self._configuration(),
            labels=self._rng.choice([self._labels(), None]),
            environment=self._environment(),
        )
        row = StackComponentSchema.from_request(request)
        row.connector_id = self._rng.choice([*connectors, None])
        if row.connector_id:
            row.connector_resource_id = self._rng.choice(["s3://bucket", None])
        component = self._add(row)
        self._attach("stack_component", component, secrets)
        return component

    def _connector(self, number: int) -> UUID:
        from pydantic import SecretStr
        from zenml.models import ServiceConnectorRequest
        from zenml.zen_stores.schemas import ServiceConnectorSchema

        expires = datetime(2027, 1, 1) + timedelta(days=number)  # noqa: DTZ001
        request = ServiceConnectorRequest(
            user=self._user,
            name=f"connector-{number}",
            connector_type="elsewhere",
            auth_method=self._rng.choice(["secret-key", "implicit"]),
            resource_types=self._rng.choice([["s3-bucket"], ["s3-bucket", "docker-registry"]]),
            resource_id=self._rng.choice([None, "s3://one"]),
            supports_instances=self._rng.random() < 0.5,
            configuration={
                "region": "eu-west-1",
                "odd": self._rng.choice(ODD_VALUES),
                "secret_access_key": SecretStr("do-not-show-me"),
            },
            labels={self._rng.choice(ODD_TEXTS): self._rng.choice(ODD_TEXTS)},
            description=self._rng.choice(ODD_TEXTS),
            expires_at=self._rng.choice([None, expires]),
            expires_skew_tolerance=self._rng.choice([None, 300]),
            expiration_seconds=self._rng.choice([None, 3600]),
        )
        return self._add(ServiceConnectorSchema.from_request(request, secret_id=self._secret()))

    def _secret(self) -> UUID:
        from zenml.zen_stores.schemas import SecretSchema

        name = f"secret-{self._rng.getrandbits(40)}"
        values = b"do-not-show-me"
        return self._add(SecretSchema(name=name, private=False, values=values, user_id=self._user))

    def _attach(self, kind: str, owner: UUID, secrets: list[UUID]) -> None:
        from zenml.zen_stores.schemas import SecretResourceSchema

        for secret in self._rng.sample(secrets, k=self._rng.randrange(len(secrets) + 1)):
            self._rows.append(
                SecretResourceSchema(secret_id=secret, resource_id=owner, resource_type=kind)
            )

    def _labels(self) -> dict[str, Any]:
        count = self._rng.randrange(4)
        return {self._rng.choice(ODD_TEXTS): self._rng.choice(ODD_VALUES) for _ in range(count)}

    def _configuration(self) -> dict[str, Any]:
        found = {f"f{n}": self._rng.choice(ODD_VALUES) for n in range(self._rng.randrange(5))}
        if self._rng.random() < 0.3:
            found |= self._rng.sample(sorted(SECRET_FIELDS.items()), 2)
        if self._rng.random() < 0.1:
            found["big"] = {f"k{n}": ["v" * 50] * 20 for n in range(60)}
        return found

    def _environment(self) -> dict[str, str]:
        return self._rng.choice([{}, {"A": "1"}, {"HF_TOKEN": "secret", "Ü": "日本"}])


#: What a generated store differs in from another one; children before parents.
_TABLES = (
    "stack_composition",
    "secret_resource",
    "stack",
    "stack_component",
    "service_connector",
    "secret",
    "flavor",
    "user",
)


def pour(source: Path, target: Path) -> None:
    """Put the stacks of one database in the place of another's, which a server may have open."""
    with closing(sqlite3.connect(target, timeout=30, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("ATTACH DATABASE ? AS other", [str(source)])
        db.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            if table != "user":
                db.execute(f"DELETE FROM main.{table}")
        for table in reversed(_TABLES):
            db.execute(f"INSERT OR IGNORE INTO main.{table} SELECT * FROM other.{table}")
        db.execute("COMMIT")


def connect(server: ZenMLServer) -> None:
    """Make a server the store of a home, as ``zenml login URL --api-key`` does, and log in."""
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration
    from zenml.login.credentials_store import CredentialsStore
    from zenml.zen_stores.rest_zen_store import RestZenStoreConfiguration

    forget_zenml()
    CredentialsStore().set_api_key(server.url, server.api_key)
    GlobalConfiguration().set_store(RestZenStoreConfiguration(url=server.url))
    assert Client().active_stack_model.name == "default"
    forget_zenml()


# -- what ZenML's client says ----------------------------------------------------------------------


def _says_true(label: object) -> bool:
    """As `kitaru` 0.21 reads a label."""
    return str(label).strip().lower() == "true"


def truth_of_listing(client: Any) -> list[dict[str, Any]]:
    """Every stack as ZenML's client lists it."""
    active = client.active_stack_model.id
    stacks = client.list_stacks(size=1000, hydrate=True).items
    return [
        {
            "id": str(stack.id),
            "name": stack.name,
            "is_active": stack.id == active,
            "is_managed": _says_true((stack.labels or {}).get("kitaru.managed")),
        }
        for stack in stacks
    ]


def truth_of_stack(client: Any, id: str) -> dict[str, Any]:
    """Everything about one stack, field by field from ZenML's objects."""
    stack = client.zen_store.get_stack(UUID(id))
    components = []
    for kind in sorted(stack.components, key=lambda kind: role_rank(kind.value)):
        default, *others = stack.components[kind]
        components += [default, *sorted(others, key=lambda c: (c.name, str(c.id)))]
    connectors = {c.connector.id: c.connector.name for c in components if c.connector}
    return {
        "id": str(stack.id),
        "name": stack.name,
        "description": stack.description or "",
        "labels": stack.labels or {},
        "is_active": stack.id == client.active_stack_model.id,
        "is_managed": _says_true((stack.labels or {}).get("kitaru.managed")),
        "components": [_truth_of_component(component) for component in components],
        "connectors": [
            _truth_of_connector(client.zen_store.get_service_connector(uuid, expand_secrets=False))
            for uuid, _ in sorted(connectors.items(), key=lambda item: (item[1], str(item[0])))
        ],
        "environment": masked(stack.environment),
        "secrets": [str(uuid) for uuid in stack.secrets],
        "spec_path": stack.stack_spec_path,
        **_truth_of_history(stack),
    }


def _truth_of_component(component: Any) -> dict[str, Any]:
    connector = component.connector
    return {
        "role_type": component.type.value,
        "id": str(component.id),
        "name": component.name,
        "flavor": component.flavor_name,
        "configuration": masked(component.configuration),
        "labels": component.labels or {},
        "environment": masked(component.environment),
        "secrets": [str(uuid) for uuid in component.secrets],
        "connector_id": str(connector.id) if connector else None,
        "connector_name": connector.name if connector else None,
        "connector_resource_id": component.connector_resource_id,
        **_truth_of_history(component),
    }


def _truth_of_connector(connector: Any) -> dict[str, Any]:
    expires = connector.expires_at
    return {
        "id": str(connector.id),
        "name": connector.name,
        "type": connector.type,
        "auth_method": connector.auth_method,
        "resource_types": connector.resource_types,
        "resource_id": connector.resource_id,
        "configuration": masked(connector.configuration.non_secrets),
        "labels": connector.labels,
        "description": connector.description,
        "supports_instances": connector.supports_instances,
        "expires_at": expires.replace(tzinfo=UTC).isoformat() if expires else None,
        "expires_skew_tolerance": connector.expires_skew_tolerance,
        "expiration_seconds": connector.expiration_seconds,
        **_truth_of_history(connector),
    }


def _truth_of_history(item: Any) -> dict[str, Any]:
    return {
        "created": item.created.replace(tzinfo=UTC).isoformat(),
        "updated": item.updated.replace(tzinfo=UTC).isoformat(),
        "user": item.user.name if item.user else None,
    }
