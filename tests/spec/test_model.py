from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import (
    AzuremlSpec,
    Cloud,
    Credentials,
    EcrUri,
    Extra,
    InfraMode,
    KubernetesSpec,
    LocalSpec,
    ResourceMode,
    S3Uri,
    SagemakerSpec,
    StackType,
    VertexSpec,
    from_mapping,
    load,
    to_mapping,
)
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.model import SPEC_CLASSES
from kitaru_iac.values import fields
from tests.spec.bad_inputs import AKS, AZUREML, GKE, GOOD, KUBERNETES, SAGEMAKER, SECRET, VERTEX


def made(base, **more):
    return from_mapping({"name": "prod", **base, **more})


@pytest.mark.parametrize(
    ("base", "model", "cloud"),
    [
        ("local", LocalSpec, None),
        ("local-s3", LocalSpec, Cloud.AWS),
        ("kubernetes", KubernetesSpec, Cloud.AWS),
        ("gke", KubernetesSpec, Cloud.GCP),
        ("aks", KubernetesSpec, Cloud.AZURE),
        ("vertex", VertexSpec, Cloud.GCP),
        ("sagemaker", SagemakerSpec, Cloud.AWS),
        ("azureml", AzuremlSpec, Cloud.AZURE),
    ],
)
def test_each_type_has_its_model_and_its_cloud(base, model, cloud):
    spec = made(GOOD[base])
    assert type(spec) is model
    assert spec.cloud is cloud
    assert spec.verify
    assert spec.activate
    assert not spec.async_
    assert spec.infra is InfraMode.NONE
    assert from_mapping(to_mapping(spec)) == spec


def test_every_key_is_a_field_of_the_types_that_have_it():
    for type_, model in SPEC_CLASSES.items():
        own = {one.name for one in fields(model)}
        assert {info.attribute for info in FIELDS.values() if type_ in info.types} <= own
        assert own <= {info.attribute for info in FIELDS.values()}


def test_values_are_parsed():
    spec = made(KUBERNETES, namespace="ml", credentials="aws-profile:prod")
    assert spec.artifact_store == S3Uri("my-bucket", "kitaru")
    assert isinstance(spec.container_registry, EcrUri)
    assert isinstance(spec.credentials, Credentials)
    assert (spec.cluster, spec.namespace, spec.region) == ("prod-cluster", "ml", "eu-west-1")


def test_a_model_checks_itself():
    spec = KubernetesSpec(name="prod", **{k: v for k, v in KUBERNETES.items() if k != "type"})
    assert spec == made(KUBERNETES)
    assert (
        KubernetesSpec(
            name="prod",
            artifact_store=spec.artifact_store,
            container_registry=spec.container_registry,
            cluster="prod-cluster",
            region="eu-west-1",
            async_=False,
        )
        == spec
    )
    with pytest.raises(DescriptionError) as caught:
        KubernetesSpec(name="a/b", artifact_store="/data")
    assert len(caught.value.problems) >= 3
    with pytest.raises(DescriptionError, match="VertexSpec is of type vertex"):
        VertexSpec(name="prod", type="kubernetes")


def test_a_description_does_not_change():
    spec = made(VERTEX)
    for name in ("region", "other"):
        with pytest.raises(FrozenInstanceError):
            setattr(spec, name, "us-east1")
    changed = spec.having(region="us-east1")
    assert (spec.region, changed.region) == (VERTEX["region"], "us-east1")
    assert type(changed) is VertexSpec
    assert changed != spec
    assert changed.having(region=VERTEX["region"]) == spec
    assert copy.deepcopy(spec) == spec


def test_its_attributes_are_not_those_of_another_type():
    assert LocalSpec(name="dev") == from_mapping({"name": "dev"})
    assert not hasattr(LocalSpec(name="dev"), "cluster")
    with pytest.raises(TypeError, match="'cluster'"):
        LocalSpec(name="dev").having(cluster="c")
    with pytest.raises(DescriptionError, match="cluster"):
        LocalSpec(name="dev", cluster="c")


def test_problems_of_a_program_name_keys():
    with pytest.raises(DescriptionError) as caught:
        from_mapping({"name": "prod", "type": "vertex", "cluster": "c"})
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["cluster", "artifact_store", "container_registry", "region"]
    assert all(problem.source is None for problem in caught.value.problems)
    with pytest.raises(DescriptionError):
        from_mapping([])
    with pytest.raises(DescriptionError, match="no command"):
        made(KUBERNETES, credentials="-")


def test_a_region_is_needed_unless_a_connector_knows_it():
    store = {"artifact_store": "s3://my-bucket"}
    assert made(store, connector="shared").region is None
    assert made({"artifact_store": "gs://my-bucket"}, connector="shared").project is None
    assert made({"artifact_store": "gs://my-bucket"}, project="my-project").gcp_project == (
        "my-project"
    )
    assert made(GKE, container_registry="ghcr.io/me", connector="shared").project is None
    assert made({"artifact_store": "az://box"}).cloud is Cloud.AZURE


def test_the_project_is_that_of_the_registry():
    assert made(VERTEX).gcp_project == "my-project"
    assert made(VERTEX, project="my-project").project == "my-project"


def test_a_zone_is_a_gke_cluster_s_place():
    assert made(GKE, region="europe-west1-b").region == "europe-west1-b"


def test_other_registries_for_kubernetes_and_azureml():
    assert made(KUBERNETES, container_registry="docker.io/me").cloud is Cloud.AWS
    assert made(AZUREML, container_registry="ghcr.io/me").cloud is Cloud.AZURE


def test_accounts_of_registry_and_role_may_differ():
    role = "arn:aws:iam::999999999999:role/x"
    assert made(SAGEMAKER, execution_role=role).execution_role == role


@pytest.mark.parametrize(
    ("mapping", "cloud"),
    [
        ({"type": "sagemaker", "region": "eu-west-1"}, Cloud.AWS),
        ({"type": "vertex", "region": "us-central1", "project": "my-project"}, Cloud.GCP),
        ({"type": "kubernetes", "region": "eu-west-1"}, Cloud.AWS),
        ({"type": "kubernetes", "region": "us-central1", "project": "my-project"}, Cloud.GCP),
        (
            {
                "type": "kubernetes",
                "subscription_id": AKS["subscription_id"],
                "resource_group": "ml",
            },
            Cloud.AZURE,
        ),
        (
            {
                "type": "azureml",
                "subscription_id": AKS["subscription_id"],
                "resource_group": "ml",
            },
            Cloud.AZURE,
        ),
    ],
)
def test_provisioned_resources_may_be_left_out(mapping, cloud):
    spec = made(mapping, infra="provision")
    assert spec.cloud is cloud
    assert spec.artifact_store is None
    assert spec.container_registry is None
    assert from_mapping(to_mapping(spec)) == spec


def test_resources():
    spec = made(VERTEX, infra="verify", resources={"bucket": "existing", "registry": "skip"})
    assert spec.resources == {"bucket": ResourceMode.EXISTING, "registry": ResourceMode.SKIP}


def test_async_reaches_the_orchestrator():
    spec = made(VERTEX, **{"async": True})
    assert spec.extra.orchestrator == {"synchronous": False}
    assert to_mapping(spec)["async"] is True
    assert "extra" not in to_mapping(spec)
    assert from_mapping(to_mapping(spec)) == spec


def test_an_explicit_synchronous_wins_over_async():
    explicit = {"orchestrator": {"synchronous": True}}
    spec = made(VERTEX, **{"async": True, "extra": explicit})
    assert spec.extra == Extra(orchestrator={"synchronous": True})
    assert from_mapping(to_mapping(spec)) == spec
    assert explicit == {"orchestrator": {"synchronous": True}}


def test_async_false_says_nothing_on_a_local_stack():
    assert not made({}, **{"async": False}).async_


def test_secrets_are_left_out_unless_asked_for():
    text = f"aws-access-keys:AKIAEXAMPLE:{SECRET}"
    spec = made(KUBERNETES, credentials=text)
    assert SECRET not in repr(spec)
    assert SECRET not in str(spec)
    assert "credentials" not in to_mapping(spec)
    assert to_mapping(spec, include_secrets=True)["credentials"] == text
    assert from_mapping(to_mapping(spec, include_secrets=True)) == spec


@pytest.mark.parametrize(
    ("base", "text"),
    [
        (KUBERNETES, "implicit"),
        (KUBERNETES, "aws-profile:prod"),
        (KUBERNETES, "aws-session-token:K:S:T"),
        (KUBERNETES, "aws-role:arn:aws:iam::123456789012:role/x"),
        (AZUREML, "azure-managed-identity"),
        (
            AZUREML,
            f"azure-service-principal:{AKS['subscription_id']}:{AKS['subscription_id']}:s:e:c",
        ),
    ],
)
def test_credentials_are_written_as_they_were_read(base, text):
    spec = made(base, credentials=text)
    assert to_mapping(spec, include_secrets=True)["credentials"] == text


def test_mappings_are_plain_data():
    spec = made(SAGEMAKER, infra="verify", resources={"role": "skip"}, activate=False)
    mapping = to_mapping(spec)
    assert list(mapping) == [key for key in FIELDS if key in mapping]
    assert {type(value) for value in mapping.values()} <= {str, bool, dict}
    assert type(mapping["resources"]["role"]) is str


def test_the_type_is_local_unless_given():
    assert load({"name": "dev", "type": None}).type is StackType.LOCAL


def test_defaults_are_passed_over_where_they_do_not_fit():
    defaults = {"infra": "verify", "region": "eu-west-1", "cluster": "c", "stack": "x"}
    assert load({"name": "dev"}, defaults=defaults).infra is InfraMode.NONE
    spec = load({"name": "prod", **SAGEMAKER, "region": None}, defaults=defaults)
    assert (spec.infra, spec.region) == (InfraMode.VERIFY, "eu-west-1")
    assert load({"name": "prod", **SAGEMAKER, "infra": "none"}, defaults=defaults).infra is (
        InfraMode.NONE
    )
    with pytest.raises(DescriptionError) as caught:
        load({"name": "prod", **SAGEMAKER}, defaults={"infra": "verfy"})
    assert caught.value.problems[0].source == "[tool.kitaru] infra"


def test_the_package_costs_nothing_until_it_is_used():
    code = (
        "import sys, kitaru_iac.spec\n"
        "heavy = {'pydantic', 'yaml', 'zenml', 'pulumi', 'boto3', 'google.cloud', 'azure'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "from kitaru_iac.spec import StackType, parse_artifact_store, suggest, load\n"
        "load({'name': 'dev'})\n"
        "assert 'pydantic' not in sys.modules\n"
        "import kitaru_iac.spec.suggest\n"
        "assert not {'zenml', 'pulumi', 'boto3'} & set(sys.modules)\n"
        "assert callable(load) and callable(kitaru_iac.spec.suggest)\n"
        "assert not set(kitaru_iac.spec.__all__) - set(dir(kitaru_iac.spec))\n"
        "for name in kitaru_iac.spec.__all__: getattr(kitaru_iac.spec, name)\n"
        "try: kitaru_iac.spec.nothing\n"
        "except AttributeError: pass\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
