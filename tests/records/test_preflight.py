"""What stands in the way of a registration is found before it, all at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    DescriptionError,
    ExitCode,
    ImplicitAuthDisabled,
    KitaruError,
    MissingPackages,
    NotAllowedError,
)
from kitaru_iac.gateway.documents import NewComponent
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.gateway.rest_gateway import RestGateway
from kitaru_iac.records.apply import execute
from kitaru_iac.records.implicit_auth import implicit_auth_allowed
from kitaru_iac.records.model import Records
from kitaru_iac.records.preflight import IMPLICIT_AUTH, PreflightFailed, preflight
from kitaru_iac.records.stored import Store
from kitaru_iac.spec.model import (
    AzuremlSpec,
    KubernetesSpec,
    LocalSpec,
    SagemakerSpec,
    StackSpec,
    VertexSpec,
)
from kitaru_iac.stacks.desired import desired_records
from tests.conftest import _enter, _forget_zenml
from tests.homes import Home, empty_home
from tests.servers.zenml import ZenMLServer
from tests.spec.test_credentials import ACCOUNT, saved

MARK = "MARKED-s3cret"
KEYS = f"aws-access-keys:AKIA1:{MARK}"
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/runner"


def eks(name: str = "prod", **changes: Any) -> KubernetesSpec:
    given = {
        "name": name,
        "artifact_store": "s3://my-bucket/kitaru",
        "container_registry": HOST,
        "cluster": "prod-cluster",
        "region": "eu-west-1",
        "credentials": KEYS,
        **changes,
    }
    return KubernetesSpec(**{key: value for key, value in given.items() if value is not None})


def azureml(**changes: Any) -> AzuremlSpec:
    return AzuremlSpec(
        name="prod",
        artifact_store="az://my-container",
        container_registry="demo1.azurecr.io",
        subscription_id="00000000-0000-0000-0000-000000000123",
        resource_group="ml-platform",
        workspace="team-ml",
        **changes,
    )


def vertex(**changes: Any) -> VertexSpec:
    return VertexSpec(
        name="prod",
        region="us-central1",
        artifact_store="gs://my-bucket",
        container_registry="us-central1-docker.pkg.dev/my-project/my-repo",
        **changes,
    )


def look(store: Store, spec: StackSpec, **more: Any) -> tuple[str, ...]:
    return tuple(map(str, preflight(store, spec, store.resolved(desired_records(spec)), **more)))


def refusal(store: Store, spec: StackSpec, **more: Any) -> KitaruError:
    with pytest.raises(KitaruError) as caught:
        look(store, spec, **more)
    assert MARK not in str(caught.value)
    return caught.value


def register(store: Store, spec: StackSpec) -> Records:
    none = Records(spec.name, "custom", ())
    execute(store, store.resolved(desired_records(spec)), None, none)
    stored = store.read(spec.name)
    assert stored is not None
    return stored


@pytest.fixture
def store(any_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    # Set, so that the test's end takes back what a preflight sets; empty is as good as unset.
    for name in (IMPLICIT_AUTH, "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")
    with quiet():
        yield Store.open()


@pytest.fixture
def local(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name in (IMPLICIT_AUTH, "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")
    with quiet():
        yield Store.open()


@pytest.fixture
def remote(server_home: Home) -> Iterator[Store]:
    with quiet():
        yield Store.open()


@pytest.mark.parametrize(
    "spec",
    [
        LocalSpec(name="prod"),
        eks(),
        SagemakerSpec(
            name="prod",
            artifact_store="s3://my-bucket",
            container_registry=f"{HOST}/team",
            region="eu-west-1",
            execution_role=ROLE,
            credentials=KEYS,
        ),
    ],
    ids=lambda spec: spec.type.value,
)
def test_nothing_stands_in_the_way(store: Store, spec: StackSpec) -> None:
    notes = look(store, spec)
    assert all("runner cannot reach" in note for note in notes)
    assert len(notes) <= (spec.type.value != "local")


def test_a_remote_runner_cannot_reach_a_local_store(local: Store) -> None:
    assert "kitaru login URL" in look(local, eks())[0]
    assert "kubernetes runner" in look(local, eks())[0]


def test_taken_names_are_all_listed(store: Store) -> None:
    register(store, eks())
    error = refusal(store, eks())
    assert isinstance(error, AlreadyExistsError)
    assert error.exit_code is ExitCode.ALREADY_EXISTS
    for taken in (
        "a stack",
        "an orchestrator (kubernetes)",
        "an artifact store (s3)",
        "a container registry (aws)",
        "a service connector (aws)",
    ):
        assert taken in str(error)


def test_the_stacks_own_parts_keep_their_names(store: Store) -> None:
    current = register(store, eks())
    look(store, eks(namespace="ml"), current=current)


def test_leftovers_may_be_taken_over(store: Store) -> None:
    current = register(store, eks())
    store.gateway.delete("stack", store.require("prod").id)
    orphans = store.orphans("prod", fresh=True)
    assert len(orphans.components) == len(current.components)
    look(store, eks(), orphans=orphans)
    taken = str(refusal(store, eks()))
    if store.gateway.place.kind == "server":
        # They are young, and on a server it may be another process that is writing them.
        assert "is being registered by another process, or by one that died" in taken
        assert "Choose another name" not in taken
    else:
        assert "a stack" not in taken
        assert "a service connector (aws)" in taken


def test_a_component_of_somebody_else_is_in_the_way(store: Store) -> None:
    store.gateway.create_component(NewComponent("artifact_store", "prod", "local"))
    error = refusal(store, LocalSpec(name="prod"))
    assert isinstance(error, AlreadyExistsError)
    assert error.what == "The name 'prod' is taken by: an artifact store (local)"
    assert "zenml" not in (error.remedy or "")


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        (
            eks(extra={"orchestrator": {"kubernetes_namespaces": "ml"}}),
            "extra.orchestrator.kubernetes_namespaces",
            "Did you mean `kubernetes_namespace`?",
        ),
        (
            eks(extra={"orchestrator": {"zzzzzz": 1}}),
            "extra.orchestrator.zzzzzz",
            "Its fields: ",
        ),
        (
            eks(extra={"orchestrator": {"timeout": "soon"}}),
            "extra.orchestrator.timeout",
            "valid integer",
        ),
        (
            eks(extra={"orchestrator": {"pod_settings": {"node_selectors": 3}}}),
            "extra.orchestrator.pod_settings.node_selectors",
            "dictionary",
        ),
        (
            eks(extra={"artifact_store": {"sekret": MARK}}),
            "extra.artifact_store.sekret",
            "Did you mean `secret`?",
        ),
        (
            vertex(extra={"orchestrator": {"pipelineroot": "gs://x"}}, credentials="implicit"),
            "extra.orchestrator.pipelineroot",
            "Did you mean `pipeline_root`?",
        ),
        (
            azureml(extra={"orchestrator": {"mode": "cluster"}}),
            "extra.orchestrator.mode",
            "compute-cluster",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_fields_that_zenml_does_not_have_are_named(
    local: Store, spec: StackSpec, field: str, expected: str
) -> None:
    error = refusal(local, spec)
    assert isinstance(error, DescriptionError)
    assert [problem.field for problem in error.problems] == [field]
    assert expected in str(error)


def test_everything_is_reported_at_once(store: Store) -> None:
    register(store, eks())
    spec = eks(extra={"orchestrator": {"timeout": "soon", "zzz": 1}})
    error = refusal(store, spec)
    assert isinstance(error, PreflightFailed)
    names, fields = error.errors
    assert isinstance(names, AlreadyExistsError)
    assert isinstance(fields, DescriptionError)
    assert len(fields.problems) == 2
    assert error.exit_code is ExitCode.ALREADY_EXISTS
    assert len(error.to_dict()["errors"]) == 2
    assert "zzz" in str(error)


def test_nothing_is_written(store: Store) -> None:
    look(store, eks())
    assert store.find("prod") is None
    assert store.connector_named("prod") is None


def test_missing_packages_here(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InProcess, "connector_types", lambda self: {"docker"})
    error = refusal(local, eks())
    assert isinstance(error, MissingPackages)
    assert error.remedy == 'pip install "kitaru-iac[aws]"'


def test_missing_packages_on_the_server(remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RestGateway, "connector_types", lambda self: {"docker"})
    error = refusal(remote, eks())
    assert isinstance(error, MissingPackages)
    assert remote.url in str(error.where)
    assert f'"zenml[connectors-aws]=={remote.gateway.version}"' in str(error.remedy)
    remedy = str(refusal(remote, azureml()).remedy)
    assert remedy.endswith(f'=={remote.gateway.version}" "azure-mgmt-resource<25"')


@pytest.mark.parametrize("credentials", [None, "aws-profile:prod", f"aws-role:{ROLE}"])
def test_a_local_store_is_the_users_own(
    local: Store, monkeypatch: pytest.MonkeyPatch, credentials: str | None
) -> None:
    notes = look(local, eks(credentials=credentials))
    assert os.environ[IMPLICIT_AUTH] == "true"
    assert f"export {IMPLICIT_AUTH}=true" in " ".join(notes)
    by_role = credentials is not None and credentials.startswith("aws-role")
    assert os.environ["AWS_DEFAULT_REGION"] == ("eu-west-1" if by_role else "")
    # The second time there is nothing to say: the environment allows it.
    assert not [note for note in look(local, eks(credentials=credentials)) if "export" in note]


def test_a_users_no_is_a_no(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMPLICIT_AUTH, "false")
    error = refusal(local, azureml())
    assert isinstance(error, ImplicitAuthDisabled)
    assert "azure-service-principal:" in str(error.remedy)
    assert os.environ[IMPLICIT_AUTH] == "false"


@pytest.mark.parametrize("make", [lambda: eks(credentials=None), vertex, azureml])
def test_a_server_that_forbids_implicit_methods_is_found_out(remote: Store, make: Any) -> None:
    error = refusal(remote, make())
    assert isinstance(error, ImplicitAuthDisabled)
    assert error.exit_code is ExitCode.NOT_CONNECTED
    assert "--connector NAME" in str(error.remedy)
    assert "enableImplicitAuthMethods" in str(error.remedy)


def test_workload_identity_counts_as_implicit(remote: Store, tmp_path: Path) -> None:
    from tests.spec.test_credentials import external_account

    file = saved(tmp_path / "wif.json", external_account())
    error = refusal(remote, vertex(credentials=f"gcp-workload-identity:{file}"))
    assert isinstance(error, ImplicitAuthDisabled)
    assert "external-account" in str(error.why)


def test_this_machines_impersonation_is_no_use_to_a_server(
    remote: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://x/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"
    login = {"type": "impersonated_service_account", "service_account_impersonation_url": url}
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(saved(tmp_path / "adc", login)))
    error = refusal(remote, vertex(credentials=f"gcp-impersonate:{ACCOUNT}"))
    assert isinstance(error, NotAllowedError)
    assert "on this machine only" in str(error.why)


@pytest.fixture
def open_minded(
    zenml_server_implicit: ZenMLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """A store on a server that allows implicit methods."""
    env = zenml_server_implicit.client_env(tmp_path / "client" / "zenml")
    extra = {key: value for key, value in env.items() if key.startswith("ZENML_")}
    _enter(empty_home(tmp_path / "client", **extra), monkeypatch)
    with quiet():
        yield Store.open()
    _forget_zenml()


def test_each_cloud_finds_out_alone_what_a_server_allows(
    remote: Store,
) -> None:
    types = remote.gateway.connector_types()
    assert {"aws", "gcp", "azure"} <= types
    assert [
        implicit_auth_allowed(remote.gateway, {cloud}) for cloud in ("aws", "gcp", "azure")
    ] == [
        False,
        False,
        False,
    ]


def test_a_server_that_allows_implicit_methods(open_minded: Store) -> None:
    for cloud in ("aws", "gcp", "azure"):
        assert implicit_auth_allowed(open_minded.gateway, {cloud})
    look(open_minded, azureml())
