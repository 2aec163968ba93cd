"""Stacks on the oldest server: planned, applied as planned, watched, exported, and gone on with.

They cost what the start of that server takes, which other tests share, and 12 s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.memory import installed
from kitaru_iac.gateway.opening import open_gateway
from kitaru_iac.labels import ASIDE_LABEL, RENAMING_LABEL
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.rename import rename
from tests.cli.conftest import Kitaru
from tests.conftest import _enter, _forget_zenml
from tests.doubles import LoopbackClouds
from tests.homes import Home, empty_home
from tests.servers.releases import OLDER
from tests.servers.zenml import ZenMLServer
from tests.stacks.interrupts import Around
from tests.stacks.page import seed
from tests.stacks.test_export import STACKS
from tests.stacks.test_interrupts import LOCAL, REMOTE, Dead, die, no_undoing

KEY = {
    "type": "service_account",
    "project_id": "team-ml",
    "private_key_id": "one",
    "private_key": "of nobody",
    "client_email": "me@team-ml.iam.gserviceaccount.com",
    "client_id": "1",
    "token_uri": "https://oauth2.googleapis.com/token",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
    "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/me",
}


@pytest.fixture
def old_home(
    any_release: ZenMLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Home]:
    env = any_release.client_env(tmp_path / "client" / "zenml")
    extra = {key: value for key, value in env.items() if key.startswith("ZENML_")}
    client = empty_home(tmp_path / "client", **extra)
    _enter(client, monkeypatch)
    yield client
    _forget_zenml()


def _described(folder: Path) -> dict[str, dict[str, Any]]:
    """A stack of each type on each cloud; the server takes no implicit credentials."""
    key = folder / "key.json"
    key.write_text(json.dumps(KEY))
    key.chmod(0o600)
    google = {**STACKS["vertex"], "credentials": f"gcp-service-account:{key}"}
    clustered = {"type": "kubernetes", "cluster": "one", "namespace": "ml"}
    azure = {k: v for k, v in STACKS["azureml"].items() if k not in ("workspace", "region")}
    gke = {k: v for k, v in google.items() if k != "extra"}
    more = {"vertex": google, "gke": {**gke, **clustered}, "aks": {**azure, **clustered}}
    found = {name: keys for name, keys in STACKS.items() if name != "keyless"} | more
    return {name: {"name": name, "verify": False, **keys} for name, keys in found.items()}


def _written(folder: Path, described: dict[str, dict[str, Any]]) -> str:
    folder.mkdir()
    for name, keys in described.items():
        (folder / f"{name}.yaml").write_text(json.dumps(keys))
    return str(folder)


@pytest.mark.parametrize("any_release", OLDER[:1], indirect=True)
def test_stacks_are_applied_as_planned_and_exported_as_described(
    old_home: Home, kitaru: Kitaru, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = _described(tmp_path)
    stacks, plan = _written(tmp_path / "stacks", described), str(tmp_path / "plan.json")

    seen = kitaru("stack", "preview", "-f", stacks, "--out", plan, "--detailed-exitcode")
    assert seen.code == 2, seen.err + seen.out
    done = kitaru("stack", "apply", "-f", stacks, "--plan", plan, "-o", "json")
    assert done.code == 0, done.err + done.out
    assert {item["name"]: item["status"] for item in done.document["items"]} == dict.fromkeys(
        described, "applied"
    )
    again = kitaru("stack", "preview", "-f", stacks, "--detailed-exitcode")
    assert again.code == 0, again.out
    drift = kitaru("stack", "drift", *described, "--detailed-exitcode")
    assert drift.code == 0, drift.out

    text = kitaru("stack", "export", *described)
    assert text.code == 0, text.err
    (tmp_path / "exported.yaml").write_text(text.out)
    for name, keys in described.items():
        monkeypatch.setenv(f"{name.upper()}_CREDENTIALS", str(keys.get("credentials", "")))
    exported = ("-f", str(tmp_path / "exported.yaml"))
    same = kitaru("stack", "preview", *exported, "--detailed-exitcode", "-o", "json")
    assert same.code == 0, same.err + same.out
    assert len(same.document["item"]["stacks"]) == len(described)


@pytest.mark.parametrize("any_release", OLDER[:1], indirect=True)
def test_connectors_of_google_cloud_and_azure_reach_what_they_are_for(
    old_home: Home,
    empty_clouds: LoopbackClouds,
    cloud_env: dict[str, str],
    kitaru: Kitaru,
    tmp_path: Path,
) -> None:
    seed(empty_clouds)
    gcp, azure = empty_clouds.gcp, empty_clouds.azure
    google = {
        "credentials": f"gcp-service-account:{gcp.credentials_file}",
        "artifact_store": "gs://my-bucket/kitaru",
        "container_registry": "us-central1-docker.pkg.dev/my-project/my-repo",
        "region": "us-central1",
    }
    microsoft = {
        "credentials": f"azure-service-principal:{azure.tenant_id}:{azure.client_id}:"
        f"{azure.client_secret}",
        "artifact_store": "az://my-container/kitaru",
        "container_registry": "demo.azurecr.io",
        "subscription_id": azure.subscription_id,
        "resource_group": "ml-platform",
    }
    clustered = {"type": "kubernetes", "cluster": "prod-cluster"}
    described: dict[str, dict[str, Any]] = {
        "vertex": {"type": "vertex", **google},
        "gke": {**clustered, **google},
        "azureml": {"type": "azureml", "workspace": "team-ml", "region": "westeurope", **microsoft},
        "aks": {**clustered, **microsoft},
    }
    named = {name: {"name": name, **keys} for name, keys in described.items()}
    done = kitaru(
        "stack", "apply", "-f", _written(tmp_path / "stacks", named), "--yes", "-o", "json"
    )
    assert done.code == 0, done.err + done.out

    for name in described:
        verified = kitaru("stack", "verify", name, "-o", "json").document["item"]["results"]
        told = {check["id"].partition(".")[2]: check["status"] for check in verified}
        looked_at = {part for part in told if part.endswith(".exists")} - {"workload.exists"}
        assert len(looked_at) == (2 if name == "vertex" else 3)
        assert {told[check] for check in ("credentials", *looked_at)} == {"ok"}, told


@pytest.mark.parametrize("any_release", OLDER[:1], indirect=True)
def test_what_died_in_its_middle_is_known_by_its_labels(
    old_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway: Any = open_gateway()
    local = from_mapping(LOCAL)

    def marked(label: str) -> list[str]:
        looks = (gateway.stacks, gateway.components, gateway.connectors)
        return [doc.labels[label] for look in looks for doc in look(Where()) if label in doc.labels]

    with installed(gateway):
        operations.apply(from_mapping(REMOTE))
    dying: Any = Around(gateway, 5, after=True, strike=die)
    with no_undoing(monkeypatch), installed(dying), pytest.raises(Dead):
        operations.apply(local)
    assert marked(ASIDE_LABEL) == ["dev"] * 5
    with installed(gateway):
        operations.apply(local)
    assert marked(ASIDE_LABEL) == []
    dying = Around(gateway, 1, after=True, strike=die)
    with no_undoing(monkeypatch), installed(dying), pytest.raises(Dead):
        rename("dev", "new")
    assert marked(RENAMING_LABEL) == ["new"]
    with installed(gateway):
        rename("dev", "new")
        assert marked(RENAMING_LABEL) == []
        assert not operations.preview(from_mapping({**LOCAL, "name": "new"})).has_changes
