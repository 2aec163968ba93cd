"""The real ZenML server of the tests: up, open to its key, and as good as new after a reset."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.servers.process import ChildProcess, StartError, clean_environment
from tests.servers.zenml import ZenMLServer

pytest_plugins = ["tests.servers.fixtures"]


def log_in(server: ZenMLServer, key: str) -> requests.Response:
    form = {"grant_type": "zenml-api-key", "password": key}
    return requests.post(f"{server.url}/api/v1/login", data=form, timeout=30)


def test_the_key_logs_in_and_another_does_not(zenml_server: ZenMLServer) -> None:
    assert log_in(zenml_server, zenml_server.api_key).json()["access_token"]
    content = json.loads(base64.b64decode(zenml_server.api_key.removeprefix("ZENKEY_")))
    wrong = base64.b64encode(json.dumps(content | {"key": "0" * 64}).encode()).decode()
    assert log_in(zenml_server, f"ZENKEY_{wrong}").status_code == 401


def test_a_client_process_uses_the_server(zenml_server: ZenMLServer, tmp_path: Path) -> None:
    program = (
        "from zenml.client import Client\n"
        "client = Client()\n"
        "print(client.zen_store.type, [stack.name for stack in client.list_stacks()])\n"
    )
    env = clean_environment(tmp_path / "home") | zenml_server.client_env(tmp_path / "config")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "rest ['default']" in done.stdout


def test_reset_leaves_the_defaults_only(zenml_server: ZenMLServer) -> None:
    stack = {
        "name": "dev",
        "components": {
            kind: [{"flavor": "local", "configuration": {}}]
            for kind in ("orchestrator", "artifact_store")
        },
        "labels": {},
    }
    assert zenml_server.request("POST", "/stacks", json=stack).ok
    connector = {
        "name": "dev",
        "connector_type": "aws",
        "auth_method": "secret-key",
        "resource_types": ["s3-bucket"],
        "configuration": {
            "region": "eu-west-1",
            "aws_access_key_id": "AKIALOOPBACK00000000",
            "aws_secret_access_key": "secret",
        },
    }
    assert zenml_server.request("POST", "/service_connectors", json=connector).ok
    secret = {"name": "dev", "values": {"a": "b"}, "private": False}
    assert zenml_server.request("POST", "/secrets", json=secret).ok

    zenml_server.reset()

    names = {
        path: {item["name"] for item in zenml_server.items(path)}
        for path in ("/stacks", "/components", "/service_connectors", "/secrets")
    }
    assert names == {
        "/stacks": {"default"},
        "/components": {"default"},
        "/service_connectors": set(),
        "/secrets": set(),
    }


def test_a_failed_start_shows_the_log(tmp_path: Path) -> None:
    child = ChildProcess("The child", tmp_path / "child.log")
    program = "import sys; print('no database here'); sys.exit(3)"
    child.start([sys.executable, "-c", program], clean_environment(tmp_path / "home"))
    with pytest.raises(StartError, match=r"ended with code 3[\s\S]*no database here"):
        child.wait_until(lambda: False, timeout=30)
