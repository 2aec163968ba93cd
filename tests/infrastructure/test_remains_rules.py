"""What is said of what stays without a state: named is what carries the marks, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from kitaru_iac.clouds.provider import Marked, Sighting, marks
from kitaru_iac.errors import (
    DeploymentNotFound,
    DescriptionError,
    InfrastructureRemains,
    KitaruError,
    Problem,
    UsageError,
)
from kitaru_iac.gateway.documents import StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.infrastructure import destroy, prepare, remains
from kitaru_iac.infrastructure.deployments import OwnedDeployment
from kitaru_iac.infrastructure.remains import (
    require_nothing_marked,
    require_nothing_remains,
    require_nothing_unknown,
)
from kitaru_iac.infrastructure.results import Destroyed
from kitaru_iac.notices import RemainsUnknown
from kitaru_iac.plan.model import Action, Kept, Layer, Step
from kitaru_iac.records import describe
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.deployments import delete_deployment
from tests.stacks.test_interrupts import REMOTE

BUCKET, ROLE = Sighting("b", "bucket b"), Sighting("r", "role r")
BY_HAND = "delete by hand what is named here"
TAGGED = "All that is named carries the deployment's tags."


class Deployment:
    stack = "prod"


def looked(
    found: Marked, *known: str, done: Destroyed | None = None, recorded: bool = True
) -> tuple[RemainsUnknown, ...]:
    class Account:
        @property
        def place(self) -> dict[str, str]:
            return {"account": "1"}

        def marked(self, _: Any) -> Marked:
            return found

    owned: Any = OwnedDeployment(Deployment(), Account(), marks("kitaru", "prod"))  # type: ignore[arg-type]
    return require_nothing_unknown(owned, set(known), done or Destroyed(), recorded=recorded)


def test_what_is_known_to_stay_is_nothing_new() -> None:
    assert looked(Marked((BUCKET, ROLE)), "b", "r") == ()
    # some clouds list one id in upper and lower case
    assert looked(Marked((BUCKET, ROLE)), "B", "r") == ()


def test_what_was_not_looked_at_is_no_error_and_no_silence() -> None:
    """Whoever may delete all that was made may be denied to look for more."""
    (warning,) = looked(Marked((), ("the tags may not be asked",)))
    assert "Not all could be looked at: the tags may not be asked" in warning.text


@pytest.mark.parametrize("unseen", [(), ("roles may not be listed",)])
def test_only_what_carries_the_marks_is_named_to_be_deleted(unseen: tuple[str, ...]) -> None:
    with pytest.raises(InfrastructureRemains) as caught:
        looked(Marked((BUCKET, ROLE), unseen), "r")
    assert list(caught.value.left) == ["bucket b"]
    assert TAGGED in str(caught.value.why)
    assert BY_HAND in str(caught.value.remedy)
    for one in unseen:
        assert one in str(caught.value.why)


@pytest.mark.parametrize("recorded", [True, False])
def test_what_was_done_is_told_although_more_was_found(*, recorded: bool) -> None:
    """No word of a record where there is none, and none is lost of what was taken down."""
    done = Destroyed(
        (Step(Action.DELETE, "cloud:Role", "steps", Layer.INFRASTRUCTURE),),
        (Kept("cloud:Bucket", "data", "protected"),),
        forgotten=(Kept("cloud:Role", "theirs", "not made for this stack"),),
    )
    with pytest.raises(InfrastructureRemains) as caught:
        looked(Marked((ROLE,)), done=done, recorded=recorded)
    lines = str(caught.value.why).splitlines()
    assert lines[1:4] == ["Deleted: steps.", "Kept: data.", "Forgotten: theirs."]
    of_record = ("its record was not deleted", "kitaru stack show prod")
    assert all((word in str(caught.value)) is recorded for word in of_record)
    assert BY_HAND in str(caught.value.remedy)
    with pytest.raises(InfrastructureRemains) as caught:
        looked(Marked((ROLE,)), recorded=recorded)
    assert not any(word in str(caught.value) for word in ("Deleted:", "Kept:", "Forgotten:"))


# --- with a record and without a state


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"account": frozenset({"1"})}, None),
        ({}, None),
        ({"account": frozenset({"2"})}, "account 2, which was not looked at"),
        ({"account": frozenset({"1", "2"})}, "names more than one account: 1, 2"),
        ({"account": frozenset()}, "does not tell in which account"),
    ],
)
def test_nothing_is_called_gone_where_the_record_does_not_lead(
    account: Callable[..., list[object]], told: dict[str, frozenset[str]], says: str | None
) -> None:
    """A record has no credentials: those of this process may be another account's."""
    asked = account(Marked(), told)
    if says is None:
        require_nothing_remains(described(), "kitaru", "prod", "file:///state")
        assert asked == [marks("kitaru", "prod")]
        return
    with pytest.raises(InfrastructureRemains, match="cannot be told") as caught:
        require_nothing_remains(described(), "kitaru", "prod", "file:///state")
    assert asked == []
    assert says in str(caught.value.why)
    assert caught.value.where == "account 1, region eu-west-1"
    assert ("credentials of account 2" in str(caught.value.remedy)) is ("not looked" in says)
    assert "--keep-infra" in str(caught.value.remedy)


def test_a_record_that_does_not_tell_where_to_look_is_not_called_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lacks(_: StackSpec) -> object:
        raise DescriptionError([Problem("resource_group", "the resource group is missing")])

    made_by = SimpleNamespace(load=lambda: SimpleNamespace(account_for=lacks))
    monkeypatch.setattr(remains.registry, "provisioning", lambda _: made_by)
    with pytest.raises(InfrastructureRemains, match="cannot be told") as caught:
        require_nothing_remains(described(), "kitaru", "prod", "file:///state")
    assert "where it was made: the resource group is missing." in str(caught.value.why)
    assert "--keep-infra" in str(caught.value.remedy)


@pytest.mark.parametrize("kept", [True, False])
def test_a_stack_whose_state_is_lost_keeps_its_record_in_another_account(
    account: Callable[..., list[object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kept: bool,
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise DeploymentNotFound("There is no deployment 'prod'")

    for step in ("preview_destroy", "destroy_infrastructure"):
        monkeypatch.setattr(destroy, step, lost)
    monkeypatch.setattr(prepare, "require_engine", lambda *_, **__: None)
    monkeypatch.setattr(describe, "describe", lambda _: {**REMOTE, "name": "prod"})
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    account(Marked(), {"account": frozenset({"2" if kept else "1"})})
    with installed(MemoryGateway()) as store:
        made = {"project": "kitaru", "stack": "prod", "backend": "file:///state"}
        operations.create(from_mapping({**REMOTE, "name": "prod"}))
        (stack,) = store.stacks(Where(names=("prod",)))
        labels = {f"kitaru.pulumi.{key}": value for key, value in made.items()}
        store.update_stack(stack.id, StackChange(labels={**stack.labels, **labels}))
        with pytest.raises(InfrastructureRemains) if kept else nullcontext():
            operations.delete("prod", recursive=True, force=True, infrastructure=True)
        assert bool(store.stacks(Where(names=("prod",)))) is kept


# --- without a state and without a record


def described(name: str = "prod") -> StackSpec:
    return from_mapping({"name": name, "type": "sagemaker", "region": "eu-west-1"} | PROVISION)


PROVISION = {"infra": "provision"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[object]]:
    """Let the account that a description leads to have this, and the record tell that of it."""

    def set_up(found: Marked, told: Mapping[str, frozenset[str]] | None = None) -> list[object]:
        asked: list[object] = []

        class Account:
            place: ClassVar = {"account": "1", "region": "eu-west-1"}

            def marked(self, wanted: object) -> Marked:
                asked.append(wanted)
                return found

        module = SimpleNamespace(account_for=lambda _: Account(), told_by=lambda _: told)
        made_by = SimpleNamespace(load=lambda: module, provisioner=lambda spec: spec.credentials)
        monkeypatch.setattr(remains.registry, "provisioning", lambda _: made_by)
        return asked

    return set_up


@pytest.mark.parametrize("unseen", [(), ("roles may not be listed",)])
def test_what_carries_the_tags_is_listed_with_its_ids(
    account: Callable[[Marked], list[object]], unseen: tuple[str, ...]
) -> None:
    other = Sighting("arn:aws:ec2:eu-west-1:1:vpc/vpc-1", "arn:aws:ec2:eu-west-1:1:vpc/vpc-1")
    asked = account(Marked((BUCKET, other), unseen))
    with pytest.raises(InfrastructureRemains) as caught:
        require_nothing_marked(described(), "kitaru", "prod", "file:///state")
    assert list(caught.value.left) == ["bucket b", "arn:aws:ec2:eu-west-1:1:vpc/vpc-1"]
    assert asked == [marks("kitaru", "prod")]
    assert caught.value.where == "account 1, region eu-west-1"
    assert "--take-back" in str(caught.value.remedy)
    assert BY_HAND in str(caught.value.remedy)
    for one in unseen:
        assert one in str(caught.value.why)


def test_what_may_not_be_seen_is_not_said_to_be_gone(
    account: Callable[[Marked], list[object]],
) -> None:
    account(Marked((), ("the tags may not be asked",)))
    with pytest.raises(InfrastructureRemains, match="cannot be told") as caught:
        require_nothing_marked(described(), "kitaru", "prod", "file:///state")
    assert BY_HAND not in str(caught.value.remedy)


def test_nothing_at_all_is_said_too(account: Callable[[Marked], list[object]]) -> None:
    account(Marked())
    with pytest.raises(DeploymentNotFound, match="nothing that carries its tags"):
        require_nothing_marked(described(), "kitaru", "prod", "file:///state")


@pytest.mark.parametrize("step", ["preview_destroy", "destroy_infrastructure"])
@pytest.mark.parametrize("file", [True, False])
def test_a_deployment_that_is_nowhere_is_looked_for_where_its_description_leads(
    account: Callable[[Marked], list[object]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    step: str,
    file: bool,
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise DeploymentNotFound("There is no deployment 'prod'")

    asked = account(Marked((BUCKET,)))
    monkeypatch.setattr(destroy, step, lost)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    confirm = None if step == "destroy_infrastructure" else lambda _: True
    with installed(MemoryGateway()), pytest.raises(KitaruError) as caught:
        delete_deployment(
            "prod",
            spec=described() if file else None,
            include_protected=False,
            delete_data=False,
            confirm=confirm,
        )
    assert type(caught.value) is (InfrastructureRemains if file else DeploymentNotFound)
    assert bool(asked) is file


@pytest.mark.parametrize("forget", [True, False])
def test_what_is_agreed_to_is_what_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, forget: bool
) -> None:
    asked: list[dict[str, object]] = []

    def told(*_: object, **given: object) -> Destroyed:
        asked.append(given)
        return Destroyed()

    for step in ("preview_destroy", "destroy_infrastructure"):
        monkeypatch.setattr(destroy, step, told)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    with installed(MemoryGateway()):
        delete_deployment(
            "prod",
            include_protected=True,
            delete_data=False,
            forget_foreign=forget,
            confirm=lambda _: True,
        )
    plan, done = asked
    assert done.pop("recorded") is False
    assert plan == done
    assert done["forget_foreign"] is forget


def test_the_description_of_another_stack_is_refused() -> None:
    with pytest.raises(UsageError, match="of stack 'other'"):
        delete_deployment(
            *("prod",),
            spec=described("other"),
            include_protected=False,
            delete_data=False,
            confirm=None,
        )
