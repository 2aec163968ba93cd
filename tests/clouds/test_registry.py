"""Every cloud has its entry, which costs no SDK, and what is missing is said in one place."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kitaru_iac
from kitaru_iac.clouds import registry
from kitaru_iac.clouds.azure import provider as azure
from kitaru_iac.errors import KitaruError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.clouds import VOCABULARIES
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.stacks.desired import desired_records

CLOUDS = Path(kitaru_iac.__file__).parent / "clouds"
GUIDE = Path(__file__).parents[2] / "docs" / "contributing" / "add-a-cloud.md"


@pytest.mark.parametrize("cloud", Cloud)
def test_every_cloud_has_an_entry_and_its_words(cloud: Cloud) -> None:
    assert registry.provider(cloud).cloud is cloud
    assert VOCABULARIES[cloud].cloud is cloud
    assert registry.provider(cloud) in list(registry.providers())


def test_entries_import_no_sdk_no_pulumi_and_no_zenml() -> None:
    program = (
        "import json, sys\n"
        "from kitaru_iac.clouds import registry\n"
        "for one in registry.providers():\n"
        "    one.verification and one.verification.catalog()\n"
        "heavy = {'boto3', 'botocore', 'google.cloud', 'azure', 'pulumi', 'zenml', 'kubernetes'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


def test_finding_a_cloud_imports_that_one_alone() -> None:
    program = (
        "import json, sys\n"
        "from kitaru_iac.clouds import registry\n"
        "from kitaru_iac.spec.kinds import Cloud\n"
        "registry.provider(Cloud.GCP)\n"
        "found = [name for name in sys.modules if name.startswith('kitaru_iac.clouds.')]\n"
        "print(json.dumps(sorted({name.split('.')[2] for name in found})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert {"aws", "azure"}.isdisjoint(json.loads(done.stdout))


def test_every_cloud_says_how_one_logs_in() -> None:
    assert {one.cloud: one.log_in for one in registry.providers()} == {
        Cloud.AWS: "aws sso login",
        Cloud.GCP: "gcloud auth application-default login",
        Cloud.AZURE: "az login",
    }


def test_a_provider_of_a_state_is_known_by_its_type() -> None:
    assert registry.provider_behind("pulumi:providers:aws") is registry.provider(Cloud.AWS)
    for cloud, name in ((Cloud.GCP, "gcp"), (Cloud.AZURE, "azure-native")):
        assert registry.provider_behind(f"pulumi:providers:{name}") is registry.provider(cloud)
    for other in ("pulumi:providers:random", "aws", Cloud.AWS.value):
        assert registry.provider_behind(other) is None


def test_a_cloud_that_cannot_be_checked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    unchecked = dataclasses.replace(azure.PROVIDER, verification=None)
    monkeypatch.setattr(azure, "PROVIDER", unchecked)
    with pytest.raises(KitaruError) as caught:
        registry.verification(Cloud.AZURE, what="Permission tables", where="prod")
    error = caught.value
    assert (error.what, error.where) == ("Permission tables exist for AWS and GCP only", "prod")
    assert error.why == "There are none for azure yet"


def test_a_cloud_on_which_nothing_can_be_made_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    unmade = dataclasses.replace(azure.PROVIDER, provisioning=None)
    monkeypatch.setattr(azure, "PROVIDER", unmade)
    with pytest.raises(KitaruError) as caught:
        registry.provisioning(Cloud.AZURE)
    error = caught.value
    assert error.what == "Infrastructure cannot be provisioned on azure yet"
    assert error.why == "It is on AWS and GCP only."


def test_every_catalog_is_its_clouds_own() -> None:
    for one in registry.providers():
        infos = one.verification.catalog() if one.verification else ()
        assert all(info.id.startswith(f"{one.cloud.value}.") for info in infos)


@pytest.mark.parametrize("cloud", Cloud)
def test_the_folders_have_the_files_of_the_guide_and_no_others(cloud: Cloud) -> None:
    """Helpers of one cloud alone are the exceptions, by name."""
    told, _ = _told()
    names = set(re.findall(r"`(\w+\.py|\w+/)`", told))
    for stem, ends in re.findall(r"`(\w+_)\{([\w,]+)\}\.py`", told):
        names |= {f"{stem}{end}.py" for end in ends.split(",")}
    whole = names - {"provision/"}
    parts = ("bucket", "registry", "cluster", "identity", "common")
    names |= {f"{kind}_{part}.py" for kind in ("probes", "verify") for part in parts}
    names |= {"__init__.py", "policies/", "verify_policies.py"}
    # IAM's own languages, and what clusters have beside.
    names |= {
        "simulate.py",
        "decisions.py",
        "principal_policies.py",
        "known_keys.py",
        "trust.py",
        "documents.py",
    }
    names |= {"analyzer.py", "answers.py", "failures.py", "kubernetes_api.py"}
    names |= {"verify_compute.py", "verify_key.py", "verify_pull.py"}
    # What AWS deletes by a rule, what pods have there, by which of two ways, and who reaches them.
    names |= {"verify_addons.py", "verify_endpoint.py", "verify_lifecycle.py", "verify_pods.py"}
    names.add("verify_irsa.py")
    # What of AWS alone begins runs; the connector's trust; regions that have to be switched on.
    names |= {"verify_runs.py", "verify_connector.py", "regions.py"}
    # AzureML's workspaces: no other cloud has one.
    names |= {"probes_workspace.py", "verify_workspace.py"}
    folder = CLOUDS / cloud.value
    found = {path.name + "/" * path.is_dir() for path in folder.iterdir()} - {"__pycache__/"}
    checked = registry.provider(cloud).verification is not None
    wanted = whole if checked else {"provider.py", "records.py"}
    wanted |= {"provision/"} if registry.provider(cloud).provisioning is not None else set()
    assert wanted <= found <= names


@pytest.mark.parametrize("cloud", Cloud)
def test_what_makes_things_has_the_files_of_the_guide_and_no_others(cloud: Cloud) -> None:
    _, told = _told()
    wanted = set(re.findall(r"`(\w+\.py)`", told)) | {"__init__.py"}
    only = {
        # IAM's roles, networks, keys; what AWS tags late or not at all.
        Cloud.AWS: "cluster_access encryption network ownership_parts roles subnets unmarked used",
        # Labels have a language of their own, APIs are switched on, and the connector gets an
        # account.
        Cloud.GCP: "connector labels network roles services",
        # Grants are at scopes; AzureML's workspaces; what Azure would delete without asking.
        Cloud.AZURE: "grants holdings identity kinds workspace",
    }
    own = {f"{name}.py" for name in only[cloud].split()}
    found = {path.name for path in (CLOUDS / cloud.value / "provision").glob("*.py")}
    assert found == wanted | own


def _told() -> tuple[str, str]:
    """The guide's table of files, and what it says of `provision/`."""
    table = GUIDE.read_text().partition("| file |")[2].partition("\n\n")[0]
    rows = table.splitlines()
    (making,) = [row for row in rows if row.startswith("| `provision/`")]
    return "\n".join(row for row in rows if row != making) + "\n`provision/`", making


@pytest.mark.parametrize("store", ["s3://data", "gs://data", "az://data"])
def test_records_come_from_the_cloud_of_the_description(store: str) -> None:
    spec = from_mapping({"name": "dev", "type": "local", "artifact_store": store})
    assert spec.cloud is not None
    assert desired_records(spec) == registry.provider(spec.cloud).desired(spec)
