"""What only a real ZenML server shows: the same records as in the local store, and a colleague."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.errors import StackChanged
from kitaru_iac.gateway.documents import ComponentChange, ConnectorChange, Where
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.gateway.rest_gateway import RestGateway
from kitaru_iac.records.stored import Store
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.files import Described
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.copy import copy
from kitaru_iac.stacks.many import apply_all, plan_all, prune_all
from kitaru_iac.stacks.outcomes import Outcome
from kitaru_iac.stacks.planning import plan_stack
from kitaru_iac.stacks.prune import plan_prune
from kitaru_iac.stacks.rename import rename
from kitaru_iac.stacks.source import Source
from tests.homes import Home
from tests.records.snapshots import everything
from tests.stacks.test_colleagues import BASE, BOTH, BUCKET, LOCAL, METHOD

HERE = {**LOCAL, "name": "here"}


def lives() -> list[dict[str, Any]]:
    """What a store holds after each of some changes, without ids and times."""
    found = []
    for description in (BASE, BOTH, HERE, METHOD):
        done = operations.apply(from_mapping(description))
        assert done.changed
        with quiet():
            found.append(everything(Store.open()))
    operations.delete("dev", recursive=True)
    with quiet():
        found.append(everything(Store.open()))
    return found


@pytest.mark.server
@pytest.mark.store
def test_a_stack_has_the_same_records_through_either_adapter(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(  # the server of the other tests forbids what METHOD asks for
        "kitaru_iac.records.preflight.implicit_auth_allowed", lambda *_: True
    )
    request.getfixturevalue("home")
    in_process = lives()
    request.getfixturevalue("server_home")
    over_rest = lives()
    assert isinstance(Store.open().gateway, RestGateway)
    for number, (one, other) in enumerate(zip(in_process, over_rest, strict=True)):
        assert one == other, f"after change {number}"


def test_a_colleagues_change_is_found_and_kept(
    server_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations.create(from_mapping(BASE))
    write = RestGateway.update_component
    done: list[str] = []

    def late(self: RestGateway, id: str, change: ComponentChange) -> None:
        """A colleague writes another key into the connector, right after our write."""
        write(self, id, change)
        if not done:
            done.append(id)
            (link,) = self.connectors(Where(names=("dev",)))
            keys = {"aws_access_key_id": "AKIA2", "aws_secret_access_key": "theirs"}
            secrets = {field: SecretText(key) for field, key in keys.items()}
            theirs = ConnectorChange(configuration=link.configuration, secrets=secrets)
            self.update_connector(link.id, theirs)

    monkeypatch.setattr(RestGateway, "update_component", late)
    with pytest.raises(StackChanged) as raised:
        operations.apply(from_mapping(BUCKET))
    assert raised.value.left == ()
    assert raised.value.differs == (
        "service connector dev: configuration.aws_access_key_id",
        "service connector dev: configuration.aws_secret_access_key",
    )
    assert "theirs" not in str(raised.value)
    records = Store.open().read("dev", secrets=True)
    assert records is not None
    bucket = records.component("artifact_store")
    assert bucket is not None
    assert bucket.configuration["path"] == BASE["artifact_store"]
    assert records.connector is not None
    assert records.connector.secrets["aws_secret_access_key"] == "theirs"

    assert operations.apply(from_mapping(BUCKET)).changed  # the same command converges
    assert not operations.apply(from_mapping(BUCKET)).changed


def test_several_at_once_are_pruned_renamed_and_copied(
    server_home: Home,
) -> None:
    items = [
        Described(from_mapping({**BASE, "name": name, "activate": False}), f"{name}.yaml")
        for name in ("one", "two", "three")
    ]
    source = Source("github.com/acme/stacks", "", ("stacks/",))
    outcomes: list[Outcome] = []
    for expected in ("applied", "unchanged"):
        outcomes.clear()
        apply_all(items, outcomes=outcomes, kept_source=source.label)
        assert [one.status for one in outcomes] == [expected] * 3, outcomes
    plans, errors = plan_all(items, kept_source=source.label)
    assert (errors, [plan.drift for plan in plans]) == ({}, [()] * 3)

    prune_all(plan_prune(source, ["one", "two"], plans[:2]), source, outcomes)
    assert outcomes[-1].status == "pruned", outcomes[-1].error
    rename("two", "second")
    copy("second", "third", verify=False)
    gateway = Store.open().gateway
    assert {doc.name for doc in gateway.stacks(Where())} == {"default", "one", "second", "third"}
    assert {doc.name for doc in gateway.connectors(Where())} == {"one", "second"}
    second = from_mapping({**BASE, "name": "second", "activate": False})
    planned = plan_stack(second)
    assert (planned.plan.has_changes, planned.drift) == (False, ())
