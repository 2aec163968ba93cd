"""Whatever description was applied: its stack's export, and a copy of it, are what is stored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from kitaru_iac.errors import DescriptionError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.masking import masked
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.views import ComponentView, ConnectorView, StackView
from kitaru_iac.plan.model import Action
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import copy as copying
from kitaru_iac.stacks import export, operations
from kitaru_iac.stacks.export import export_view
from tests.homes import Home
from tests.stacks.test_convergence import descriptions, examples

OTHER_KEYS = "aws-session-token:AKIAOTHER00000000009:another-secret:token"


@pytest.fixture
def server(bare_home: Home, monkeypatch: pytest.MonkeyPatch) -> MemoryGateway:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    return MemoryGateway()


def view_of(gateway: MemoryGateway, name: str) -> StackView:
    """What a read command would see of a stack."""
    (stack,) = gateway.stacks(Where(names=(name,)))
    parts = gateway.components(Where(in_stack=stack.id))
    used = {part.connector_id for part in parts if part.connector_id}
    links = [link for link in gateway.connectors(Where()) if link.id in used]
    names = {link.id: link.name for link in links}
    time = stack.updated
    return StackView(
        id=stack.id,
        name=stack.name,
        description=stack.description,
        labels=dict(stack.labels),
        is_active=False,
        is_managed=True,
        components=tuple(
            ComponentView(
                role_type=part.type,
                id=part.id,
                name=part.name,
                flavor=part.flavor,
                configuration=masked(part.configuration),
                labels=dict(part.labels),
                environment={},
                secrets=(),
                connector_id=part.connector_id,
                connector_name=names.get(part.connector_id or ""),
                connector_resource_id=part.connector_resource_id,
                created=time,
                updated=time,
                user=None,
            )
            for part in parts
        ),
        connectors=tuple(
            ConnectorView(
                id=link.id,
                name=link.name,
                type=link.type,
                auth_method=link.auth_method,
                resource_types=(),
                resource_id=None,
                configuration=dict(link.configuration),
                labels=dict(link.labels),
                description="",
                supports_instances=True,
                expires_at=None,
                expires_skew_tolerance=None,
                expiration_seconds=None,
                created=time,
                updated=time,
                user=None,
            )
            for link in links
        ),
        environment={},
        secrets=(),
        spec_path=None,
        created=time,
        updated=time,
        user=None,
    )


@examples(60)
@given(description=descriptions)
def test_export_then_preview_has_nothing_to_do(
    server: MemoryGateway, description: dict[str, Any]
) -> None:
    given_keys = {"name": "s", "verify": False, "activate": False, **description}
    with installed(server), pytest.MonkeyPatch.context() as patch:
        operations.apply(from_mapping(given_keys))
        found = export_view(view_of(server, "s"))
        keys = found.keys
        # What a variable of that name holds here says nothing of what is stored.
        patch.setenv("S_CREDENTIALS", OTHER_KEYS)
        assert export_view(view_of(server, "s")) == found
        if "credentials" in keys:
            patch.setenv("S_CREDENTIALS", description["credentials"])
        plan = operations.preview(from_mapping(keys))
        assert [step for step in plan.steps if step.action is not Action.KEEP] == []
        operations.delete("s", recursive=True)


@examples(30)
@given(description=descriptions)
def test_a_copy_is_the_same_but_for_its_name_and_whose_connector_it_has(
    server: MemoryGateway, description: dict[str, Any]
) -> None:
    given_keys = {"name": "s", "verify": False, "activate": False, **description}
    with installed(server), pytest.MonkeyPatch.context() as patch:
        operations.apply(from_mapping(given_keys))
        patch.setattr(copying, "read_stack", lambda _: view_of(server, "s"))
        before = (server.connectors(Where()), server.components(Where(names=("s",))))
        done = copying.copy("s", "other", verify=False)
        assert (server.connectors(Where()), server.components(Where(names=("s",)))) == before
        one, other = (view_of(server, name) for name in ("s", "other"))
        assert [
            (p.role_type, p.flavor, p.configuration, p.connector_id) for p in one.components
        ] == [(p.role_type, p.flavor, p.configuration, p.connector_id) for p in other.components]
        assert {part.name for part in other.components} == {"other"}
        assert bool(done.notes) == bool(one.connectors)
        operations.delete("other", recursive=True)
        assert (server.connectors(Where()), server.components(Where(names=("s",)))) == before
        operations.delete("s", recursive=True)


@examples(30)
@given(description=descriptions)
def test_with_the_credentials_of_its_connector_it_is_examined_as_it_was_described(
    server: MemoryGateway, description: dict[str, Any]
) -> None:
    login = description.get("credentials")
    given_keys = {"name": "s", "verify": False, "activate": False, **description}
    with installed(server), pytest.MonkeyPatch.context() as patch:
        operations.apply(from_mapping(given_keys))
        patch.setattr(export, "read_stack", lambda _: view_of(server, "s"))
        found = export.described("s", login)
        operations.delete("s", recursive=True)
    if login is None:
        return
    asked = from_mapping(given_keys)
    for key in ("artifact_store", "container_registry", "region", "credentials", "connector"):
        before, after = (getattr(spec, key, None) for spec in (asked, found))
        assert str(after).replace("abfss:", "abfs:") == str(before).replace("abfss:", "abfs:")


ROLE = "arn:aws:iam::123456789012:role/"
TENANT, CLIENT, OTHER = (f"{digit * 8}-1111-1111-1111-111111111111" for digit in "123")


@pytest.mark.parametrize(
    ("own", "given", "who"),
    [
        (f"aws-role:{ROLE}own", f"aws-role:{ROLE}own", None),
        (f"aws-role:{ROLE}own", f"aws-role:{ROLE}other", "role_arn"),
        (f"aws-role:{ROLE}own", "implicit", "role_arn"),
        (f"aws-role:{ROLE}own", "aws-access-keys:AKIA:secret-words", "role_arn"),
        # Which keys it has, the store does not say.
        ("aws-access-keys:AKIA:secret", "aws-access-keys:AKIB:secret-words", None),
        # Whom a server's own identity is, neither.
        ("implicit", f"aws-role:{ROLE}own", None),
        (f"{TENANT}:{CLIENT}:s", f"{TENANT}:{CLIENT}:secret-words", None),
        (f"{TENANT}:{CLIENT}:s", f"{TENANT}:{OTHER}:secret-words", "client_id"),
        (f"{TENANT}:{CLIENT}:s", "azure-managed-identity", "client_id"),
    ],
)
def test_what_somebody_else_may_do_is_not_said_of_the_connector(
    server: MemoryGateway,
    monkeypatch: pytest.MonkeyPatch,
    own: str,
    given: str,
    who: str | None,
) -> None:
    is_azure = own.startswith(TENANT)
    own, given = (
        f"azure-service-principal:{one}" if one.startswith(TENANT) else one for one in (own, given)
    )
    store = "az://data@acct.blob.core.windows.net/k" if is_azure else "s3://data/k"
    described = {"name": "s", "type": "local", "artifact_store": store, "credentials": own}
    region = {} if is_azure else {"region": "eu-west-1"}
    with installed(server):
        operations.apply(from_mapping({**described, **region, "verify": False, "activate": False}))
        monkeypatch.setattr(export, "read_stack", lambda _: view_of(server, "s"))
        try:
            if who is None:
                assert export.described("s", given).credentials is not None
                return
            with pytest.raises(
                DescriptionError, match="connector s is not who they are"
            ) as refused:
                export.described("s", given)
        finally:
            operations.delete("s", recursive=True)
    assert who in str(refused.value)
    assert "secret-words" not in str(refused.value.to_dict())
