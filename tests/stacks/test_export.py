"""Export, then preview: nothing to do; of every kind of stack, and without a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitaru_iac.gateway.documents import ComponentChange, Where
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.plan.model import Action
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.export import export
from tests.cli.conftest import Kitaru
from tests.homes import Home
from tests.stacks.test_many import take_label_off
from tests.stacks.test_planning import ECR, SECRET

KEYS = f"aws-access-keys:AKIAFIRST00000000001:{SECRET}"
TENANT = "00000000-0000-0000-0000-0000000000aa"
AWS = {"region": "eu-west-1", "artifact_store": "s3://data/a", "credentials": KEYS}
SAGEMAKER = {
    **AWS,
    "type": "sagemaker",
    "container_registry": ECR,
    "execution_role": "arn:aws:iam::123456789012:role/One",
}
STACKS: dict[str, dict[str, Any]] = {
    "local": {"type": "local"},
    "labelled": {
        "type": "local",
        "labels": {"team": "search", "cost/centre": "7"},
        "description": "For search: agents.",
        "ignore_changes": ["orchestrator.timeout", "labels.cost/centre"],
    },
    "folder": {"type": "local", "artifact_store": "/srv/kitaru"},
    "bucket": {"type": "local", **AWS},
    "eks": {
        **AWS,
        "type": "kubernetes",
        "container_registry": f"{ECR}/team",
        "cluster": "one",
        "namespace": "ml",
        "async": True,
        "extra": {
            "orchestrator": {"timeout": 7, "pod_settings": {"labels": {"team": "ml"}}},
        },
    },
    "ghcr": {
        **AWS,
        "type": "kubernetes",
        "container_registry": "ghcr.io/me",
        "cluster": "one",
    },
    "sagemaker": {**SAGEMAKER, "extra": {"orchestrator": {"tags": {"a": "b"}}}},
    "vertex": {
        "type": "vertex",
        "artifact_store": "gs://data/a",
        "container_registry": "us-central1-docker.pkg.dev/my-project/my-repo",
        "region": "us-central1",
        "async": True,
        "extra": {"orchestrator": {"pipeline_root": "gs://data/root"}},
    },
    "azureml": {
        "type": "azureml",
        "artifact_store": "az://container/a",
        "container_registry": "registry.azurecr.io",
        "subscription_id": TENANT,
        "resource_group": "one",
        "workspace": "team-ml",
        "region": "westeurope",
        "credentials": f"azure-service-principal:{TENANT}:{TENANT}:{SECRET}",
    },
    "keyless": {**{k: v for k, v in SAGEMAKER.items() if k != "credentials"}},
}


def test_each_kind_exported_is_as_described(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with quiet():
        for name, keys in STACKS.items():
            given = {"name": name, "verify": False, "activate": False, **keys}
            operations.apply(from_mapping(given))
    wrong = {}
    for name, keys in STACKS.items():
        found = export(name)
        assert SECRET not in json.dumps(found.to_dict())
        credentials = found.keys.get("credentials")
        if "credentials" in keys:
            variable = f"{name.upper()}_CREDENTIALS"
            assert credentials == f"env:{variable}"
            monkeypatch.setenv(variable, keys["credentials"])
            assert variable in found.comments[0]
            more = found.comments[1:]
        else:
            assert credentials is None
            more = found.comments
        with quiet():
            plan = operations.preview(from_mapping(found.keys))
        if plan.has_changes or more:
            wrong[name] = (found, [step for step in plan.steps if step.action is not Action.KEEP])
    assert not wrong


def test_the_command_writes_a_file_that_apply_takes(
    home: Home, kitaru: Kitaru, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        assert kitaru("stack", "create", name).code == 0
    text = kitaru("stack", "export", "one", "two")
    assert list(yaml.safe_load_all(text.out)) == [
        {"name": "one", "type": "local", "activate": False},
        {"name": "two", "type": "local"},
    ]
    file = tmp_path / "stacks.yaml"
    file.write_text(text.out)
    done = kitaru("stack", "preview", "-f", str(file), "--detailed-exitcode")
    assert done.code == 0, done.out
    assert kitaru("stack", "export", "one", "-o", "json").document["items"] == [
        {
            "name": "one",
            "description": {"name": "one", "type": "local", "activate": False},
            "comments": [],
        }
    ]
    missing = kitaru("stack", "export", "none", "-o", "json")
    assert (missing.code, missing.error["code"]) == (4, "stack_not_found")


def test_what_no_description_says_is_told(home: Home, kitaru: Kitaru) -> None:
    assert kitaru("stack", "create", "theirs", "--no-activate").code == 0
    with quiet():
        gateway = Store.open().gateway
        take_label_off(gateway, "theirs")
        (part,) = [
            c for c in gateway.components(Where(names=("theirs",))) if c.type == "orchestrator"
        ]
        gateway.update_component(part.id, ComponentChange(name="renamed\nname: evil"))
    text = kitaru("stack", "export", "theirs").out
    assert yaml.safe_load(text) == {"name": "theirs", "type": "local", "activate": False}
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert any("Kitaru did not make this stack" in line for line in comments)
    assert any("orchestrator" in line for line in comments)
