"""Who is active before a stack is replaced is active after it, and the plan says so."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from kitaru_iac.connection.activation import scopes_of_id
from kitaru_iac.errors import RegistrationFailed
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.notices import ActiveReplaced
from kitaru_iac.plan.model import Action, Reason
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.homes import Home

LOCAL: dict[str, Any] = {"name": "one", "type": "local", "activate": False}
REMOTE: dict[str, Any] = {
    **LOCAL,
    "type": "kubernetes",
    "artifact_store": "s3://data/a",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "cluster": "one",
    "region": "eu-west-1",
    "credentials": "aws-access-keys:AKIAFIRST00000000001:hunter2hunter2",
    "verify": False,
}


@pytest.fixture
def first(any_home: Home) -> str:
    """The id of a stack that is active for this user and in this project's directory."""
    made = operations.create(from_mapping({**LOCAL, "activate": True}))
    assert made.is_active
    (any_home.path / ".zen").mkdir()
    (any_home.path / ".zen/config.yaml").write_text(f"active_stack_id: {made.id}\n")
    assert scopes_of_id(made.id) == ["repository", "global"]
    return made.id


def test_the_successor_is_active_wherever_the_old_one_was(first: str) -> None:
    (told,) = (w for w in operations.preview(from_mapping(REMOTE)).warnings if _is_told(w))
    assert "becomes the active stack" in str(told)
    done = operations.apply(from_mapping(REMOTE))
    assert done.id is not None
    assert done.id != first
    seen = (done.is_active, scopes_of_id(done.id), scopes_of_id(first))
    assert seen == (True, ["repository", "global"], [])
    assert told in done.warnings
    assert scopes_of_id(done.id) == ["repository", "global"]
    assert scopes_of_id(first) == []
    assert not operations.apply(from_mapping(REMOTE)).changed


def _is_told(warning: object) -> bool:
    return isinstance(warning, ActiveReplaced)


def test_a_variable_with_the_old_id_is_told_and_what_is_active_is_looked_up(
    bare_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    with installed(MemoryGateway()):
        old = operations.apply(from_mapping(LOCAL)).id
        assert old is not None
        assert not any(map(_is_told, operations.preview(from_mapping(REMOTE)).warnings))
        monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", old)
        assert operations.apply(from_mapping(LOCAL)).is_active
        done = operations.apply(from_mapping(REMOTE))
        (told,) = filter(_is_told, done.warnings)
        assert "ZENML_ACTIVE_STACK_ID holds the old id: set it to one." in str(told)
        assert "becomes the active stack" not in str(told)
        assert not done.is_active


def test_where_it_cannot_be_made_active_the_old_one_stays_until_the_next_run(
    bare_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    monkeypatch.chdir(bare_home.path)
    monkeypatch.delitem(sys.modules, "zenml", raising=False)  # whose client knows another store
    chosen = bare_home.path / ".zen/config.yaml"
    chosen.parent.mkdir()
    with installed(MemoryGateway()) as store:
        old = operations.apply(from_mapping(LOCAL)).id
        chosen.write_text(f"active_stack_id: {old}\n")
        with monkeypatch.context() as broken:
            broken.setattr("kitaru_iac.connection.activation.move", refuse)
            with pytest.raises(RegistrationFailed, match="in place of the old one") as failed:
                operations.apply(from_mapping(REMOTE))
        assert "stack one-replaced" in failed.value.left
        assert old in {stack.id for stack in store.stacks(Where())}
        # As after a kill: what repairs it lets the successor be active first.
        done = operations.apply(from_mapping(REMOTE))
        assert done.changed
        does = {step.code for step in done.plan.steps if step.action is not Action.KEEP}
        assert does == {Reason.LEFT_BY_DEAD_RUN}
        assert done.is_active
        assert scopes_of_id(str(done.id)) == ["repository"]
        assert [stack.name for stack in store.stacks(Where()) if stack.name != "default"] == ["one"]
