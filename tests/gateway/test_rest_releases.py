"""The REST reader on a real server of every supported release.

What it costs is the start of the servers: 6 to 9 s of CPU each.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitaru_iac.errors import StackNotFound
from kitaru_iac.gateway.rest import RestReader
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.server_login import Login
from kitaru_iac.machine.store_location import RestStore
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.servers.releases import INSTALLED, OLDER, environment_of, keeps_environment
from tests.servers.zenml import ZenMLServer

PROD = {
    "name": "prod",
    "type": "sagemaker",
    "region": "eu-west-1",
    "artifact_store": "s3://data/runs",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "execution_role": "arn:aws:iam::123456789012:role/runner",
    "credentials": "aws-access-keys:AKIAEXAMPLE000000000:only-an-example-and-not-a-true-key-000000",
    "labels": {"team": "ml"},
    "verify": False,
}
KEYS = {"aws_access_key_id": "AKIA0000000000000001", "aws_secret_access_key": "do-not-show-me"}


def post(server: ZenMLServer, path: str, **document: object) -> str:
    answer = server.request("POST", path, json=document)
    assert answer.ok, answer.text
    made: str = answer.json()["id"]
    return made


def register(server: ZenMLServer, name: str, **more: object) -> str:
    """A stack with a connector, as our own registration writes one."""
    link = {
        "type": "aws",
        "auth_method": "secret-key",
        "configuration": {"region": "eu-west-1", **KEYS},
    }
    bucket = {
        "flavor": "s3",
        "configuration": {"path": f"s3://{name}"},
        "service_connector_index": 0,
        "service_connector_resource_id": f"s3://{name}",
    }
    components = {
        "orchestrator": [{"flavor": "local", "configuration": {}}],
        "artifact_store": [bucket],
    }
    labels = {"kitaru.managed": "true", "team": "ml"}
    return post(
        server,
        "/stacks",
        name=name,
        labels=labels,
        components=components,
        service_connectors=[link],
        **more,
    )


@pytest.fixture
def reader(any_release: ZenMLServer) -> Iterator[RestReader]:
    reading = RestReader(
        RestStore(any_release.url, Login(any_release.token())), Named(None, "global", "x"), {}
    )
    yield reading
    reading.close()


def test_a_stack_is_read_whole(any_release: ZenMLServer, reader: RestReader) -> None:
    made = register(any_release, "dev", description="for trying", environment={"A": "1"})
    release = any_release.request("GET", "/info").json()["version"]
    view = reader.stack("dev")
    assert (view.id, view.name, view.description) == (made, "dev", "for trying")
    assert view.is_managed
    assert view.labels == {"kitaru.managed": "true", "team": "ml"}
    assert set(view.environment) == ({"A"} if keeps_environment(release) else set())
    assert view.secrets == ()
    parts = {part.role_type: part for part in view.components}
    assert set(parts) == {"orchestrator", "artifact_store"}
    bucket = parts["artifact_store"]
    assert (bucket.name, bucket.flavor) == ("dev", "s3")
    assert bucket.configuration["path"] == "s3://dev"
    assert bucket.labels == view.labels
    assert bucket.connector_resource_id == "s3://dev"
    assert (bucket.environment, bucket.secrets) == ({}, ())
    (link,) = view.connectors
    assert (link.id, link.name, link.type) == (bucket.connector_id, "dev", "aws")
    assert (link.auth_method, link.configuration["region"]) == ("secret-key", "eu-west-1")
    assert "s3-bucket" in link.resource_types
    assert "do-not-show-me" not in repr(view)
    assert view.user == "admin"


def test_stacks_are_found_listed_and_counted(any_release: ZenMLServer, reader: RestReader) -> None:
    ids = {name: register(any_release, name) for name in ("dev", "Dev-2", "prod_x")}
    names = [row.name for row in reader.stacks()]
    assert names == ["default", "dev", "Dev-2", "prod_x"]
    assert reader.views(list(reader.stacks())) == [reader.stack(row.id) for row in reader.stacks()]
    assert [row.is_managed for row in reader.stacks()] == [False, True, True, True]
    assert (reader.count(), reader.count("DEV"), reader.count("_")) == (4, 2, 1)
    assert [row.name for row in reader.stacks(name="dev")] == ["dev", "Dev-2"]
    assert [row.name for row in reader.page(2, 3).rows] == ["prod_x"]
    assert reader.page(9, 3).rows == ()
    assert reader.names("d") == ["default", "dev"]
    assert reader.find("dev").id == ids["dev"]
    for prefix in (ids["prod_x"], ids["prod_x"][:13], ids["prod_x"].replace("-", "")[:11]):
        assert reader.find(prefix).name == "prod_x"
    assert reader.active().name == "default"
    with pytest.raises(StackNotFound):
        reader.find("DEV")


#: Asks ZenML's own client, in whichever environment runs it, for all that a stack is.
_ASK = """
import json
from zenml.client import Client

def plain(values):
    return {name: getattr(value, "get_secret_value", lambda: value)()
            for name, value in dict(values).items()}

client = Client()
stack = client.get_stack("prod", allow_name_prefix_match=False)
parts, links = [], {}
for kind, members in stack.components.items():
    for member in members:
        part = client.get_stack_component(kind, member.id)
        links[part.connector.id] = part.connector
        flavor = getattr(part, "flavor_name", part.flavor)
        parts.append([kind.value, part.name, flavor, plain(part.configuration), part.labels,
                      part.connector_resource_id])
(link,) = [client.get_service_connector(id, expand_secrets=True) for id in links]
kind = getattr(link.type, "connector_type", link.type)
secrets = plain(getattr(link, "secrets", {}))
labels = {key: value for key, value in stack.labels.items() if key != "kitaru.applied"}
print(json.dumps({
    "stack": [stack.name, labels],
    "parts": sorted(parts),
    "connector": [link.name, kind, link.auth_method, {**plain(link.configuration), **secrets},
                  link.labels],
}))
"""


@pytest.mark.parametrize("any_release", [OLDER[0], INSTALLED], indirect=True)
def test_zenmls_own_client_reads_what_was_written(
    any_release: ZenMLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in any_release.client_env(tmp_path / "ours").items():
        monkeypatch.setenv(name, value)
    operations.apply(from_mapping(PROD))
    release = any_release.request("GET", "/info").json()["version"]
    done = subprocess.run(
        [str(environment_of(release)), "-c", _ASK],
        env=any_release.client_env(tmp_path / "theirs"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours = {"kitaru.managed": "true"}
    registry, role = PROD["container_registry"], PROD["execution_role"]
    runner = {"execution_role": role, "region": "eu-west-1", "bucket": "data"}
    keys = ("aws-access-keys", "aws_access_key_id", "aws_secret_access_key")
    link = dict(zip(keys, str(PROD["credentials"]).split(":"), strict=True))
    del link["aws-access-keys"]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "stack": ["prod", {**ours, "team": "ml", "kitaru.described": "labels.team"}],
        "parts": [
            ["artifact_store", "prod", "s3", {"path": "s3://data/runs"}, ours, "s3://data"],
            ["container_registry", "prod", "aws", {"uri": registry}, ours, registry],
            ["orchestrator", "prod", "sagemaker", runner, ours, None],
        ],
        "connector": ["prod", "aws", "secret-key", {**link, "region": "eu-west-1"}, ours],
    }
