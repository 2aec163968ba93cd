"""The REST reader on a real server of every supported release.

What it costs is the start of the servers: 6 to 9 s of CPU each.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kitaru_iac.errors import StackNotFound
from kitaru_iac.gateway.rest import RestReader
from kitaru_iac.gateway.versions import has_environment
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.server_login import Login
from kitaru_iac.machine.store_location import RestStore
from tests.servers.zenml import ZenMLServer

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
    assert set(view.environment) == ({"A"} if has_environment(release) else set())
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
