"""What is said of what stays without a state: named is what carries the marks, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from kitaru_iac.clouds.provider import Marked, Sighting, marks
from kitaru_iac.errors import DeploymentNotFound, InfrastructureRemains, KitaruError, UsageError
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.infrastructure import destroy, remains
from kitaru_iac.infrastructure.deployments import OwnedDeployment
from kitaru_iac.infrastructure.remains import require_nothing_marked, require_nothing_unknown
from kitaru_iac.infrastructure.results import Destroyed
from kitaru_iac.notices import RemainsUnknown
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.stacks.deployed import delete_deployment

BUCKET, ROLE = Sighting("b", "bucket b"), Sighting("r", "role r")
BY_HAND = "delete by hand what is named here"
TAGGED = "All that is named carries the deployment's tags."


class Deployment:
    stack = "prod"


def looked(found: Marked, *known: str) -> tuple[RemainsUnknown, ...]:
    class Account:
        @property
        def place(self) -> dict[str, str]:
            return {"account": "1"}

        def marked(self, _: Any) -> Marked:
            return found

    owned: Any = OwnedDeployment(Deployment(), Account(), marks("kitaru", "prod"))  # type: ignore[arg-type]
    return require_nothing_unknown(owned, set(known))


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


# --- without a state and without a record


def described(name: str = "prod") -> StackSpec:
    return from_mapping({"name": name, "type": "sagemaker", "region": "eu-west-1"} | PROVISION)


PROVISION = {"infra": "provision"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Callable[[Marked], list[object]]:
    """Let the account that a description leads to have this."""

    def set_up(found: Marked) -> list[object]:
        asked: list[object] = []

        class Account:
            place: ClassVar = {"account": "1", "region": "eu-west-1"}

            def marked(self, wanted: object) -> Marked:
                asked.append(wanted)
                return found

        made_by = SimpleNamespace(load=lambda: SimpleNamespace(account_for=lambda _: Account()))
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
