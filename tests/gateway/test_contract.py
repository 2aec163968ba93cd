"""One contract for every adapter: what a store holds and does through the gateway.

The store in memory has to behave as ZenML does, or tests on it would show nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from kitaru_iac.errors import AlreadyExistsError, KitaruError, NotFoundError
from kitaru_iac.gateway import rest_documents, zenml_models
from kitaru_iac.gateway.documents import (
    ComponentChange,
    ConnectorChange,
    NewComponent,
    NewConnector,
    NewStack,
    ResourceRef,
    StackChange,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.local_gateway import LocalGateway
from kitaru_iac.gateway.memory import MemoryGateway
from kitaru_iac.gateway.opening import open_gateway
from kitaru_iac.gateway.rest_gateway import RestGateway
from kitaru_iac.redaction import SecretText
from tests.servers.fixtures import release_server
from tests.servers.releases import RELEASES

KEYS = {"aws_access_key_id": SecretText("AKIA1"), "aws_secret_access_key": SecretText("unsaid")}


SERVED = [pytest.param(release, marks=pytest.mark.server) for release in RELEASES]


@pytest.fixture(params=["memory", "local", "sqlite", "server", *SERVED])
def gateway(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """Every adapter; the one over REST on a server of each release."""
    if request.param == "memory":
        yield MemoryGateway()
    elif request.param == "local":
        request.getfixturevalue("home")
        local = open_gateway()
        assert isinstance(local, LocalGateway)
        yield local
    elif request.param == "sqlite":
        request.getfixturevalue("home")
        yield InProcess.open()
    elif request.param == "server":
        request.getfixturevalue("server_home")
        yield InProcess.open()
    else:
        server = release_server(request, request.param)
        for name, value in server.client_env(tmp_path).items():
            monkeypatch.setenv(name, value)
        opened = open_gateway()
        assert isinstance(opened, RestGateway)
        assert opened.version == request.param
        yield opened
        opened.close()
        server.reset()


def connector(name: str = "link", **more: object) -> NewConnector:
    given = {
        "configuration": {"region": "eu-west-1"},
        "secrets": KEYS,
        "labels": {"team": "ml"},
        **more,
    }
    return NewConnector(name, "aws", "secret-key", **given)


def bucket(name: str = "s", **more: object) -> NewComponent:
    given = {"configuration": {"path": "s3://data"}, **more}
    return NewComponent("artifact_store", name, "s3", **given)


def stack(gateway: Gateway, name: str = "s", **labels: str) -> StackDoc:
    members = {
        "orchestrator": (NewComponent("orchestrator", name, "local"),),
        "artifact_store": (bucket(name),),
    }
    return gateway.create_stack(NewStack(name, labels, members))


# -- stacks ----------------------------------------------------------------------------------------


def test_a_stack_comes_with_its_components_which_get_its_labels_and_connector(
    gateway: Gateway,
) -> None:
    link = gateway.create_connector(connector())
    made = gateway.create_stack(
        NewStack(
            "s",
            {"team": "ml"},
            {
                "orchestrator": (NewComponent("orchestrator", "s", "local"),),
                "artifact_store": (
                    bucket(connector_id=link.id, connector_resource_id="s3://data"),
                ),
            },
        )
    )
    (found,) = gateway.stacks(Where(names=("s",)))
    assert found == made
    assert {kind: [m.name for m in of] for kind, of in found.members.items()} == {
        "orchestrator": ["s"],
        "artifact_store": ["s"],
    }
    parts = {c.type: c for c in gateway.components(Where(in_stack=made.id))}
    assert parts["artifact_store"].labels == parts["orchestrator"].labels == {"team": "ml"}
    assert parts["artifact_store"].connector_id == link.id
    assert parts["artifact_store"].connector_resource_id == "s3://data"
    assert parts["artifact_store"].configuration["path"] == "s3://data"
    assert parts["orchestrator"].connector_id is None
    assert found.holds(parts["orchestrator"].id)
    assert not found.holds(str(uuid4()))


def test_a_name_is_taken_once(gateway: Gateway) -> None:
    stack(gateway)
    with pytest.raises(AlreadyExistsError):
        stack(gateway)
    gateway.create_connector(connector())
    with pytest.raises(AlreadyExistsError):
        gateway.create_connector(connector())
    gateway.create_component(bucket("mine"))
    with pytest.raises(AlreadyExistsError):
        gateway.create_component(bucket("mine"))
    gateway.create_component(NewComponent("image_builder", "mine", "local"))


def test_a_refused_stack_leaves_no_component(gateway: Gateway) -> None:
    stack(gateway)
    before = {c.id for c in gateway.components(Where())}
    with pytest.raises(AlreadyExistsError):
        stack(gateway)
    assert {c.id for c in gateway.components(Where())} == before


def test_a_component_whose_name_is_taken_gets_a_suffix(gateway: Gateway) -> None:
    gateway.create_component(bucket("s"))
    made = stack(gateway)
    (member,) = made.members["artifact_store"]
    assert member.name.startswith("s-")


def test_a_stack_may_take_components_that_exist(gateway: Gateway) -> None:
    mine = gateway.create_component(bucket("mine", labels={"own": "yes"}))
    made = gateway.create_stack(
        NewStack(
            "s",
            {"team": "ml"},
            {
                "orchestrator": (NewComponent("orchestrator", "s", "local"),),
                "artifact_store": (mine.id,),
            },
        )
    )
    assert [m.id for m in made.members["artifact_store"]] == [mine.id]
    (still,) = gateway.components(Where(ids=(mine.id,)))
    assert (still.name, still.labels) == ("mine", {"own": "yes"})


def test_a_stack_changes_only_where_it_is_told_to(gateway: Gateway) -> None:
    made = stack(gateway, team="ml", cost="high")
    gateway.update_stack(made.id, StackChange(name="t"))
    (renamed,) = gateway.stacks(Where(ids=(made.id,)))
    assert (renamed.name, renamed.labels) == ("t", {"team": "ml", "cost": "high"})
    assert {k: [m.id for m in of] for k, of in renamed.members.items()} == {
        k: [m.id for m in of] for k, of in made.members.items()
    }
    gateway.update_stack(made.id, StackChange(labels={"team": "it"}, description="For search."))
    (told,) = gateway.stacks(Where(ids=(made.id,)))
    assert (renamed.description, told.description) == ("", "For search.")
    other = gateway.create_component(bucket("other"))
    members = {k: tuple(m.id for m in of) for k, of in made.members.items()}
    members["artifact_store"] = (other.id,)
    gateway.update_stack(made.id, StackChange(members=members))
    (changed,) = gateway.stacks(Where(names=("t",)))
    assert (changed.labels, changed.description) == ({"team": "it"}, "For search.")
    gateway.update_stack(made.id, StackChange(description=""))
    assert gateway.stacks(Where(ids=(made.id,)))[0].description == ""
    members = {kind: tuple(m.id for m in of) for kind, of in changed.members.items()}
    new = gateway.create_stack(NewStack("u", {}, members, "Of the same parts."))
    assert new.description == "Of the same parts."
    assert gateway.stacks(Where(ids=(new.id,)))[0].description == "Of the same parts."
    assert [m.id for m in changed.members["artifact_store"]] == [other.id]
    assert changed.updated >= made.updated


# -- components ------------------------------------------------------------------------------------


def test_a_component_changes_only_where_it_is_told_to(gateway: Gateway) -> None:
    link = gateway.create_connector(connector())
    made = gateway.create_component(
        bucket(labels={"a": "1"}, connector_id=link.id, connector_resource_id="s3://data")
    )

    def now() -> object:
        (doc,) = gateway.components(Where(ids=(made.id,)))
        path = doc.configuration["path"]
        return doc.name, path, doc.labels, doc.connector_id, doc.connector_resource_id

    gateway.update_component(made.id, ComponentChange(labels={"b": "2"}))
    assert now() == ("s", "s3://data", {"b": "2"}, link.id, "s3://data")
    gateway.update_component(made.id, ComponentChange(name="t"))
    assert now() == ("t", "s3://data", {"b": "2"}, link.id, "s3://data")
    gateway.update_component(made.id, ComponentChange(configuration={"path": "s3://other"}))
    assert now() == ("t", "s3://other", {"b": "2"}, link.id, "s3://data")
    gateway.update_component(
        made.id, ComponentChange(connector_id=None, connector_resource_id=None)
    )
    assert now() == ("t", "s3://other", {"b": "2"}, None, None)


# -- connectors ------------------------------------------------------------------------------------


def test_a_connector_s_secrets_come_only_when_they_are_asked_for(gateway: Gateway) -> None:
    made = gateway.create_connector(connector())
    (listed,) = gateway.connectors(Where(names=("link",)))
    assert (listed.id, listed.type, listed.auth_method) == (made.id, "aws", "secret-key")
    assert dict(listed.secrets) == {}
    assert "unsaid" not in repr(listed)
    whole = gateway.connector_with_secrets(made.id)
    assert whole is not None
    assert {key: str(value) for key, value in whole.secrets.items()} == {
        key: str(value) for key, value in KEYS.items()
    }
    assert "unsaid" not in repr(whole)
    assert whole.configuration["region"] == "eu-west-1"
    assert whole.labels == {"team": "ml"}
    nobody = str(uuid4())
    assert gateway.connector_with_secrets(nobody) is None
    other = gateway.create_connector(replace(connector(), name="other"))
    both = gateway.connectors_with_secrets([made.id, nobody, other.id])
    assert sorted(doc.name for doc in both) == ["link", "other"]
    for doc in both:
        alone = gateway.connector_with_secrets(doc.id)
        assert alone is not None
        assert (doc, dict(doc.secrets)) == (alone, dict(alone.secrets))


def test_a_connector_changes_only_where_it_is_told_to(gateway: Gateway) -> None:
    made = gateway.create_connector(connector())
    gateway.update_connector(made.id, ConnectorChange(name="t"))
    gateway.update_connector(made.id, ConnectorChange(labels={"team": "it"}))
    whole = gateway.connector_with_secrets(made.id)
    assert whole is not None
    assert (whole.name, whole.labels) == ("t", {"team": "it"})
    assert str(whole.secrets["aws_secret_access_key"]) == "unsaid"
    change = ConnectorChange(
        auth_method="secret-key",
        configuration={"region": "us-east-1"},
        secrets={**KEYS, "aws_secret_access_key": SecretText("rotated")},
        labels={},
    )
    gateway.update_connector(made.id, change)
    whole = gateway.connector_with_secrets(made.id)
    assert whole is not None
    assert whole.configuration["region"] == "us-east-1"
    assert str(whole.secrets["aws_secret_access_key"]) == "rotated"
    assert whole.labels == {}


def test_a_connector_that_fails_its_verification_is_a_verdict_and_no_exception(
    gateway: Gateway,
) -> None:
    if isinstance(gateway, MemoryGateway):
        assert gateway.verify_connector(connector(), ResourceRef()).error is None
        return
    nonsense = NewConnector("x", "aws", "no-such-method", {"region": "eu-west-1"})
    assert gateway.verify_connector(nonsense, ResourceRef("s3-bucket", "s3://x")).error
    assert gateway.verify_connector(str(uuid4()), ResourceRef("s3-bucket", "s3://x")).error


# -- deleting --------------------------------------------------------------------------------------


def test_what_is_gone_already_says_so(gateway: Gateway) -> None:
    made = stack(gateway)
    assert gateway.delete("stack", made.id) is True
    assert gateway.delete("stack", made.id) is False
    assert gateway.delete("component", str(uuid4())) is False
    assert gateway.delete("connector", str(uuid4())) is False
    left = gateway.components(Where(names=("s",)))
    assert len(left) == 2, "a stack's components stay"
    for part in left:
        assert gateway.delete("component", part.id) is True


def test_what_is_in_use_stays(gateway: Gateway) -> None:
    made = stack(gateway)
    (member,) = made.members["artifact_store"]
    with pytest.raises(KitaruError):
        gateway.delete("component", member.id)
    link = gateway.create_connector(connector())
    gateway.create_component(bucket("linked", connector_id=link.id))
    with pytest.raises(KitaruError):
        gateway.delete("connector", link.id)
    assert gateway.connectors(Where(ids=(link.id,)))


def test_what_is_not_there_cannot_be_changed(gateway: Gateway) -> None:
    with pytest.raises(NotFoundError):
        gateway.update_stack(str(uuid4()), StackChange(name="x"))
    with pytest.raises(NotFoundError):
        gateway.update_component(str(uuid4()), ComponentChange(name="x"))
    with pytest.raises(NotFoundError):
        gateway.update_connector(str(uuid4()), ConnectorChange(name="x"))


# -- asking ----------------------------------------------------------------------------------------


def test_what_is_asked_for_is_all_that_comes(gateway: Gateway) -> None:
    link = gateway.create_connector(connector())
    linked = gateway.create_component(bucket("linked", connector_id=link.id))
    one, two = stack(gateway, "one"), stack(gateway, "two")
    assert [s.name for s in gateway.stacks(Where(names=("two", "one", "no")))] == ["one", "two"]
    assert gateway.stacks(Where(names=("ONE",))) == []
    assert gateway.stacks(Where(names=())) == []
    assert [s.id for s in gateway.stacks(Where(ids=(two.id,)))] == [two.id]
    for digits in (4, 10, 32):
        prefix = one.id.replace("-", "")[:digits]
        assert one.id in {s.id for s in gateway.stacks(Where(id_prefix=prefix))}
    assert [s.name for s in gateway.stacks(Where(names=("one", "two"), limit=1))] == ["one"]
    (member,) = one.members["artifact_store"]
    assert [s.id for s in gateway.stacks(Where(uses_component=member.id))] == [one.id]
    assert [c.id for c in gateway.components(Where(uses_connector=link.id))] == [linked.id]
    assert {c.name for c in gateway.components(Where(in_stack=one.id))} == {"one"}
    assert gateway.components(Where(in_stack=one.id, names=("two",))) == []


def test_a_listing_is_whole_however_long_it_is(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rest_documents, zenml_models):  # to fill a page of 200 takes ten seconds
        monkeypatch.setattr(module, "PIECE", 4)
    names = {f"part-{number}" for number in range(9)}
    for name in names:
        gateway.create_component(NewComponent("image_builder", name, "local"))
    assert names <= {c.name for c in gateway.components(Where())}


def test_times_are_in_utc_and_of_now(gateway: Gateway) -> None:
    made = stack(gateway)
    (part, *_) = gateway.components(Where(in_stack=made.id))
    link = gateway.create_connector(connector())
    for doc in (made, part, link):
        assert doc.updated.tzinfo is not None
        assert abs(datetime.now(UTC) - doc.updated) < timedelta(minutes=5)


def test_a_store_says_where_it_is(gateway: Gateway) -> None:
    assert gateway.version.startswith("0.")
    assert gateway.place.kind in {"local", "server"}
    assert "@" not in gateway.place.url
    if gateway.place.kind == "local":
        assert gateway.place.is_on_this_machine


def test_flavors_name_their_fields(gateway: Gateway) -> None:
    found = {(flavor.type, flavor.name): flavor for flavor in gateway.flavors({"s3", "local"})}
    assert "path" in found["artifact_store", "s3"].fields
    assert ("orchestrator", "local") in found
    if not isinstance(gateway, MemoryGateway):
        assert ("orchestrator", "s3") not in found
        assert "no_such" not in found["artifact_store", "s3"].fields
        wrong = {"path": "s3://data", "client_kwargs": 5}
        (error,) = gateway.field_errors(found["artifact_store", "s3"], wrong)
        assert (error.field, error.is_absent) == ("client_kwargs", False)
        (absent,) = gateway.field_errors(found["artifact_store", "s3"], {})
        assert (absent.field, absent.is_absent) == ("path", True)
    assert gateway.flavors({"no-such"}) == [] or isinstance(gateway, MemoryGateway)
