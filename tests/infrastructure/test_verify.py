from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

from kitaru_iac.checks.model import Check, CheckInfo, ok
from kitaru_iac.checks.probes import Probe
from kitaru_iac.clouds import registry
from kitaru_iac.clouds.azure import provider as azure
from kitaru_iac.errors import KitaruError
from kitaru_iac.infrastructure.verify import catalog, policy, verify
from kitaru_iac.spec import from_mapping

SAGEMAKER = {
    "name": "prod",
    "type": "sagemaker",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "region": "eu-west-1",
    "execution_role": "arn:aws:iam::123456789012:role/Exec",
}
VERTEX = {
    "name": "prod",
    "type": "vertex",
    "artifact_store": "gs://my-bucket/kitaru",
    "container_registry": "us-central1-docker.pkg.dev/my-project/my-repo",
    "region": "us-central1",
}

AZUREML = {
    "name": "prod",
    "type": "azureml",
    "artifact_store": "az://container",
    "container_registry": "registry.azurecr.io",
    "subscription_id": "00000000-0000-0000-0000-000000000001",
    "resource_group": "team",
    "workspace": "mlops",
    "region": "westeurope",
}
KUBERNETES = "https://kubernetes.io/docs/"
DOCS = {
    "aws": "https://docs.aws.amazon.com/",
    "gcp": "https://cloud.google.com/",
    "azure": "https://learn.microsoft.com/",
}


def _python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_stack_on_this_machine_has_nothing_to_check_and_imports_no_cloud() -> None:
    shown = _python(
        """
        import sys
        from kitaru_iac.spec import from_mapping
        from kitaru_iac.infrastructure.verify import catalog, verify
        report = verify(from_mapping({"name": "dev", "type": "local"}))
        assert catalog()
        heavy = {"boto3", "botocore", "google.cloud", "azure", "pulumi", "zenml"} & set(sys.modules)
        print(len(report.results), report.worst, sorted(heavy))
        """
    )
    assert shown.strip() == "0 None []"


@pytest.mark.parametrize(
    ("package", "cloud", "spec"),
    [("boto3", "aws", SAGEMAKER), ("google.cloud.storage", "gcp", VERTEX)],
)
def test_a_missing_sdk_is_one_line_with_the_command_that_brings_it(
    package: str, cloud: str, spec: object
) -> None:
    shown = _python(
        f"""
        import sys
        sys.modules["{package}"] = None  # as if it were not installed
        from kitaru_iac.errors import MissingPackages
        from kitaru_iac.spec import from_mapping
        from kitaru_iac.infrastructure.verify import policy, verify
        spec = from_mapping({spec!r})
        try:
            verify(spec)
        except MissingPackages as error:
            print(error.remedy)
        print(sorted(policy(spec)["policies"]))  # needs no SDK
        """
    )
    assert shown.splitlines() == [
        f"pip install 'kitaru-iac[{cloud}]'",
        "['connector', 'pull', 'runtime', 'verify']",
    ]


@pytest.mark.parametrize("ask", [verify, policy])
def test_a_cloud_without_checks_is_refused_in_words(
    ask: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    unchecked = dataclasses.replace(azure.PROVIDER, verification=None)
    monkeypatch.setattr(azure, "PROVIDER", unchecked)
    with pytest.raises(KitaruError, match="AWS and GCP only") as caught:
        ask(from_mapping(AZUREML))  # type: ignore[operator]
    assert "--infra none" in (caught.value.remedy or "")


def test_the_policies_of_a_stack_on_this_machine_are_none() -> None:
    assert policy(from_mapping({"name": "dev", "type": "local"}))["policies"] == {}


def test_ids_in_the_catalog_are_unique_and_described() -> None:
    infos = catalog()
    assert len({info.id for info in infos}) == len(infos)
    for info in infos:
        assert info.title
        assert info.text.endswith(".")
        assert info.docs
        cloud = info.id.partition(".")[0]
        assert info.docs.startswith((DOCS[cloud], KUBERNETES))


def test_a_bug_shows_neither_the_description_s_secret_nor_this_machine_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, machine = "unmarked/key/of/the/description", "unmarked-passphrase"
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", machine)

    def ask() -> None:
        raise RuntimeError(f"{own} and {machine}")

    wrong = Check(CheckInfo("x.y", "t", "t"), "s", Probe("p", ask), lambda _: ok("fine"))
    cloud = SimpleNamespace(checks=lambda *_, **__: [wrong])
    monkeypatch.setattr(registry, "verification", lambda *_, **__: cloud)
    keys = f"aws-access-keys:AKIAIOSFODNN7EXAMPLE:{own}"
    (found,) = verify(from_mapping({**SAGEMAKER, "credentials": keys})).results
    assert found.why.endswith("p itself failed: RuntimeError: (secret) and (secret)")
