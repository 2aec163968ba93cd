"""What the engine's texts mean, each from several of them; and what its events make of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.engine import errors
from kitaru_iac.engine.errors import Lock, mapped, read_locks
from kitaru_iac.engine.events import (
    Diagnostic,
    Recording,
    ResourceChange,
    name_of,
    steps,
    type_of,
)
from kitaru_iac.errors import EngineError, ExitCode
from kitaru_iac.plan.model import Action, Change, Layer, Step

STACK = "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"
PROVIDER = "urn:pulumi:s::p::pulumi:providers:aws::aws"
COMPONENT = "urn:pulumi:s::p::kitaru:aws:Infrastructure::stack"
ROLE = "urn:pulumi:s::p::kitaru:aws:Infrastructure$aws:iam/role:Role::role"
BUCKET = "urn:pulumi:s::p::kitaru:aws:Infrastructure$aws:s3/bucket:Bucket::bucket"


def raised(stderr: str) -> Exception:
    """What the SDK raises, with the engine's words in it."""
    return Exception(f"\n code: 255\n stdout: Updating (prod):\n\n stderr: {stderr}")


def told(stderr: str = "", *said: Diagnostic, **more: Any) -> EngineError:
    """The error that the engine's words become."""
    return mapped(
        raised(stderr),
        **{"stack": "prod", "backend": "file:///state", "doing": "do it", **more},
        diagnostics=said,
    )


def by(message: str, urn: str | None = ROLE, severity: str = "error") -> Diagnostic:
    """What was said about a resource."""
    return Diagnostic(severity, message, urn)


# -- the class of an error -------------------------------------------------------------------------

OF_THE_ENGINE: Mapping[type[EngineError], Sequence[str]] = {
    errors.StateLocked: (
        (
            "error: the stack is currently locked by 1 lock(s). Either wait for the other "
            "process(es) to end or delete the lock file with `pulumi cancel`.\n"
            "  file:///s/.pulumi/locks/x.json: created by eve@host (pid 12) at 2026-01-01T00:00:00Z"
        ),
        (
            "error: [409] Conflict: Another update is currently in progress.\nTo learn more about "
            "possible reasons and resolution, visit https://www.pulumi.com/docs/troubleshooting/"
        ),
    ),
    errors.WrongPassphrase: (
        (
            "error: getting secrets manager: passphrase must be set with PULUMI_CONFIG_PASSPHRASE "
            "or PULUMI_CONFIG_PASSPHRASE_FILE environment variables: incorrect passphrase"
        ),
        (
            'error: constructing secrets manager of type "passphrase": unable to find either '
            "`PULUMI_CONFIG_PASSPHRASE` nor `PULUMI_CONFIG_PASSPHRASE_FILE`: Incorrect passphrase"
        ),
        (
            "error: could not deserialize deployment: [aws:secret]: cipher: message authentication "
            "failed"
        ),
    ),
    errors.PassphraseMissing: (
        (
            "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or "
            "PULUMI_CONFIG_PASSPHRASE_FILE environment variables"
        ),
    ),
    errors.PluginMissing: (
        "error: no resource plugin 'pulumi-resource-aws' found in the workspace or on your $PATH",
        (
            "error: could not load plugin for aws provider 'urn:…': no resource plugin "
            "'pulumi-resource-aws' found in the workspace at version v7.51.1 or on your $PATH, "
            "install the plugin using `pulumi plugin install resource aws v7.51.1`"
        ),
        "error: resource plugin aws-7.51.1 not found",
        "error: plugin 'resource-aws' could not be loaded",
        "error: resource plugin aws could not be found",
    ),
    errors.BackendUnusable: (
        "error: could not get cloud url: unknown",
        'error: problem logging in: read ".pulumi/meta.yaml": blob (code=Unknown)',
        "error: unable to open bucket s3://x: open bucket s3://x: no region",
        "error: could not list bucket: blob (code=NotFound): NoSuchBucket",
        "error: unable to check if bucket file:///x is accessible: ",
        "error: could not read meta: blob (code=Unknown): AccessDenied",
        "error: open /state/.pulumi/stacks/p/prod.json: no such file or directory",
        "error: open /state/.pulumi/locks/x.json: permission denied",
        "error: mkdir /state/.pulumi: read-only file system",
    ),
    errors.UpdateFailed: (
        "error: something that nobody knows",
        "error: the permission was denied by somebody",
        "",
    ),
}
ROWS = [(kind, text) for kind, texts in OF_THE_ENGINE.items() for text in texts]


@pytest.mark.parametrize(("kind", "text"), ROWS)
def test_each_text_of_the_engine_is_its_own_error(kind: type[EngineError], text: str) -> None:
    for words in (text, text.replace("error: ", "error: update failed: ")):
        error = told(words)
        assert type(error) is kind
        assert error.remedy
        assert error.exit_code is ExitCode.FAILED


@pytest.mark.parametrize(
    ("kind", "text"),
    [row for row in ROWS if row[0] is errors.StateLocked or row[0] is errors.WrongPassphrase],
)
def test_a_state_that_cannot_be_used_is_told_from_the_diagnostics_too(
    kind: type[EngineError], text: str
) -> None:
    assert type(told("", by(text.removeprefix("error: "), STACK))) is kind


OF_A_PROVIDER: Mapping[type[EngineError], Sequence[str]] = {
    errors.CredentialsMissing: (
        "No valid credential sources found. Please see https://registry.terraform.io/",
        "unable to validate AWS credentials. Details: No valid credential sources found.",
        "NoCredentialProviders: no valid providers in chain. Deprecated.",
        "api error InvalidClientTokenId: The security token included in the request is invalid.",
        "operation error STS: GetCallerIdentity, api error ExpiredToken: The token is expired",
        "api error SignatureDoesNotMatch: The request signature we calculated does not match",
        "failed to refresh cached credentials, no EC2 IMDS role found",
        "DefaultAzureCredential: failed to acquire a token. Attempted credentials:",
        "google: could not find default credentials. See https://cloud.google.com/docs/",
    ),
    errors.ResourceProtected: (
        (
            'resource "urn:…::bucket" cannot be deleted because it is protected. To unprotect it, '
            "either remove the `protect` flag from the resource in your Pulumi program"
        ),
        (
            'unable to delete resource "urn:…::bucket": as it is currently marked for protection: '
            "resource is protected"
        ),
        "refusing to delete protected resource 'urn:…::bucket'",
    ),
    errors.UpdateFailed: (
        "creating IAM Role (x): AccessDenied: not authorized to perform iam:CreateRole",
        "fork/exec /usr/bin/docker: permission denied",
        "open /root/.aws/config: permission denied",
        "reading template: open template.json: no such file or directory",
        "open /var/cache/x: read-only file system",
        "could not list bucket contents: AccessDenied",
        "error: could not get cloud URL of the repository",
        "the token of this month expired",
    ),
}


@pytest.mark.parametrize(
    ("kind", "said"), [(kind, said) for kind, texts in OF_A_PROVIDER.items() for said in texts]
)
def test_what_a_provider_says_is_never_told_as_a_fault_of_the_state(
    kind: type[EngineError], said: str
) -> None:
    for stderr in ("", "error: update failed"):
        error = told(stderr, by(said), by("update failed", STACK), failed=[ROLE])
        assert type(error) is kind
        assert f"role (aws:iam/role:Role): {said}" in str(error.why)
        assert "update failed" not in str(error)
        assert "cannot be read" not in str(error)
        assert "file:///state" not in str(error.where)


def test_a_fault_of_the_state_stands_in_no_diagnostic() -> None:
    text = "error: open /state/x.json: permission denied"
    error = told(text, by("permission denied on a cache", severity="warning"))
    assert type(error) is errors.BackendUnusable
    assert (error.where, error.why) == ("file:///state", "open /state/x.json: permission denied")
    assert "PULUMI_BACKEND_URL" in str(error.remedy)


def test_a_fault_of_the_state_without_words_has_no_reason() -> None:
    text = "a\n stdout: permission denied\n stderr: "
    error = mapped(Exception(text), stack="prod", backend="file:///state", doing="do it")
    assert type(error) is errors.BackendUnusable
    assert error.why is None


@pytest.mark.parametrize("severity", ["warning", "info", "debug"])
def test_only_errors_among_the_diagnostics_decide(severity: str) -> None:
    for texts in OF_A_PROVIDER.values():
        found = told("error: x", *(by(text, severity=severity) for text in texts))
        assert type(found) is errors.UpdateFailed
        assert found.why == "x"


def test_how_to_go_on_is_said_by_class() -> None:
    protected = told("", by("it is protected"))
    assert "PULUMI_BACKEND_URL=file:///state pulumi state unprotect --stack prod URN" in (
        str(protected.remedy)
    )
    known = told("", by("expiredtoken"), log_in="nimbus login")
    assert known.remedy == "Log in (`nimbus login`), or give --credentials."
    assert told("", by("expiredtoken")).remedy == "Log in to the cloud, or give --credentials."
    failed = told("error: x", resume="Do it like this.")
    assert (failed.what, failed.why, failed.remedy) == ("Could not do it", "x", "Do it like this.")
    assert "it resumes from here" in str(told("error: x").remedy)


def test_an_error_of_ours_is_handed_on_whatever_else_was_said() -> None:
    own = errors.UpdateCancelled("x")
    assert (
        mapped(own, stack="s", backend="b", doing="d", diagnostics=[by("incorrect passphrase")])
        is own
    )


# -- the lines of a failure ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "failed", "lines"),
    [
        ([by("no\n  more\t room")], [], ["role (aws:iam/role:Role): no more room"]),
        ([by("no", None)], [], ["no"]),
        ([by("no", STACK)], [], ["no"]),
        ([by("no", PROVIDER)], [], ["no"]),
        ([by("no", PROVIDER)], [PROVIDER], ["aws (pulumi:providers:aws): no"]),
        ([by("no", COMPONENT)], [], ["stack (kitaru:aws:Infrastructure): no"]),
        ([by("no"), by("no")], [], ["role (aws:iam/role:Role): no"]),
        ([by("update failed", STACK)], [], ["update failed"]),
        ([by("preview failed", STACK)], [], ["preview failed"]),
        ([by("update failed", STACK), by("no", None)], [], ["no"]),
        ([by("preview failed", STACK), by("no", None)], [], ["no"]),
        ([by("update failed: x", STACK), by("no", None)], [], ["update failed: x", "no"]),
        (
            [by("b"), by("a", BUCKET)],
            [],
            [
                "role (aws:iam/role:Role): b",
                "bucket (aws:s3/bucket:Bucket): a",
            ],
        ),
    ],
)
def test_each_failure_is_one_line_with_what_failed(
    said: list[Diagnostic], failed: list[str], lines: list[str]
) -> None:
    error = told("error: of the SDK", *said, failed=failed)
    assert isinstance(error, errors.UpdateFailed)
    assert list(error.failures) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n stderr: warning: x\nerror: one\n  error: two  \nthree", ["one", "two"]),
        ("a\n stderr: 1\n2\n\n3\n4\n", ["2", "3", "4"]),
        ("no streams: error", ["no streams: error"]),
        ("error: without streams", ["without streams"]),
        ("a\n stderr: ", []),
        ("", []),
    ],
)
def test_without_diagnostics_the_engines_last_words_are_the_failure(
    text: str, lines: list[str]
) -> None:
    error = mapped(Exception(text), stack="s", backend="b", doing="d")
    assert isinstance(error, errors.UpdateFailed)
    assert list(error.failures) == lines
    assert error.why == ("\n".join(lines) or None)


@pytest.mark.parametrize("text", ["hush is wrong", "ExpiredToken of hush", "hush is protected"])
def test_a_secret_is_hidden_in_every_class(text: str) -> None:
    for error in (
        told("", by(text), hide=["", "hush"]),
        told(f"error: {text}: permission denied", hide=["hush"]),
    ):
        assert "hush" not in str(error)
        assert "(secret)" in str(error)
    assert "hush" in str(told("", by(text), hide=[""]))


# -- what each class says --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "holders"),
    [
        (
            "created by eve@host-1 (pid 12) at 2026-01-01T00:00:00Z",
            ["process 12 of eve on host-1 since 2026-01-01T00:00:00Z"],
        ),
        (
            "a: created by CORP\\bob@h.example (pid 3) at x\nb: created by a.b@c (pid 4) at x",
            ["process 3 of CORP\\bob on h.example", "process 4 of a.b on c"],
        ),
        ("created by Eve Doe@home@h (pid 5) at x", ["process 5 of Eve Doe@home on h"]),
        ("created by eve (pid 12)", []),
        ("created by eve@host", []),
        ("", []),
    ],
)
def test_who_holds_a_state_is_read_from_the_text(text: str, holders: list[str]) -> None:
    locks = read_locks(text)
    assert list(map(str, locks)) == holders
    error = errors.StateLocked("prod", "s3://x", locks)
    assert error.locks == locks
    assert error.what.endswith(f"is locked by {', '.join(holders) or 'somebody else'}")
    assert "PULUMI_BACKEND_URL=s3://x pulumi cancel --stack prod" in str(error.remedy)


@pytest.mark.parametrize(
    ("backend", "project", "command"),
    [
        ("s3://x", "infra", "PULUMI_BACKEND_URL=s3://x pulumi cancel --stack organization/infra/a"),
        ("s3://x?a=1&b=2", "", "PULUMI_BACKEND_URL='s3://x?a=1&b=2' pulumi cancel --stack a"),
        # The service's organization is known to it alone.
        ("https://api", "infra", "PULUMI_BACKEND_URL=https://api pulumi cancel --stack a"),
    ],
)
def test_the_command_for_a_dead_holder_is_one_for_a_shell(
    backend: str, project: str, command: str
) -> None:
    assert str(errors.StateLocked("a", backend, project=project).remedy).endswith(command)


def test_a_holder_that_only_a_diagnostic_names_is_found() -> None:
    error = told("error: x", by("currently locked by: created by eve@host (pid 12)", STACK))
    assert isinstance(error, errors.StateLocked)
    assert [(lock.user, lock.host, lock.pid) for lock in error.locks] == [("eve", "host", 12)]
    assert isinstance(error.locks[0], Lock)


@pytest.mark.parametrize(
    ("set_", "source"),
    [
        ((), "The passphrase file is not the one"),
        (("PULUMI_CONFIG_PASSPHRASE",), "PULUMI_CONFIG_PASSPHRASE is not the one"),
        (("PULUMI_CONFIG_PASSPHRASE_FILE",), "PULUMI_CONFIG_PASSPHRASE_FILE is not the one"),
        (
            ("PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_CONFIG_PASSPHRASE"),
            "PULUMI_CONFIG_PASSPHRASE is not the one",
        ),
    ],
)
def test_a_wrong_passphrase_names_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch, set_: tuple[str, ...], source: str
) -> None:
    for name in set_:
        monkeypatch.setenv(name, "x")
    error = told("error: incorrect passphrase")
    assert str(error.why).startswith(source)
    assert error.where == "file:///state"


@pytest.mark.parametrize(
    ("text", "which", "command"),
    [
        ("resource plugin aws-7.51.1 not found", "aws 7.51.1", "resource aws v7.51.1"),
        ("plugin aws v7.51.1 not found", "aws 7.51.1", "resource aws v7.51.1"),
        ("plugin aws could not be loaded", "aws", "resource aws"),
        ("plugin 'pulumi-resource-azure-native' not found", "azure-native", "azure-native"),
        ("plugin 'resource-aws' could not be", "aws", "resource aws"),
        ("no resource plugin 'pulumi-resource-aws' found", "aws", "resource aws"),
        ("no resource plugin aws-7.51.1 found", "aws 7.51.1", "resource aws v7.51.1"),
        ("no resource plugin aws at version v7.51.1 found", "aws 7.51.1", "aws v7.51.1"),
    ],
)
def test_a_missing_plugin_is_named_with_the_command_that_brings_it(
    text: str, which: str, command: str
) -> None:
    for error in (told(f"error: {text}"), told("", by(text, PROVIDER))):
        assert error.what == f"The Pulumi plugin {which} is missing"
        assert str(error.remedy).endswith(command)
        assert error.why == "The engine could not download it."


def test_a_missing_plugin_may_say_why() -> None:
    assert errors.PluginMissing("aws", None, "No network.").why == "No network."


@pytest.mark.parametrize(("failures", "why"), [((), None), (["a"], "a"), (["a", "b"], "a\nb")])
def test_a_failed_update_lists_what_failed(failures: Sequence[str], why: str | None) -> None:
    error = errors.UpdateFailed("x", failures, remedy="y")
    assert (error.failures, error.why, error.remedy) == (tuple(failures), why, "y")


# -- events ----------------------------------------------------------------------------------------


def metadata(op: Any = "create", urn: str = BUCKET, **more: Any) -> Any:
    """What an event tells of a resource."""
    state = a_state(urn=urn)
    fields = {"old": state, "new": state, "detailed_diff": None, "diffs": None, "keys": None}
    return SimpleNamespace(**{"op": op, "urn": urn, **fields, **more})


def named(change: ResourceChange) -> tuple[str, ...]:
    return tuple(one.field for one in change.differing)


def a_state(**more: Any) -> Any:
    return SimpleNamespace(
        **{
            "id": "b",
            "urn": BUCKET,
            "custom": True,
            "protect": False,
            "retain_on_delete": False,
            "inputs": None,
            "outputs": None,
            **more,
        }
    )


def an_event(**more: Any) -> Any:
    kinds = ("diagnostic", "resource_pre", "res_outputs", "res_op_failed", "summary")
    return SimpleNamespace(**{**dict.fromkeys(f"{kind}_event" for kind in kinds), **more})


def recorded(*metadatas: Any, refreshing: bool = False) -> ResourceChange:
    """The one change that events about one resource make."""
    recording = Recording(refreshing)
    for each in metadatas:
        recording.take(an_event(resource_pre_event=SimpleNamespace(metadata=each)))
    (found,) = recording.changes
    return found


def diffs(**kinds: str) -> dict[str, Any]:
    return {name: SimpleNamespace(diff_kind=kind) for name, kind in kinds.items()}


ACTIONS = {
    "same": Action.KEEP, "read": Action.KEEP, "refresh": Action.KEEP,
    "create": Action.CREATE, "import": Action.CREATE,
    "update": Action.UPDATE, "nobody knows": Action.UPDATE,
    "replace": Action.REPLACE, "create-replacement": Action.REPLACE,
    "delete-replaced": Action.REPLACE, "read-replacement": Action.REPLACE,
    "import-replacement": Action.REPLACE, "discard-replaced": Action.REPLACE,
    "remove-pending-replace": Action.REPLACE,
    "delete": Action.DELETE, "discard": Action.DELETE, "read-discard": Action.DELETE,
}  # fmt: skip


@pytest.mark.parametrize("op", ACTIONS)
def test_each_operation_is_its_action_and_one_that_nobody_knows_a_change(op: str) -> None:
    for word in (op, SimpleNamespace(value=op)):
        found = recorded(metadata(word))
        assert (found.action, found.operation) == (ACTIONS[op], op)


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        ("same", "update", "update"),
        ("update", "same", "update"),
        ("update", "create", "create"),
        ("create", "update", "create"),
        ("create", "delete", "delete"),
        ("delete", "create", "delete"),
        ("delete", "replace", "replace"),
        ("replace", "delete", "replace"),
        ("refresh", "same", "refresh"),
    ],
)
def test_of_two_events_about_one_resource_the_stronger_stays(
    first: str, second: str, stays: str
) -> None:
    assert recorded(metadata(first), metadata(second)).operation == stays


def test_of_two_alike_the_one_that_names_properties_stays() -> None:
    one, other = metadata("update", diffs=["a"]), metadata("update", diffs=["b"])
    bare = metadata("update")
    assert named(recorded(one, bare)) == ("a",)
    assert named(recorded(bare, one)) == ("a",)
    assert named(recorded(one, other)) == ("b",)
    stronger = recorded(one, metadata("replace"))
    assert (stronger.action, named(stronger)) == (Action.REPLACE, ())


@pytest.mark.parametrize(
    ("op", "shown"),
    [("update", True), ("replace", True), ("create", False), ("delete", False), ("same", False)],
)
def test_only_a_change_in_place_or_a_replacement_names_properties(op: str, shown: bool) -> None:
    detailed = metadata(op, detailed_diff=diffs(b="update", a="add"), diffs=["x"])
    assert named(recorded(detailed)) == (("a", "b") if shown else ())
    brief = metadata(op, diffs=["x", "c"])
    assert named(recorded(brief)) == (("c", "x") if shown else ())


@pytest.mark.parametrize(
    ("detailed", "keys", "forcing"),
    [
        (diffs(a="update-replace", b="update"), None, ("a",)),
        (diffs(a="add-replace", b="delete-replace"), ["x"], ("a", "b")),
        (diffs(a="update"), ["y", "x"], ("x", "y")),
        (None, ["x"], ("x",)),
        (None, None, ()),
        ({"a": SimpleNamespace(diff_kind=SimpleNamespace(value="update-replace"))}, None, ("a",)),
    ],
)
def test_what_forces_a_replacement_is_told_by_its_kind_else_by_its_keys(
    detailed: Any, keys: list[str] | None, forcing: tuple[str, ...]
) -> None:
    assert recorded(metadata("replace", detailed_diff=detailed, keys=keys)).forcing == forcing


GONE = a_state(id="", urn="")


@pytest.mark.parametrize(
    ("refreshing", "op", "new", "changed", "action"),
    [
        (True, "refresh", None, False, Action.DELETE),
        (True, "refresh", GONE, False, Action.DELETE),
        (True, "refresh", a_state(id=""), False, Action.KEEP),
        (True, "refresh", a_state(urn=""), False, Action.KEEP),
        (True, "refresh", a_state(), True, Action.UPDATE),
        (True, "refresh", a_state(), False, Action.KEEP),
        (True, "refresh", None, True, Action.DELETE),
        (False, "refresh", None, False, Action.KEEP),
        (False, "refresh", a_state(), True, Action.KEEP),
        (True, "same", None, True, Action.KEEP),
    ],
)
def test_a_refresh_alone_tells_what_differs_in_the_cloud(
    refreshing: bool, op: str, new: Any, changed: bool, action: Action
) -> None:
    found = metadata(op, new=new, diffs=["a"] if changed else None)
    assert recorded(found, refreshing=refreshing).action is action


@pytest.mark.parametrize(
    ("op", "old", "new", "told"),
    [
        ("same", {"protect": True}, {}, [("protect", True, False)]),
        ("same", {}, {"protect": True}, [("protect", False, True)]),
        ("update", {"protect": True}, {}, [("protect", True, False)]),
        (
            "same",
            {},
            {"protect": True, "retain_on_delete": True},
            [("protect", False, True), ("retainOnDelete", False, True)],
        ),
        ("same", {"protect": True}, {"protect": True}, []),
        ("same", {"protect": None}, {"protect": False}, []),
        ("refresh", {"protect": True}, {}, []),
    ],
)
def test_whether_it_may_be_deleted_is_a_change_too(
    op: str, old: dict[str, Any], new: dict[str, Any], told: list[tuple[str, bool, bool]]
) -> None:
    found = recorded(metadata(op, old=a_state(**old), new=a_state(**new)))
    assert [(one.field, one.before, one.after) for one in found.differing] == told
    assert (found.action is Action.UPDATE) is bool(told or op == "update")
    assert recorded(metadata(op, old=None, new=a_state(**new))).differing == ()


@pytest.mark.parametrize(
    ("old", "new", "id", "protected", "custom"),
    [
        (None, None, None, False, True),
        (a_state(id="o", protect=True), None, "o", True, True),
        (None, a_state(id="n", custom=False), "n", False, False),
        (a_state(id="o", protect=True), a_state(id="n"), "n", False, True),
        (a_state(id="o"), a_state(id="", protect=True), "o", True, True),
        (a_state(custom=False, id=""), a_state(id=""), None, False, True),
    ],
)
def test_what_is_known_of_a_resource_is_its_new_state_else_its_old(
    old: Any, new: Any, id: str | None, protected: bool, custom: bool
) -> None:
    found = recorded(metadata("update", old=old, new=new))
    assert (found.id, found.protected, found.is_custom) == (id, protected, custom)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"action": Action.REPLACE, "operation": "replace", "forcing": ("a", "b")}, "a, b"),
        ({"action": Action.REPLACE, "operation": "replace"}, None),
        ({"action": Action.UPDATE, "operation": "update", "forcing": ("a",)}, None),
        ({"action": Action.CREATE, "operation": "import"}, "it exists, and is taken over"),
        (
            {"action": Action.REPLACE, "operation": "import-replacement", "forcing": ("a",)},
            "forced by a",
        ),
        ({"action": Action.UPDATE, "operation": "odd"}, "the engine calls it 'odd'"),
        ({"action": Action.KEEP, "operation": "same", "protected": True}, "protected"),
        ({"action": Action.KEEP, "operation": "same"}, None),
        ({"action": Action.UPDATE, "operation": "update", "protected": True}, None),
        ({"action": Action.CREATE, "operation": "import", "protected": True}, "taken over"),
    ],
)
def test_a_step_says_why_only_where_that_is_not_plain(
    change: dict[str, Any], reason: str | None
) -> None:
    found = ResourceChange(BUCKET, **change).step()
    assert (found.reason is None) is (reason is None)
    assert reason is None or str(found.reason).endswith(reason)


def test_a_step_is_called_as_the_cloud_calls_it() -> None:
    change = ResourceChange(
        BUCKET, Action.UPDATE, "update", differing=(Change("a"),), id="of-the-cloud"
    )
    expected = Step(
        Action.UPDATE,
        "aws:s3/bucket:Bucket",
        "of-the-cloud",
        Layer.INFRASTRUCTURE,
        (Change("a"),),
    )
    assert change.step() == expected
    assert change.step("given").name == "given"
    assert ResourceChange(BUCKET, Action.CREATE, "create").step().name == "bucket"


@pytest.mark.parametrize(
    ("urn", "custom", "shown"),
    [
        (BUCKET, True, True),
        (BUCKET, False, False),
        (COMPONENT, False, False),
        (STACK, True, False),
        (PROVIDER, True, False),
    ],
)
def test_only_things_of_the_cloud_are_steps(urn: str, custom: bool, shown: bool) -> None:
    change = ResourceChange(urn, Action.CREATE, "create", is_custom=custom)
    assert change.is_of_the_cloud is shown
    assert bool(steps([change])) is shown


def test_steps_are_in_the_order_of_names_and_then_of_types() -> None:
    def change(type: str, name: str) -> ResourceChange:
        return ResourceChange(f"urn:pulumi:s::p::{type}::{name}", Action.CREATE, "create")

    given = [change("aws:z:Z", "a"), change("aws:b:B", "b"), change("aws:a:A", "a")]
    assert [(s.name, s.kind) for s in steps(given, {"b": "0"})] == [
        ("a", "aws:a:A"),
        ("a", "aws:z:Z"),
        ("0", "aws:b:B"),
    ]


@pytest.mark.parametrize(
    ("urn", "type", "name"),
    [
        (BUCKET, "aws:s3/bucket:Bucket", "bucket"),
        ("urn:pulumi:s::p::a$b$c::n", "c", "n"),
        ("urn:pulumi:s::p::t::a::b", "t", "a::b"),
        ("urn:pulumi:s::p::t", "", "urn:pulumi:s::p::t"),
        ("", "", ""),
    ],
)
def test_a_resources_type_and_name_are_those_of_its_address(urn: str, type: str, name: str) -> None:
    assert (type_of(urn), name_of(urn)) == (type, name)


@pytest.mark.parametrize(
    ("seen", "summary", "missing"),
    [
        ([], None, ["the summary"]),
        ([], {}, []),
        (["create"], {"create": 1}, []),
        (["create"], {"create": 2}, ["1 create"]),
        (["create", "create"], {"create": 1}, []),
        ([], {"create": 2, "delete": 1}, ["2 create", "1 delete"]),
        (["refresh"], {"update": 1}, []),
        (["refresh"], {"update": 2}, ["1 update"]),
        (["refresh", "update"], {"update": 2}, []),
        (["update"], {"delete": 1}, ["1 delete"]),
        ([], {"same": 0}, []),
    ],
)
def test_what_was_counted_and_not_seen_is_missing(
    seen: list[str], summary: dict[str, int] | None, missing: list[str]
) -> None:
    recording = Recording()
    for number, op in enumerate(seen):
        event = SimpleNamespace(metadata=metadata(op, f"{BUCKET}-{number}"))
        recording.take(an_event(resource_pre_event=event))
    if summary is not None:
        recording.take(an_event(summary_event=SimpleNamespace(resource_changes=summary)))
    assert recording.missing() == missing


def test_a_resource_that_is_told_twice_is_seen_once() -> None:
    recording = Recording()
    for _ in range(2):
        recording.take(an_event(resource_pre_event=SimpleNamespace(metadata=metadata("create"))))
    recording.take(an_event(summary_event=SimpleNamespace(resource_changes={"create": 2})))
    assert recording.missing() == ["1 create"]
    empty = Recording()
    empty.take(an_event(summary_event=SimpleNamespace(resource_changes=None)))
    assert empty.missing() == []


@pytest.mark.parametrize(
    ("message", "ephemeral", "urn", "expected"),
    [
        ("bad", False, BUCKET, [("bad", BUCKET)]),
        ("bad", False, "", [("bad", None)]),
        ("bad", True, BUCKET, []),
        ("  \n", False, BUCKET, []),
        ("<{%reset%}>\n", False, BUCKET, []),
        ("<{%fg 1%}>bad<{%reset%}> <thing> 5%}", False, None, [("bad <thing> 5%}", None)]),
    ],
)
def test_what_was_said_is_kept_without_colours_if_it_says_anything(
    message: str, ephemeral: bool, urn: str | None, expected: list[tuple[str, str | None]]
) -> None:
    recording = Recording()
    said = SimpleNamespace(message=message, severity="info", urn=urn, ephemeral=ephemeral)
    recording.take(an_event(diagnostic_event=said))
    assert [(d.message, d.urn) for d in recording.diagnostics] == expected


def test_what_ended_and_what_failed_is_noted() -> None:
    recording = Recording()
    recording.take(an_event(res_outputs_event=SimpleNamespace(metadata=metadata("create"))))
    recording.take(an_event(res_op_failed_event=SimpleNamespace(metadata=metadata(urn=ROLE))))
    recording.take(an_event())
    assert (recording.done, recording.failed) == ([BUCKET], [ROLE])
    assert [change.urn for change in recording.changes] == [BUCKET]
