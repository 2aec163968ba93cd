"""What lets pods pull from a registry that is not their cloud's, as data decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kitaru_iac.checks.kubernetes_api import NotLetIn
from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.probes import Outcome
from kitaru_iac.checks.pull_secrets import (
    ForeignPull,
    Puller,
    SeenSecrets,
    evaluate_pull_secrets,
    foreign_pull,
    look,
)
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import Cloud

OK, WARN, FAIL, UNKNOWN = CheckStatus
CLOSED = NotLetIn("the cluster answered 403", "kubectl get secrets")
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def described(registry: str | None = "ghcr.io/team", **over: Any) -> ForeignPull | None:
    given: dict[str, Any] = {"name": "prod", "type": "kubernetes", "cluster": "c"}
    given["region"] = "eu-west-1"
    given |= {"artifact_store": "s3://bucket-of-ours", "container_registry": registry, **over}
    spec = from_mapping({key: value for key, value in given.items() if value is not None})
    return foreign_pull(spec, Cloud.AWS)


def of(*names: str) -> dict[str, Any]:
    return {"image_pull_secrets": list(names)}


def test_who_pulls_with_what_follows_from_the_description() -> None:
    assert described() == ForeignPull(
        "ghcr.io/team",
        (
            Puller("the orchestrator's pod", "zenml-service-account"),
            Puller("the steps' pods", "default"),
        ),
    )
    orchestrator = {
        "service_account_name": "runner",
        "pod_settings": of("a", "b"),
        "orchestrator_pod_settings": of("c"),
    }
    found = described(extra={"orchestrator": orchestrator})
    assert found is not None
    assert [(one.account, one.secrets) for one in found.pullers] == [
        ("runner", ("c",)),
        ("runner", ("a", "b")),
    ]


def test_a_registry_of_the_clouds_own_needs_none_and_neither_does_a_stack_without_one() -> None:
    assert described(ECR) is None
    assert described(None, type="local", cluster=None) is None


@pytest.mark.parametrize(
    ("named", "secrets", "status", "why"),
    [
        (("a",), {"a": True}, OK, "pods have the image pull secret a"),
        (("a", "b"), {"a": True, "b": False}, OK, "pods have the image pull secret a"),
        (("a", "b"), {"a": CLOSED, "b": True}, OK, "pods have the image pull secret b"),
        (("a",), {"a": False}, FAIL, "pods name the image pull secret a, and ml has none"),
        (("a", "b"), {"a": False, "b": CLOSED}, UNKNOWN, "b was not seen: the cluster answered"),
        (("{{s.key}}",), {}, UNKNOWN, "in ZenML's secret {{s.key}}"),
    ],
)
def test_one_of_the_secrets_that_are_named_has_to_be_there(
    named: tuple[str, ...], secrets: Mapping[str, Outcome[bool]], status: CheckStatus, why: str
) -> None:
    pull = ForeignPull("ghcr.io", (Puller("pods", "default", named),))
    found = evaluate_pull_secrets(SeenSecrets({}, secrets), pull, "ml")
    assert (found.status, why in found.why) == (status, True), found
    assert bool(found.remedy) is (status is not OK)


def test_a_secret_that_is_there_may_hold_anything_and_one_beside_it_be_gone() -> None:
    pull = ForeignPull("ghcr.io", (Puller("pods", "default", ("a", "b")),))
    found = evaluate_pull_secrets(SeenSecrets({}, {"a": True, "b": False}), pull, "ml")
    assert found.caveat == (
        "what is in a was not looked at, nor whether it opens the registry, and b is not there"
    )


@pytest.mark.parametrize(
    ("account", "told", "status", "why"),
    [
        ("default", ("a",), OK, "by the service account default, have the image pull secret a"),
        (
            "default",
            ("b",),
            UNKNOWN,
            "account default, name the image pull secret b",
        ),
        ("default", (), UNKNOWN, "no image pull secret is named for pods: from ghcr.io"),
        ("default", CLOSED, UNKNOWN, "was not seen: the cluster answered 403"),
        ("{{s.key}}", None, UNKNOWN, "in ZenML's secret {{s.key}}"),
    ],
)
def test_pods_that_name_none_have_those_of_their_account(
    account: str, told: Any, status: CheckStatus, why: str
) -> None:
    pull = ForeignPull("ghcr.io", (Puller("pods", account),))
    seen = SeenSecrets({} if told is None else {account: told}, {"a": True, "b": False})
    found = evaluate_pull_secrets(seen, pull, "ml")
    assert (found.status, why in found.why) == (status, True), found


class Closed:
    """A cluster that tells of one secret and of one account alone."""

    def service_account(self, namespace: str, name: str) -> Mapping[str, object]:
        if name == "closed":
            raise CLOSED
        return {"imagePullSecrets": [{"name": "a"}]}

    def has_secret(self, namespace: str, name: str) -> bool:
        if name == "closed":
            raise CLOSED
        return True


@pytest.mark.parametrize("names", [("a", "closed"), ("closed", "a"), ("a", "closed", "b")])
def test_what_may_not_be_read_takes_nothing_else_away(names: tuple[str, ...]) -> None:
    api: Any = Closed()
    seen = look(api, "ml", ForeignPull("ghcr.io", (Puller("pods", "default", names),)))
    assert seen.secrets == {name: CLOSED if name == "closed" else True for name in names}
    accounts = tuple(Puller(f"pods of {name}", name) for name in names)
    seen = look(api, "ml", ForeignPull("ghcr.io", accounts))
    assert seen.accounts == {name: CLOSED if name == "closed" else ("a",) for name in names}


def test_pods_of_both_kinds_have_to_pull() -> None:
    def verdict(first: str, second: str) -> CheckStatus:
        pods = (Puller("the first", "default", (first,)), Puller("the others", "d", (second,)))
        seen = SeenSecrets({}, {"a": True, "gone": False, "closed": CLOSED})
        return evaluate_pull_secrets(seen, ForeignPull("ghcr.io", pods), "ml").status

    assert verdict("a", "a") is OK
    assert verdict("a", "gone") is verdict("gone", "a") is FAIL
    assert verdict("a", "closed") is verdict("closed", "a") is UNKNOWN
    assert verdict("gone", "closed") is verdict("closed", "gone") is FAIL
