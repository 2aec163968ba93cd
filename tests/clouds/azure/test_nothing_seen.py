"""What was not seen is not ok: every single call spoiled in every way, for each type of stack.

A denied call shows which checks stand on it. Whatever else becomes of that call, none of them may
be ok, unless its caveat says what was not seen. And no call may be made that nothing stands on.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.azure.world import World, ended
from tests.doubles.azure_faults import Rule, error, forbidden, hang
from tests.doubles.web import Response, json_response

ENTRA = "login.microsoftonline.com"
_PATIENCE = 0.6
#: For a single call that hangs while all others are answered at once.
_SHORT = 0.3
#: What every single call is spoiled with; the other ways meet all calls at once.
SINGLE = ("absent", "throttled", "hung", "odd")
FAULTS: dict[str, Rule | Response] = {
    "absent": error(404, "ResourceNotFound"),
    "absent group": error(404, "ResourceGroupNotFound"),
    "throttled": error(429, "TooManyRequests", **{"Retry-After": "60"}),
    "down": error(503, "ServiceUnavailable"),
    "hung": hang(_PATIENCE * 3),
    "no json": Response(200, b"<html>welcome</html>", {"Content-Type": "text/html"}),
    "empty": json_response({}),
    "a list": json_response([]),
    "odd": json_response({"id": 5, "value": [{"id": None}], "properties": "x"}),
    "proxy": Response(403, b"<html>no</html>", {"Content-Type": "text/html"}),
    "redirected": Response(302, b"", {"Location": "https://elsewhere.invalid/"}),
    "expired": error(401, "ExpiredAuthenticationToken"),
}


def local(world: World) -> BaseSpec:
    world.fit_bucket()
    return world.local()


def azureml(world: World) -> BaseSpec:
    world.fit_workspace()
    world.own_keys()
    return world.azureml(artifact_store="az://artifacts")


def kubernetes(world: World) -> BaseSpec:
    world.fit_cluster()
    return world.kubernetes()


#: What is described, and which calls are spoiled one by one: those that no other one makes.
STACKS: dict[str, tuple[Callable[[World], BaseSpec], str]] = {
    "azureml": (azureml, ""),
    "kubernetes": (kubernetes, "microsoft.containerservice"),
}


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("stack", STACKS)
def test_no_check_is_ok_without_the_answers_that_it_stands_on(stack: str, world: World) -> None:
    describe, part = STACKS[stack]
    spec = describe(world)
    report = world.report(spec)
    before, caveats = ended(report), {result.id: result.caveat for result in report}
    # An API that few are let at is not called, and one that is open to all is worth a warning.
    fit = {name for name, status in before.items() if status is CheckStatus.OK}
    assert before.keys() - fit <= {"azure.cluster.reachable"}
    calls = [c for c in dict.fromkeys(world.faults.calls) if not c.startswith(ENTRA) and part in c]
    patience = world.timeout
    wrong = []
    for call in calls:
        world.faults.reset()
        world.faults.on(call, forbidden)
        standing = {
            result.id
            for result in world.report(spec)
            if (result.status, result.caveat) != (before[result.id], caveats[result.id])
        }
        if not standing:
            wrong.append(f"nothing stands on {call}")
        for kind in SINGLE:
            world.faults.reset()
            world.faults.on(call, FAULTS[kind])
            world.timeout = _SHORT if kind == "hung" else patience
            report = world.report(spec)
            world.timeout = patience
            wrong += [
                f"{result.id} is ok with {kind}: {call}"
                for result in report
                if result.id in standing
                and (result.status, result.caveat) == (CheckStatus.OK, caveats[result.id])
            ]
            if ended(report)["azure.credentials"] is CheckStatus.FAIL:
                wrong.append(f"the credentials fail with {kind}: {call}")
    assert wrong == []


@pytest.mark.parametrize("kind", FAULTS)
def test_a_cloud_that_answers_nothing_right_has_nothing_ok(kind: str, world: World) -> None:
    spec = azureml(world)
    world.timeout = _PATIENCE
    for host in ("management.azure.com", "teamdata.blob"):
        world.faults.on_all(host, FAULTS[kind])
    found = ended(world.report(spec))
    del found["azure.credentials"]
    assert CheckStatus.OK not in found.values()


@pytest.mark.parametrize("kind", FAULTS)
def test_without_a_token_nothing_is_ok(kind: str, world: World) -> None:
    spec = local(world)
    world.timeout = _PATIENCE
    world.faults.on_all(ENTRA, FAULTS[kind])
    found = world.report(spec)
    assert {result.status for result in found} <= {CheckStatus.UNKNOWN, CheckStatus.FAIL}
    assert [result.id for result in found if result.status is CheckStatus.FAIL] in (
        [],
        ["azure.credentials"],
    )


def test_questions_are_asked_at_the_same_time(world: World) -> None:
    spec = local(world)
    world.faults.latency = 0.1
    world.report(spec)
    assert world.faults.busiest >= 4


def test_a_busy_azure_is_asked_once_more(world: World) -> None:
    spec = local(world)
    asked: list[str] = []

    def once(request, handler):  # type: ignore[no-untyped-def]
        asked.append(request.path)
        busy = len(asked) == 1
        return error(429, "TooManyRequests", **{"Retry-After": "0"}) if busy else handler(request)

    world.faults.on("/providers/microsoft.storage", once)
    assert world.check(spec, "azure.providers").status is CheckStatus.OK
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("describe", "call", "name"),
    [
        (azureml, "/workspaces/team-ml", "azure.workspace.exists"),
        (azureml, "/vaults/team", "azure.workspace.attached"),
        (azureml, "/keys/data", "azure.bucket.encryption"),
        (azureml, "/keys/images/versions/1", "azure.registry.encryption"),
        (azureml, "/resourcegroups/ml-platform", "azure.resource_group"),
        (azureml, "/containers/artifacts", "azure.bucket.exists"),
        (azureml, "/blobservices/default", "azure.bucket.versioning"),
        (kubernetes, "/managedclusters/prod", "azure.cluster.exists"),
        (local, "/providers/microsoft.storage", "azure.providers"),
    ],
)
def test_an_answer_about_something_else_is_none(
    describe: Callable[[World], BaseSpec], call: str, name: str, world: World
) -> None:
    spec = describe(world)
    world.faults.change(call, lambda body: body.update(id=f"{body['id']}-2"))
    result = world.check(spec, name)
    assert result.status is CheckStatus.UNKNOWN
    assert "is about something else" in result.why
