"""Why a check looked at nothing, and whether a connector is who looks: one row for each reason."""

from __future__ import annotations

from enum import StrEnum

import pytest

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.connector import unseen
from kitaru_iac.checks.model import CheckInfo, CheckStatus, Verdict, fail, ok, unknown
from kitaru_iac.checks.permissions import Conditions, Identity, Rows
from kitaru_iac.checks.probes import (
    Denied,
    NoCredentials,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    Unavailable,
)
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType

CATALOG = {"x.there": CheckInfo("x.there", "The thing is there.", "Without it nothing runs.")}
CALLER = Probe("who", lambda: "me")


def checklist() -> Checklist[str]:
    def grant(error: Denied, caller: Outcome[str]) -> str:
        return f"let {caller} do {error.permission}"

    return Checklist(CATALOG, CALLER, credentials="x.credentials", who_am_i="whoami", grant=grant)


def explained(error: ProbeError, caller: Outcome[str] = "me", create: str | None = None) -> Verdict:
    probe: Probe[str] = Probe("look", lambda: "there")
    check = checklist().check("x.there", "a thing", probe, lambda _: ok("there"), create=create)
    assert check.on_error is not None
    verdict = check.on_error(error, caller)
    assert verdict is not None
    return verdict


@pytest.mark.parametrize(
    ("error", "caller", "verdict"),
    [
        (
            Denied("403", permission="x:Look"),
            "me",
            unknown("not allowed to look: 403", "let me do x:Look", "x:Look"),
        ),
        (Unavailable("503"), "me", unknown("not looked at: 503", "whoami")),
        (Unavailable("503", "wait"), "me", unknown("not looked at: 503", "wait")),
        (NotFound("404"), "me", unknown("not looked at: 404", "whoami")),
        (Skipped("the role decides"), "me", unknown("the role decides", "whoami")),
        (
            NoCredentials("expired", "log in"),
            "me",
            unknown("not looked at without valid credentials (x.credentials): expired", "log in"),
        ),
        # What looks like a refusal hides that the credentials expired.
        (
            Denied("403", permission="x:Look"),
            NoCredentials("expired", "log in"),
            unknown("not looked at without valid credentials (x.credentials): expired", "log in"),
        ),
        (
            NoCredentials("none", "log in"),
            NoCredentials("expired", "renew"),
            unknown("not looked at without valid credentials (x.credentials): none", "log in"),
        ),
        (Unavailable("503"), Unavailable("away"), unknown("not looked at: 503", "whoami")),
    ],
)
def test_each_failure_of_a_probe_has_its_own_words(
    error: ProbeError, caller: Outcome[str], verdict: Verdict
) -> None:
    assert explained(error, caller) == verdict
    assert verdict.status is CheckStatus.UNKNOWN


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(NotFound("404"), "make it"), (Unavailable("503"), "whoami"), (Skipped("no"), "whoami")],
)
def test_what_is_not_there_is_made_and_nothing_else(error: ProbeError, remedy: str) -> None:
    assert explained(error, create="make it").remedy == remedy


@pytest.mark.parametrize("create", [None, "make it"])
@pytest.mark.parametrize("evaluated", [None, fail("it is gone", "put it back")])
def test_what_a_check_says_of_its_own_failure_comes_before_every_other_word(
    create: str | None, evaluated: Verdict | None
) -> None:
    heard: list[ProbeError] = []

    def on_error(error: ProbeError) -> Verdict | None:
        heard.append(error)
        return evaluated

    probe: Probe[str] = Probe("look", lambda: "there")
    check = checklist().check("x.there", "a thing", probe, lambda _: ok("there"), on_error, create)
    assert check.on_error is not None
    missing = NotFound("404")
    expected = evaluated or unknown("not looked at: 404", create or "whoami")
    assert check.on_error(missing, "me") == expected
    assert heard == [missing]
    assert check.subject == "a thing"


class Part(StrEnum):
    BUCKET = "bucket"


class When(StrEnum):
    ALWAYS = "always"
    PRIVATE = "private"


@pytest.mark.parametrize("conditions", [None, {"StringEquals": {"x:Region": "here"}}])
def test_the_rows_of_a_table_keep_their_conditions(conditions: Conditions | None) -> None:
    rows: Rows[Part, When] = Rows(When.ALWAYS)
    (row,) = rows(
        Identity.RUNTIME, Part.BUCKET, frozenset(StackType), {"x:Look": "it"}, conditions=conditions
    )
    assert (row.when, row.conditions) == (When.ALWAYS, conditions or {})


def test_each_action_is_a_row_with_its_use_and_its_own_case() -> None:
    rows: Rows[Part, When] = Rows(When.ALWAYS)
    uses = {"x:Look": "it", "x:Write": "them"}
    found = rows(Identity.RUNTIME, Part.BUCKET, frozenset(StackType), uses, when=When.PRIVATE)
    assert [(row.action, row.used_by) for row in found] == list(uses.items())
    assert {(row.identity, row.resource, row.types, row.when) for row in found} == {
        (Identity.RUNTIME, Part.BUCKET, frozenset(StackType), When.PRIVATE)
    }


REMOTE = {
    "name": "prod",
    "type": "kubernetes",
    "artifact_store": "s3://team-data/k",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team",
    "cluster": "prod",
    "region": "eu-west-1",
}
LOCAL = {"name": "dev", "type": "local", "artifact_store": "s3://team-data/k"}
SERVER = "https://zenml.example.com"


@pytest.mark.parametrize(
    ("description", "server", "whose", "told"),
    [
        (REMOTE, None, "its own identity", None),
        (REMOTE, SERVER, None, None),
        ({**REMOTE, "connector": "team"}, None, None, "the stack uses the connector team, whose"),
        ({**LOCAL, "connector": "team"}, SERVER, "its own identity", "uses the connector team"),
        (REMOTE, SERVER, "its own identity", f"the stack is stored in {SERVER}"),
        # The flow runs here, with what is here: no connector stands between.
        (LOCAL, SERVER, "its own identity", None),
        (
            {**LOCAL, "credentials": "aws-profile:team", "region": "eu-west-1"},
            SERVER,
            "a profile there",
            "credentials are a profile there, not",
        ),
    ],
)
def test_a_connector_is_who_looks_or_it_is_said_why_not(
    description: dict[str, str], server: str | None, whose: str | None, told: str | None
) -> None:
    found = unseen(from_mapping(description), server, whose)
    assert (found is None) == (told is None)
    assert told is None or (found is not None and told in found)
