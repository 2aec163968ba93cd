"""Which rights ZenML needs inside a cluster, and what follows where one is denied."""

from __future__ import annotations

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

from kitaru_iac.checks.cluster_rights import (
    CLUSTER_RIGHTS,
    POD_RIGHTS,
    ClusterRight,
    Use,
    evaluate_rights,
    rights_for,
    rules_of,
)
from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.pods import pod_accounts, required_accounts

VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}


# --- the table, against the installed ZenML


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@cache
def _names_in(module: str) -> dict[str, set[str]]:
    """What each function of a module of ZenML's Kubernetes integration names."""
    source = _package("zenml") / "integrations" / "kubernetes" / module
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.FunctionDef):
            within = list(ast.walk(node))
            names = {one.attr for one in within if isinstance(one, ast.Attribute)}
            names |= {one.id for one in within if isinstance(one, ast.Name)}
            found.setdefault(node.name, set()).update(names)
    return found


def _operations() -> dict[str, tuple[str, str, str]]:
    """By the client's methods: the verb, the resource and the API group, as RBAC names them."""
    found = {}
    for module in ("core_v1_api", "batch_v1_api", "rbac_authorization_v1_api"):
        source = (_package("kubernetes") / "client" / "api" / f"{module}.py").read_text()
        pattern = r"def (\w+)_with_http_info\(.*?call_api\(\s*'/([^']+)', '([A-Z]+)'"
        for name, path, method in re.findall(pattern, source, re.DOTALL):
            group = path.split("/")[1] if path.startswith("apis/") else ""
            *_, last = (part for part in path.split("/namespaces/{namespace}/"))
            resource = last.replace("/{name}", "")
            one = "{name}" in path
            verb = VERBS.get(method) or ("get" if one else "list")
            if verb == "delete" and not one:
                verb = "deletecollection"
            found[name] = (verb, resource, group)
    return found


def _called_by(module: str) -> set[tuple[str, str, str]]:
    """What a module of the installed ZenML asks of a cluster, by way of its helpers."""
    helpers, operations = _names_in("kube_utils.py"), _operations()
    todo = set().union(*_names_in(f"orchestrators/{module}.py").values())
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo |= helpers.get(name, set())
    return {operations[name] for name in seen if name in operations}


def test_the_table_holds_what_the_installed_orchestrator_calls() -> None:
    table = {(r.verb, r.resource, r.group) for r in CLUSTER_RIGHTS if r.verb != "bind"}
    assert table == _called_by("kubernetes_orchestrator")


def test_the_table_holds_what_the_orchestrators_pod_calls() -> None:
    called = _called_by("kubernetes_orchestrator_entrypoint")
    # A secret that it may not delete is logged, and the run goes on.
    assert called - {("delete", "secrets", "")} == set(map(_plain, POD_RIGHTS))


def _plain(right: ClusterRight) -> tuple[str, str, str]:
    return right.verb, right.resource, right.group


def test_the_role_that_zenml_binds_is_the_one_in_the_table() -> None:
    source = _package("zenml") / "integrations" / "kubernetes" / "kube_utils.py"
    bound = {
        word.value.value
        for word in ast.walk(ast.parse(source.read_text()))
        if isinstance(word, ast.keyword)
        and word.arg == "role_name"
        and isinstance(word.value, ast.Constant)
    }
    assert bound == {right.name for right in CLUSTER_RIGHTS if right.verb == "bind"}


@pytest.mark.parametrize(
    ("settings", "unused"),
    [
        ({}, {Use.HANDOVER}),
        ({"service_account_name": "runner"}, {Use.HANDOVER, Use.ACCOUNT}),
        ({"pass_zenml_token_as_secret": True}, set()),
    ],
)
def test_what_the_settings_make_needless_is_not_asked(
    settings: dict[str, object], unused: set[Use]
) -> None:
    assert {right.use for right in rights_for(settings)} == set(Use) - unused


def test_a_role_allows_these_rights_and_nothing_else() -> None:
    assert rules_of([]) == []
    found = rules_of(right for right in CLUSTER_RIGHTS if right.use in {Use.SCHEDULE, Use.ACCOUNT})
    batch, rbac = "batch", "rbac.authorization.k8s.io"
    assert found == [
        {"apiGroups": [batch], "resources": ["cronjobs"], "verbs": ["create", "patch", "delete"]},
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["create"]},
        {"apiGroups": [rbac], "resources": ["rolebindings"], "verbs": ["create"]},
        {
            "apiGroups": [rbac],
            "resources": ["clusterroles"],
            "resourceNames": ["edit"],
            "verbs": ["bind"],
        },
    ]


# --- what follows


def _judged(*denied: str) -> tuple[CheckStatus, str, str | None]:
    lacking = [right for right in CLUSTER_RIGHTS if str(right) in denied]
    assert len(lacking) == len(denied)
    found = evaluate_rights(lacking, "ml", "kubectl create")
    return found.status, found.why, found.caveat


@pytest.mark.parametrize("right", CLUSTER_RIGHTS, ids=str)
def test_a_denied_verb_is_named_and_only_schedules_can_wait(right: ClusterRight) -> None:
    status, why, _ = _judged(str(right))
    if right.verb == "bind":
        assert status is CheckStatus.UNKNOWN, "whoever has all that the role allows can bind it"
        assert "which was not asked" in why
        return
    assert status is (CheckStatus.WARN if right.use is Use.SCHEDULE else CheckStatus.FAIL)
    assert f"may not {right} in ml" in why


def test_naming_an_account_is_a_way_out_where_making_one_is_all_that_is_denied() -> None:
    def offered(*denied: str) -> bool:
        lacking = [right for right in CLUSTER_RIGHTS if str(right) in denied]
        found = evaluate_rights(lacking, "ml", "kubectl create")
        assert str(found.remedy).startswith("kubectl create")
        return "extra.orchestrator.service_account_name" in str(found.remedy)

    assert offered("bind clusterroles edit")
    assert offered("create serviceaccounts", "create rolebindings", "create cronjobs")
    assert not offered("create cronjobs")
    assert not offered("bind clusterroles edit", "create jobs")


def test_of_several_the_worst_counts_and_all_are_named() -> None:
    assert _judged() == (CheckStatus.OK, "the connector may do in ml what ZenML does there", None)
    status, why, _ = _judged("create cronjobs", "get pods/log", "bind clusterroles edit")
    assert status is CheckStatus.FAIL
    assert "get pods/log, create cronjobs in ml" in why
    status, why, _ = _judged("create cronjobs", "bind clusterroles edit")
    assert status is CheckStatus.UNKNOWN
    assert "may not bind the role edit" in why
    assert "may not create cronjobs in ml: schedules will fail" in why


@pytest.mark.parametrize(
    ("settings", "accounts"),
    [
        ({}, ()),
        ({"step_pod_service_account_name": "steps"}, ("steps",)),
        ({"service_account_name": "runner"}, ("runner",)),
        # Everybody's, and without rights.
        ({"service_account_name": "default"}, ("default",)),
        ({"service_account_name": "r", "step_pod_service_account_name": "default"}, ("r",)),
        ({"service_account_name": "zenml-service-account"}, ("zenml-service-account",)),
    ],
)
def test_the_accounts_that_zenml_does_not_make(
    settings: dict[str, object], accounts: tuple[str, ...]
) -> None:
    assert required_accounts(pod_accounts(settings), rights_for(settings)) == accounts
