from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from kitaru_iac.errors import KitaruError
from kitaru_iac.infrastructure.verify import catalog, policy, verify
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import Cloud

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


def test_a_missing_sdk_is_one_line_with_the_command_that_brings_it() -> None:
    shown = _python(
        f"""
        import sys
        sys.modules["boto3"] = None  # as if it were not installed
        from kitaru_iac.errors import MissingPackages
        from kitaru_iac.spec import from_mapping
        from kitaru_iac.infrastructure.verify import policy, verify
        spec = from_mapping({SAGEMAKER!r})
        try:
            verify(spec)
        except MissingPackages as error:
            print(error.remedy)
        print(sorted(policy(spec)["policies"]))  # needs no SDK
        """
    )
    assert shown.splitlines() == [
        "pip install 'kitaru-iac[aws]'",
        "['connector', 'pull', 'runtime', 'verify']",
    ]


@pytest.mark.parametrize("ask", [verify, policy])
def test_other_clouds_are_refused_in_words(ask: object) -> None:
    with pytest.raises(KitaruError, match="AWS and Azure only") as caught:
        ask(from_mapping(VERTEX))  # type: ignore[operator]
    assert "--infra none" in (caught.value.remedy or "")


def test_the_policies_of_a_stack_on_this_machine_are_none() -> None:
    assert policy(from_mapping({"name": "dev", "type": "local"}))["policies"] == {}


def test_ids_in_the_catalog_are_unique_and_described() -> None:
    infos = catalog()
    assert len({info.id for info in infos}) == len(infos)
    for info in infos:
        assert info.id.split(".")[0] in set(Cloud)
        assert info.title
        assert info.text.endswith(".")
        assert info.docs
        assert info.docs.startswith(
            ("https://docs.aws.amazon.com/", "https://learn.microsoft.com/")
        )
