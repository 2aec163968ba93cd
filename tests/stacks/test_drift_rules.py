"""A stored stack beside its description; and the parts that records of all clouds consist of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kitaru_iac.errors import DescriptionError
from kitaru_iac.gateway import ComponentView, ConnectorView, StackView
from kitaru_iac.labels import (
    DEPLOYMENT_LABELS,
    MANAGED_LABEL,
    OWNER_LABEL,
    REUSED_CONNECTORS_LABEL,
)
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.records.model import ConnectorRecord, Records
from kitaru_iac.records.parts import (
    REGION_LABEL,
    UNCHECKED,
    Auth,
    Part,
    assemble,
    existing_connector,
    filled,
    foreign_registry,
    missing,
    new_connector,
)
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec import StackSpec, from_mapping, parse_container_registry
from kitaru_iac.stacks.desired import desired_records
from kitaru_iac.stacks.drift import Drift, drift_of, records_of_view

THEN = datetime(2026, 1, 1, tzinfo=UTC)
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/Runtime"
KEYS = "aws-access-keys:AKIAFIRST00000000001:hush"

LOCAL: Mapping[str, Any] = {"name": "dev"}
BUCKET: Mapping[str, Any] = {
    "name": "dev",
    "artifact_store": "s3://data/kitaru",
    "region": "eu-west-1",
    "credentials": KEYS,
}
SAGEMAKER: Mapping[str, Any] = {
    "name": "prod",
    "type": "sagemaker",
    "region": "eu-west-1",
    "artifact_store": "s3://data/kitaru",
    "container_registry": HOST,
    "execution_role": ROLE,
    "credentials": KEYS,
}
EKS: Mapping[str, Any] = {
    "name": "prod",
    "type": "kubernetes",
    "cluster": "main",
    "region": "eu-west-1",
    "artifact_store": "s3://data/kitaru",
    "container_registry": HOST,
    "credentials": KEYS,
}
TENANT = "6a1c2f0e-8c3b-4d7e-9f10-1234567890ab"
AZUREML: Mapping[str, Any] = {
    "name": "prod",
    "type": "azureml",
    "subscription_id": TENANT,
    "resource_group": "ml",
    "workspace": "team",
    "artifact_store": "abfs://box@account.dfs.core.windows.net/k",
    "container_registry": "registry.azurecr.io",
    "credentials": f"azure-service-principal:{TENANT}:{TENANT}:hush",
}


def given(base: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A description with some keys changed; None takes one out."""
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def view_of(base: Mapping[str, Any], **changes: Any) -> StackView:
    """What a reader gives of a stack that was made from this description."""
    records = desired_records(from_mapping(given(base, **changes)))
    used = records.connector
    connectors = () if used is None else (a_connector(used),)
    components = tuple(
        ComponentView(
            role_type=part.type,
            id=f"{part.type}-id",
            name=part.name,
            flavor=part.flavor,
            configuration=dict(part.configuration),
            labels=dict(part.labels),
            environment={},
            secrets=(),
            connector_id="connector-id" if part.uses_connector else None,
            connector_name=used.name if used and part.uses_connector else None,
            connector_resource_id=part.resource_id,
            created=THEN,
            updated=THEN,
            user=None,
        )
        for part in records.components
    )
    return StackView(
        id="stack-id",
        name=records.stack,
        description="",
        labels=dict(records.labels),
        is_active=False,
        is_managed=True,
        components=components,
        connectors=connectors,
        environment={},
        secrets=(),
        spec_path=None,
        created=THEN,
        updated=THEN,
        user=None,
    )


def a_connector(record: ConnectorRecord, id: str = "connector-id") -> ConnectorView:
    """A connector as a reader gives it: without its secrets."""
    return ConnectorView(
        id=id,
        name=record.name,
        type=record.type,
        auth_method=record.auth_method,
        resource_types=(),
        resource_id=None,
        configuration=dict(record.configuration),
        labels=dict(record.labels),
        description="",
        supports_instances=False,
        expires_at=None,
        expires_skew_tolerance=None,
        expiration_seconds=None,
        created=THEN,
        updated=THEN,
        user=None,
    )


def configured(view: StackView, type: str, **fields: Any) -> StackView:
    """The view with fields of a component's configuration changed; None takes one out."""
    return with_component(
        view, type, lambda c: replace(c, configuration=given(c.configuration, **fields))
    )


def with_component(view: StackView, type: str, change: Any) -> StackView:
    """The view with one component changed."""
    parts = (change(c) if c.role_type == type else c for c in view.components)
    return replace(view, components=tuple(parts))


def unlinked(view: StackView) -> StackView:
    """The view without its connector."""
    parts = (
        replace(c, connector_id=None, connector_name=None, connector_resource_id=None)
        for c in view.components
    )
    return replace(view, components=tuple(parts), connectors=())


def with_account(view: StackView, account: str) -> StackView:
    """The view with another storage account in its connector."""
    (connector,) = view.connectors
    held = {**connector.configuration, "storage_account": account}
    return replace(view, connectors=(replace(connector, configuration=held),))


def of_method(view: StackView, method: str) -> StackView:
    """The view with another method of its connector."""
    return replace(view, connectors=(replace(view.connectors[0], auth_method=method),))


@pytest.mark.parametrize(
    "description",
    [
        LOCAL,
        given(LOCAL, artifact_store="/tmp/elsewhere"),
        BUCKET,
        given(BUCKET, credentials=None, region=None),
        SAGEMAKER,
        given(SAGEMAKER, credentials=None, connector="shared"),
        given(SAGEMAKER, credentials="aws-profile:other"),
        given(SAGEMAKER, extra={"orchestrator": {"tags": {"a": "b"}}}, **{"async": True}),
        EKS,
        given(EKS, namespace="team"),
        given(EKS, namespace="default", verify=False, activate=False),
        AZUREML,
        given(AZUREML, artifact_store="az://box/k"),
        given(AZUREML, artifact_store="abfss://box@account.dfs.core.windows.net/k"),
    ],
)
def test_what_is_stored_as_described_has_no_drift(description: dict[str, Any]) -> None:
    found = drift_of(description, view_of(description))
    assert found == Drift({}, ())
    assert not found


@pytest.mark.parametrize("store", ["az://box/k", AZUREML["artifact_store"]])
def test_what_an_existing_connector_holds_is_no_drift(store: str) -> None:
    shared = given(AZUREML, artifact_store=store, credentials=None, connector="shared")
    assert drift_of(shared, with_account(view_of(shared), "another")) == Drift({}, ())


@pytest.mark.parametrize("description", [BUCKET, SAGEMAKER, EKS, AZUREML])
def test_credentials_that_are_not_here_are_no_drift(description: dict[str, Any]) -> None:
    elsewhere = given(description, credentials="env:OF_ANOTHER_MACHINE")
    assert drift_of(elsewhere, view_of(description)) == Drift({}, ())


@pytest.mark.parametrize(
    ("changed", "rest", "differs"),
    [({}, (), False), ({"region": None}, (), True), ({}, ("a line",), True)],
)
def test_either_half_is_drift(
    changed: dict[str, Any], rest: tuple[str, ...], differs: bool
) -> None:
    assert bool(Drift(changed, rest)) is differs


EKS_VIEW = view_of(EKS)
SAGEMAKER_VIEW = view_of(SAGEMAKER)
BUCKET_VIEW = view_of(BUCKET)
DRIFTED: Mapping[str, tuple[Mapping[str, Any], StackView, dict[str, Any], tuple[str, ...]]] = {
    "a key with another value": (
        given(EKS, namespace="ml"),
        configured(EKS_VIEW, "orchestrator", kubernetes_namespace="team"),
        {"namespace": "team"},
        (),
    ),
    "a key whose value is gone": (
        given(LOCAL, artifact_store="/tmp/elsewhere"),
        view_of(LOCAL),
        {"artifact_store": None},
        (),
    ),
    "a key of which the connector holds a part": (
        AZUREML,
        with_account(view_of(AZUREML), "another"),
        {"artifact_store": "abfs://box@another.dfs.core.windows.net/k"},
        (),
    ),
    "a key that is left out": (
        EKS,
        configured(EKS_VIEW, "orchestrator", kubernetes_namespace="team"),
        {},
        ("orchestrator prod: configuration.kubernetes_namespace is 'team', not 'default'",),
    ),
    "a key, and what follows from it": (
        SAGEMAKER,
        configured(SAGEMAKER_VIEW, "artifact_store", path="s3://other/x"),
        {"artifact_store": "s3://other/x"},
        (
            "orchestrator prod: configuration.bucket is 'data', not 'other'",
            "artifact_store prod: resource_id is 's3://data', not 's3://other'",
        ),
    ),
    "a field that no key says": (
        SAGEMAKER,
        configured(SAGEMAKER_VIEW, "orchestrator", synchronous=False),
        {},
        ("orchestrator prod: configuration.synchronous is False, not unset",),
    ),
    "a value that no description can have": (
        given(EKS, namespace="ml"),
        configured(EKS_VIEW, "orchestrator", kubernetes_namespace="Not Valid"),
        {},
        ("orchestrator prod: configuration.kubernetes_namespace is 'Not Valid', not 'ml'",),
    ),
    "a key without which it is no description": (
        SAGEMAKER,
        configured(SAGEMAKER_VIEW, "orchestrator", execution_role=None),
        {},
        (f"orchestrator prod: configuration.execution_role is unset, not '{ROLE}'",),
    ),
    "a part that is gone": (
        SAGEMAKER,
        replace(SAGEMAKER_VIEW, components=SAGEMAKER_VIEW.components[:2]),
        {},
        (
            "container_registry prod is not there any more",
            "stack prod: container_registry is unset, not 'prod'",
        ),
    ),
    "a part too many": (
        given(BUCKET, container_registry=None),
        replace(
            BUCKET_VIEW,
            components=(
                *BUCKET_VIEW.components,
                replace(BUCKET_VIEW.components[1], role_type="container_registry"),
            ),
        ),
        {},
        (
            "stack dev: container_registry is 'dev', not unset",
            "container_registry dev is there, and not described",
        ),
    ),
    "a part added by hand": (
        LOCAL,
        replace(
            view_of(LOCAL),
            components=(
                *view_of(LOCAL).components,
                replace(view_of(LOCAL).components[0], role_type="image_builder", name="mine"),
            ),
        ),
        {},
        (),
    ),
    "a connector that is gone": (
        BUCKET,
        unlinked(BUCKET_VIEW),
        {},
        (
            "service_connector dev is not there any more",
            "artifact_store dev: uses_connector is False, not True",
            "artifact_store dev: resource_id is unset, not 's3://data'",
        ),
    ),
    "a label of the stack": (
        LOCAL,
        replace(view_of(LOCAL), labels={}),
        {},
        (
            "orchestrator dev is there without the label kitaru.managed",
            "artifact_store dev is there without the label kitaru.managed",
            "stack dev: labels.kitaru.managed is unset, not 'true'",
        ),
    ),
    "another name": (
        LOCAL,
        replace(view_of(LOCAL), name="theirs"),
        {},
        ("stack dev: it is called 'theirs'",),
    ),
    "another name and another value": (
        given(LOCAL, artifact_store="/a"),
        replace(view_of(LOCAL, artifact_store="/b"), name="theirs"),
        {"artifact_store": "/b"},
        ("stack dev: it is called 'theirs'",),
    ),
}


@pytest.mark.parametrize("case", DRIFTED)
def test_drift_is_said_in_keys_where_they_can_and_in_words_else(case: str) -> None:
    description, view, changed, rest = DRIFTED[case]
    assert drift_of(description, view) == Drift(changed, rest)


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (of_method(SAGEMAKER_VIEW, "implicit"), "its connector's method changes from implicit"),
        (
            with_component(SAGEMAKER_VIEW, "orchestrator", lambda c: replace(c, flavor="airflow")),
            "its type changes from custom to sagemaker",
        ),
        (
            with_component(
                SAGEMAKER_VIEW, "orchestrator", lambda c: replace(c, flavor="kubernetes")
            ),
            "its type changes from kubernetes to sagemaker",
        ),
    ],
    ids=["another method", "a type of no description", "another type"],
)
def test_what_only_a_replacement_mends_begins_with_its_reason(view: StackView, reason: str) -> None:
    found = drift_of(SAGEMAKER, view)
    assert not found.changed
    assert found.rest[0].startswith(f"stack prod: {reason}")


@pytest.mark.parametrize(
    ("credentials", "more", "rest"),
    [
        ("env:NOT_SET_HERE", {}, ()),
        ("env:NOT_SET_HERE", {"region": "nowhere"}, ("its description is not valid any more",)),
        ("env:NOT_SET_HERE", {"connector": "shared"}, ("its description is not valid any more",)),
        (None, {"region": "nowhere"}, ("its description is not valid any more",)),
        (KEYS, {"region": "nowhere"}, ("its description is not valid any more",)),
    ],
)
@pytest.mark.parametrize("method", ["secret-key", "implicit", "sts-token"])
def test_only_credentials_may_be_unreadable_and_then_the_connector_is_not_judged(
    credentials: str | None, more: dict[str, Any], rest: tuple[str, ...], method: str
) -> None:
    description = given(SAGEMAKER, credentials=credentials, **more)
    assert drift_of(description, of_method(SAGEMAKER_VIEW, method)) == Drift({}, rest)


def test_credentials_that_are_unreadable_do_not_hide_that_the_connector_is_gone() -> None:
    description = given(SAGEMAKER, credentials="env:NOT_SET_HERE")
    lines = drift_of(description, unlinked(SAGEMAKER_VIEW)).rest
    assert "service_connector prod is not there any more" in lines


REUSED = given(SAGEMAKER, credentials=None, connector="shared")
SHARED_ID = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("named", "relinked"), [("shared", False), (SHARED_ID, False), ("another", True)]
)
def test_an_existing_connector_is_known_by_its_name_and_by_its_id(
    named: str, relinked: bool
) -> None:
    view = view_of(REUSED)
    parts = (replace(c, connector_id=SHARED_ID) for c in view.components)
    shared = replace(view.connectors[0], id=SHARED_ID, auth_method="implicit")
    view = replace(view, components=tuple(parts), connectors=(shared,))
    found = drift_of(given(REUSED, connector=named), view)
    assert found.changed == {}
    assert bool(found.rest) is relinked
    assert all("connector is unset" in line for line in found.rest)


@pytest.mark.parametrize(
    ("stored", "wanted", "rest"),
    [
        ({f"{DEPLOYMENT_LABELS}stack": "x"}, {}, ()),
        ({"team": "ml"}, {}, ()),
        ({OWNER_LABEL: "urn"}, {OWNER_LABEL: "urn"}, ()),
        ({}, {OWNER_LABEL: "urn"}, (f"stack dev: labels.{OWNER_LABEL} is unset, not 'urn'",)),
        (
            {OWNER_LABEL: "x"},
            {OWNER_LABEL: "urn"},
            (f"stack dev: labels.{OWNER_LABEL} is 'x', not 'urn'",),
        ),
        ({OWNER_LABEL: "x"}, {}, (f"stack dev: labels.{OWNER_LABEL} is 'x', not unset",)),
    ],
)
def test_labels_of_a_deployment_and_of_the_user_are_no_drift(
    stored: dict[str, str], wanted: dict[str, str], rest: tuple[str, ...]
) -> None:
    view = view_of(LOCAL)
    view = replace(view, labels={**view.labels, **stored})
    assert drift_of(LOCAL, view, wanted) == Drift({}, rest)


@pytest.mark.parametrize("field", ["password", "api_token"])
def test_a_secret_field_is_compared_and_shown_only_masked(field: str) -> None:
    description = given(SAGEMAKER, extra={"orchestrator": {field: "hunter2"}})
    lines = drift_of(description, SAGEMAKER_VIEW).rest
    assert lines == (f"orchestrator prod: configuration.{field} is unset, not '********'",)
    as_read = configured(SAGEMAKER_VIEW, "orchestrator", **{field: "********"})
    assert drift_of(description, as_read) == Drift({}, ())


def test_the_keys_of_a_connector_are_not_in_a_view_and_are_no_drift() -> None:
    found = drift_of(given(SAGEMAKER, credentials=f"{KEYS}-other"), SAGEMAKER_VIEW)
    assert found == Drift({}, ())
    elsewhere = replace(
        SAGEMAKER_VIEW,
        connectors=(replace(SAGEMAKER_VIEW.connectors[0], configuration={"region": "us-east-1"}),),
    )
    (line,) = drift_of(SAGEMAKER, elsewhere).rest
    assert line == "service_connector prod: configuration.region is 'us-east-1', not 'eu-west-1'"


@pytest.mark.parametrize(("reused", "existing"), [(True, True), (False, False)])
def test_a_view_is_read_as_the_records_that_it_shows(reused: bool, existing: bool) -> None:
    labels = {MANAGED_LABEL: True, **({REUSED_CONNECTORS_LABEL: "true"} if reused else {})}
    view = replace(SAGEMAKER_VIEW, labels=labels)
    found = records_of_view(view)
    assert (found.stack, found.stack_type, found.id) == ("prod", "sagemaker", "stack-id")
    assert found.labels == {key: str(value) for key, value in labels.items()}
    assert found.connector is not None
    assert (found.connector.id, found.connector.existing) == ("connector-id", existing)
    assert found.connector.secrets == {}
    assert [c.id for c in found.components] == [c.id for c in view.components]
    assert all(c.uses_connector for c in found.components)


def test_only_a_connector_that_a_component_uses_is_the_stacks() -> None:
    other = replace(SAGEMAKER_VIEW.connectors[0], id="another-id", name="another")
    both = replace(SAGEMAKER_VIEW, connectors=(other, *SAGEMAKER_VIEW.connectors))
    found = records_of_view(both).connector
    assert found is not None
    assert found.name == "prod"
    alone = replace(unlinked(SAGEMAKER_VIEW), connectors=SAGEMAKER_VIEW.connectors)
    assert records_of_view(alone).connector is None
    assert not any(c.uses_connector for c in records_of_view(alone).components)
    nothing = replace(SAGEMAKER_VIEW, components=())
    assert (records_of_view(nothing).stack_type, records_of_view(nothing).connector) == (
        "custom",
        None,
    )


# -- parts -----------------------------------------------------------------------------------------


def a_spec(base: Mapping[str, Any] = SAGEMAKER, **changes: Any) -> StackSpec:
    return from_mapping(given(base, **changes))


def test_only_what_is_none_is_left_out_of_the_fields() -> None:
    found = filled(a=None, b="", c=0, d=False, e="x")
    assert found == {"b": "", "c": 0, "d": False, "e": "x"}


def test_a_missing_field_names_its_flag() -> None:
    error = missing("execution_role", "the role is missing", "SageMaker demands one")
    assert isinstance(error, DescriptionError)
    (problem,) = error.problems
    assert (problem.field, problem.what, problem.why) == (
        "execution_role",
        "the role is missing",
        "SageMaker demands one",
    )
    assert problem.remedy == "Give --execution-role."


@pytest.mark.parametrize(
    ("uri", "flavor"),
    [
        ("docker.io/me/app", "dockerhub"),
        ("index.docker.io/me/app", "dockerhub"),
        ("ghcr.io/me/app", "github"),
        ("registry.gitlab.com/me/app", "default"),
        ("registry.example.com:5000/app", "default"),
        ("demo1.azurecr.io/app", "default"),
        (HOST, "default"),
    ],
)
def test_a_foreign_registry_has_the_flavor_of_its_host(uri: str, flavor: str) -> None:
    parsed = parse_container_registry(uri)
    part = foreign_registry(parsed)
    assert (part.type, part.flavor) == ("container_registry", flavor)
    assert part.configuration == {"uri": str(parsed)}
    assert (part.resource_type, part.resource_id) == (None, None)


def test_a_new_connector_holds_the_methods_fields_and_the_secrets_apart() -> None:
    auth = Auth("secret-key", {"profile_name": "p", "region": "of the method"})
    found = new_connector(a_spec(), "aws", auth, {"region": "eu-west-1", "x": 1})
    assert (found.name, found.type, found.auth_method) == ("prod", "aws", "secret-key")
    assert found.configuration == {"region": "of the method", "x": 1, "profile_name": "p"}
    assert set(found.secrets) == {"aws_access_key_id", "aws_secret_access_key"}
    assert all(isinstance(value, SecretText) for value in found.secrets.values())
    assert not found.existing
    bare = new_connector(a_spec(credentials=None), "aws", Auth("implicit"), {})
    assert (bare.secrets, bare.configuration) == ({}, {})


def test_an_existing_connector_is_one_that_is_named() -> None:
    assert existing_connector(a_spec(), "aws") is None
    expected = ConnectorRecord("shared", "aws", UNCHECKED, existing=True)
    assert existing_connector(a_spec(REUSED), "aws") == expected


OWN = ConnectorRecord("any", "aws", "implicit", {"region": "r"}, {"k": SecretText("s")})
TAKEN = ConnectorRecord("shared", "aws", UNCHECKED, existing=True)
CLUSTER = Part("orchestrator", "sagemaker", {"a": 1}, "aws-generic")
STORE = Part("artifact_store", "s3", {"path": "p"}, "s3-bucket", "s3://data")
PLAIN = Part("container_registry", "default", {"uri": "u"})


def assembled(spec: StackSpec, connector: ConnectorRecord | None, **more: Any) -> Records:
    return assemble(spec, (CLUSTER, STORE, None, PLAIN), connector, **more)


@pytest.mark.parametrize(
    ("spec", "connector", "region", "of_stack", "shared"),
    [
        (a_spec(LOCAL), None, None, {}, False),
        (a_spec(LOCAL), None, "r", {REGION_LABEL: "r"}, False),
        (a_spec(BUCKET), OWN, None, {}, True),
        (a_spec(BUCKET), TAKEN, None, {REUSED_CONNECTORS_LABEL: "true"}, True),
        (a_spec(), None, None, {}, True),
        (a_spec(), OWN, None, {}, True),
        (a_spec(), OWN, "r", {REGION_LABEL: "r"}, True),
        (a_spec(), TAKEN, "r", {REUSED_CONNECTORS_LABEL: "true", REGION_LABEL: "r"}, True),
    ],
    ids=[
        "local",
        "local with a region",
        "local with a connector",
        "local with an existing connector",
        "remote",
        "remote with a connector",
        "remote with a region",
        "remote with an existing connector and a region",
    ],
)
def test_parts_have_the_labels_of_their_stack_unless_it_is_all_on_this_machine(
    spec: StackSpec,
    connector: ConnectorRecord | None,
    region: str | None,
    of_stack: dict[str, str],
    shared: bool,
) -> None:
    found = assembled(spec, connector, region_label=region)
    labels = {MANAGED_LABEL: "true", **of_stack}
    assert found.labels == labels
    assert [c.labels for c in found.components] == [labels if shared else {}] * 3
    if connector is not None and not connector.existing:
        assert found.connector == replace(OWN, name=spec.name, labels=labels)
    else:
        assert found.connector == connector


@pytest.mark.parametrize(
    ("connector", "linked"),
    [(OWN, True), (TAKEN, True), (None, False)],
    ids=["own", "shared", "no"],
)
def test_a_part_is_linked_where_there_is_a_connector_and_it_needs_one(
    connector: ConnectorRecord | None, linked: bool
) -> None:
    found = assembled(a_spec(), connector)
    assert [
        (c.type, c.uses_connector, c.resource_type, c.resource_id) for c in found.components
    ] == [
        ("orchestrator", linked, "aws-generic" if linked else None, None),
        (
            "artifact_store",
            linked,
            "s3-bucket" if linked else None,
            "s3://data" if linked else None,
        ),
        ("container_registry", False, None, None),
    ]


@pytest.mark.parametrize(
    ("more", "configuration"),
    [
        ({}, {"a": 1}),
        ({"async": True}, {"a": 1, "synchronous": False}),
        ({"async": False}, {"a": 1}),
        ({"extra": {"orchestrator": {"a": 2, "b": 3}}}, {"a": 2, "b": 3}),
        ({"extra": {"artifact_store": {"b": 3}}}, {"a": 1}),
    ],
)
def test_extra_fields_are_laid_over_those_of_their_part_alone(
    more: dict[str, Any], configuration: dict[str, Any]
) -> None:
    found = assembled(a_spec(**more), None, notes=[KitaruWarning("a note")])
    runner, store = found.component("orchestrator"), found.component("artifact_store")
    assert runner is not None
    assert store is not None
    # The table of fields adds those of the description.
    of_fields = {"region": SAGEMAKER["region"], "execution_role": SAGEMAKER["execution_role"]}
    assert runner.configuration == {**of_fields, **configuration}
    of_store = more.get("extra", {}).get("artifact_store", {})
    assert store.configuration == {"path": "p", **of_store}
    assert CLUSTER.configuration == {"a": 1}
    assert found.notes == (KitaruWarning("a note"),)
    assert (found.stack, found.stack_type) == ("prod", "sagemaker")
    assert {c.name for c in found.components} == {"prod"}
