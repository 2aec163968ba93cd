"""Every text of the engine's that is known, and the error that it becomes."""

from __future__ import annotations

import pytest

from kitaru_iac.engine import errors
from kitaru_iac.engine.errors import mapped, read_locks
from kitaru_iac.engine.events import Diagnostic
from kitaru_iac.errors import EngineError, ExitCode

ROLE = "urn:pulumi:s::p::aws:iam/role:Role::role"


def an_error(text: str, *said: str, **more: object) -> EngineError:
    return mapped(
        Exception(f"\n code: 255\n stdout: \n stderr: {text}"),
        stack="prod",
        backend="file:///state",
        doing="do it",
        diagnostics=[Diagnostic("error", line, ROLE) for line in said],
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("error: the stack is currently locked by 1 lock(s). Either wait", errors.StateLocked),
        ("error: [409] Conflict: Another update is currently in progress.", errors.StateLocked),
        ("error: incorrect passphrase", errors.WrongPassphrase),
        ("error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE", errors.PassphraseMissing),
        (
            "error: no resource plugin 'pulumi-resource-aws' found in the workspace",
            errors.PluginMissing,
        ),
        ("error: could not get cloud url: no such file or directory", errors.BackendUnusable),
        ("error: problem logging in: unable to open bucket s3://x", errors.BackendUnusable),
        ("error: something else", errors.UpdateFailed),
    ],
)
def test_each_text_is_its_own_error(text: str, kind: type[EngineError]) -> None:
    error = an_error(text)
    assert type(error) is kind
    assert error.remedy
    assert error.exit_code is ExitCode.FAILED


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("no resource plugin 'pulumi-resource-aws' found in the workspace or on your $PATH", None),
        (
            "no resource plugin 'pulumi-resource-aws' found in the workspace at version v7.51.1",
            "7.51.1",
        ),
        ("resource plugin aws-7.51.1 not found", "7.51.1"),
    ],
)
def test_the_remedy_names_the_version_that_is_missing(said: str, version: str | None) -> None:
    command = "pulumi plugin install resource aws" + (f" v{version}" if version else "")
    assert str(an_error(f"error: {said}").remedy).endswith(command)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("no valid credential sources for aws found", errors.CredentialsMissing),
        ("ExpiredToken: the token is expired", errors.CredentialsMissing),
        ('resource "x" cannot be deleted because it is protected', errors.ResourceProtected),
        ("AccessDenied: not authorized to perform iam:CreateRole", errors.UpdateFailed),
    ],
)
def test_each_diagnostic_is_its_own_error(said: str, kind: type[EngineError]) -> None:
    error = an_error("", said, "update failed", failed=[ROLE])
    assert type(error) is kind
    assert f"role (aws:iam/role:Role): {said}" in str(error)
    assert "update failed" not in str(error)


def test_a_lock_names_its_holders() -> None:
    text = (
        "the stack is currently locked by 2 lock(s). Either wait for the other process(es) to end "
        "or delete the lock file with `pulumi cancel`.\n"
        "  file:///a/1.json: created by eve@host-1 (pid 12) at 2026-01-01T00:00:00Z\n"
        "  file:///a/2.json: created by CORP\\bob@host.example (pid 345) at 2026-01-01T00:00:00Z"
    )
    assert [(lock.user, lock.host, lock.pid) for lock in read_locks(text)] == [
        ("eve", "host-1", 12),
        ("CORP\\bob", "host.example", 345),
    ]
    error = an_error(text)
    assert "process 12 of eve on host-1" in str(error)
    assert "PULUMI_BACKEND_URL=file:///state pulumi cancel --stack prod" in str(error)


def test_the_plugin_and_its_version_are_told() -> None:
    error = an_error(
        "error: could not load plugin for aws provider: no resource plugin 'pulumi-resource-aws' "
        "found in the workspace at version v7.51.1 or on your $PATH"
    )
    assert "plugin aws" in str(error)
    assert "pulumi plugin install resource aws" in str(error)


def test_our_own_errors_pass_unchanged() -> None:
    own = errors.PassphraseMissing("s3://x")
    assert mapped(own, stack="s", backend="b", doing="d") is own


def test_secrets_are_hidden_wherever_they_stand() -> None:
    error = an_error("error: the key hunter2hunter2 is wrong", hide=["hunter2hunter2", ""])
    assert "(secret)" in str(error)
    assert "hunter2" not in str(error)


def test_cancelling_ends_as_an_interruption() -> None:
    assert errors.UpdateCancelled("x").exit_code is ExitCode.INTERRUPTED
