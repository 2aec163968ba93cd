"""Which tests should see a fault in which module. Edit this table when modules or tests move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

AWS = "kitaru_iac/clouds/aws"
GCP = "kitaru_iac/clouds/gcp"
AZURE = "kitaru_iac/clouds/azure"


class TableError(Exception):
    """The table does not fit the tree any more."""


@dataclass(frozen=True, slots=True)
class Target:
    """Modules, and the tests that should see a fault in them.

    Attributes:
        room: What the result is counted under.
        modules: Globs from the project's root.
        tests: Globs of test files and folders from the project's root. Of these, the tests that
            need a store or a cloud run last; those that need more than that are left out.
        only: An expression of pytest's `-k`, for files of which a part will do.
        clouds: Whether tests that ask for all clouds on loopback are run too, where no others
            see the room's judgements.
    """

    room: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    only: str = ""
    clouds: bool = False


TARGETS = (
    Target("spec", ("kitaru_iac/spec/**/*.py",), ("tests/spec",)),
    Target(
        "records: owner",
        ("kitaru_iac/records/owner.py",),
        (
            "tests/records/test_*_rules.py",
            "tests/stacks/test_*_rules.py",
            "tests/stacks/test_owner.py",
        ),
    ),
    Target(
        "records: compared",
        (
            "kitaru_iac/records/diff.py",
            "kitaru_iac/stacks/drift.py",
            "kitaru_iac/records/model.py",
            "kitaru_iac/records/parts.py",
        ),
        (
            "tests/records/test_*_rules.py",
            "tests/stacks/test_*_rules.py",
            "tests/clouds/*/test_records.py",
            "tests/records/test_apply.py",
            "tests/records/test_describe.py",
            "tests/pulumi/test_protocol.py",
        ),
        only="not any_write and not tidying",
    ),
    Target(
        "records: written",
        (
            "kitaru_iac/records/apply.py",
            "kitaru_iac/records/change.py",
            "kitaru_iac/records/read_back.py",
            "kitaru_iac/records/requests.py",
            "kitaru_iac/records/sharing.py",
            "kitaru_iac/stacks/delete.py",
            "kitaru_iac/stacks/removed_parts.py",
            "kitaru_iac/records/stored.py",
            "kitaru_iac/records/journal.py",
            "kitaru_iac/records/pending_deletes.py",
            "kitaru_iac/records/writer.py",
        ),
        (
            "tests/records/test_*_rules.py",
            "tests/stacks/test_*_rules.py",
            "tests/stacks/test_colleagues.py",
            "tests/records/test_apply.py",
            "tests/stacks/test_owner.py",
        ),
        # Of the scenes of failures and deaths, those that are not the longest.
        only="not (death and (method or replace or aws))"
        " and not (method and (any_write or tidying))",
    ),
    Target(
        "records: recovery",
        ("kitaru_iac/records/recovery.py",),
        ("tests/records/test_*_rules.py", "tests/records/test_apply.py"),
        only="rules or (death and not method and not aws)",
    ),
    Target(
        "records: looked up",
        tuple(
            f"kitaru_iac/records/{name}.py"
            for name in (
                *("connector_checks", "lost", "names", "preflight", "rename", "snapshot"),
                *("taken_names", "unlabelled"),
            )
        ),
        (
            "tests/records/test_*_rules.py",
            "tests/records/test_connector_checks.py",
            "tests/records/test_finding.py",
            "tests/records/test_preflight.py",
            "tests/stacks/test_foreign_parts.py",
            "tests/stacks/test_interrupts.py",
        ),
    ),
    Target(
        "stacks",
        ("kitaru_iac/stacks/clean.py", "kitaru_iac/stacks/reconcile.py"),
        (
            "tests/stacks/test_*_rules.py",
            "tests/stacks/test_interrupts.py",
            "tests/stacks/test_memory_as_local.py",
            "tests/stacks/test_together.py",
        ),
    ),
    Target("plan", ("kitaru_iac/plan/*.py",), ("tests/plan", "tests/render/test_plan.py")),
    Target("render", ("kitaru_iac/render/*.py",), ("tests/render",)),
    Target(
        "machine",
        tuple(
            f"kitaru_iac/machine/{name}.py"
            for name in (
                "active_scope",
                "interrupts",
                "local_database",
                "locks",
                "settings",
                "store_choice",
                "store_location",
                "unfinished",
            )
        ),
        (
            "tests/machine",
            "tests/gateway/test_guard.py",
            "tests/gateway/test_local_store.py",
            "tests/stacks/test_interrupts.py",
            "tests/stacks/test_locks.py",
        ),
        # Of the stores that are made anew, one. ZenML has settings in a process that has it loaded.
        only="not first_command and not flavors and not tables and not half_made"
        " and not in_this_process or stamp",
    ),
    Target(
        "gateway: http",
        tuple(
            f"kitaru_iac/gateway/{name}.py"
            for name in ("failures", "guards", "http", "routes", "watch", "wire")
        ),
        (
            "tests/gateway/test_watch_rules.py",
            "tests/gateway/test_http.py",
            "tests/gateway/test_answers.py",
        ),
    ),
    Target(
        "gateway: rest",
        tuple(
            f"kitaru_iac/gateway/{name}.py"
            for name in (
                "answers",
                "flavor_schema",
                "lookup",
                "opening",
                "rest_documents",
                "session",
                "versions",
            )
        ),
        (
            "tests/gateway/test_*_rules.py",
            "tests/gateway/test_answers.py",
            "tests/gateway/test_lookup.py",
            "tests/gateway/test_opening.py",
            "tests/gateway/test_rest.py",
            "tests/gateway/test_versions.py",
        ),
    ),
    Target(
        "checks",
        ("kitaru_iac/checks/*.py",),
        ("tests/checks",),
    ),
    Target(
        "infrastructure: ownership",
        ("kitaru_iac/infrastructure/ownership.py",),
        ("tests/infrastructure/test_*_rules.py",),
    ),
    Target("aws: trust", (f"{AWS}/trust.py",), ("tests/clouds/aws/test_trust*.py",)),
    Target(
        "aws: permissions",
        (
            f"{AWS}/documents.py",
            f"{AWS}/permission_table.py",
            f"{AWS}/permissions.py",
            f"{AWS}/simulate.py",
        ),
        (
            "tests/clouds/aws/test_*_rules.py",
            "tests/clouds/aws/test_permissions.py",
            "tests/clouds/aws/test_verify.py",
        ),
    ),
    Target(
        "aws: checks",
        (f"{AWS}/explain.py", f"{AWS}/verify_*.py"),
        (
            "tests/clouds/aws/test_*_rules.py",
            "tests/clouds/aws/test_verify.py",
            "tests/clouds/aws/test_every_check.py",
        ),
    ),
    Target(
        "aws: provision",
        (
            f"{AWS}/provision/account.py",
            f"{AWS}/provision/layout.py",
            f"{AWS}/provision/names.py",
            f"{AWS}/provision/subnets.py",
        ),
        tuple(f"tests/clouds/aws/test_{name}.py" for name in ("layout_rules", "layout", "account")),
    ),
    Target(
        "gcp: checks",
        (f"{GCP}/explain.py", f"{GCP}/trust.py", f"{GCP}/verify*.py"),
        (
            "tests/clouds/gcp/test_*rules.py",
            "tests/clouds/gcp/test_every_check.py",
        ),
        clouds=True,
    ),
    Target(
        "gcp: provision",
        (
            f"{GCP}/permissions.py",
            *(f"{GCP}/provision/{name}.py" for name in ("labels", "layout", "marked", "ownership")),
        ),
        (
            "tests/clouds/gcp/test_*rules.py",
            "tests/clouds/gcp/test_permissions.py",
            "tests/clouds/gcp/test_ownership.py",
        ),
        clouds=True,
    ),
    Target(
        "azure: checks",
        (f"{AZURE}/decisions.py", f"{AZURE}/explain.py", f"{AZURE}/verify*.py"),
        (
            "tests/clouds/azure/test_*_rules.py",
            "tests/clouds/azure/test_rights.py",
            "tests/clouds/azure/test_every_check.py",
        ),
    ),
    Target(
        "azure: provision",
        (
            f"{AZURE}/permissions.py",
            *(
                f"{AZURE}/provision/{name}.py"
                for name in ("grants", "holdings", "layout", "marked", "ownership")
            ),
        ),
        (
            "tests/clouds/azure/test_owned_rules.py",
            "tests/clouds/azure/test_layout.py",
            "tests/clouds/azure/test_one_table.py",
            "tests/clouds/azure/test_ownership.py",
        ),
    ),
    Target(
        "engine",
        (
            "kitaru_iac/engine/errors.py",
            "kitaru_iac/engine/events.py",
            "kitaru_iac/engine/pending.py",
        ),
        (
            "tests/engine/test_*_rules.py",
            "tests/engine/test_errors.py",
            "tests/engine/test_events.py",
            "tests/engine/test_leavings.py",
        ),
    ),
    Target(
        "pulumi: plugin",
        tuple(
            f"kitaru_iac/pulumi/plugin/{name}.py"
            for name in ("changes", "check", "properties", "reading", "runs", "stacks")
        ),
        (
            "tests/pulumi/test_*_rules.py",
            "tests/pulumi/test_inputs.py",
            "tests/pulumi/test_protocol.py",
            "tests/pulumi/test_schema.py",
            "tests/pulumi/test_wire.py",
        ),
    ),
)


def modules(root: Path, only: Sequence[str] = ()) -> dict[Target, list[str]]:
    """The modules of each target as paths from the root; `only` are globs that narrow them.

    Raises:
        TableError: A glob matches nothing, or a module is in two targets.
    """
    found: dict[Target, list[str]] = {}
    owner: dict[str, Target] = {}
    for target in TARGETS:
        for glob in target.modules:
            paths = sorted(p.relative_to(root).as_posix() for p in root.glob(glob))
            if not paths:
                raise TableError(f"{glob} (of '{target.room}') matches no module: mend targets.py")
            for path in paths:
                if path in owner:
                    raise TableError(f"{path} is in '{owner[path].room}' and in '{target.room}'")
                owner[path] = target
    unmatched = set(only)
    for path, target in owner.items():
        wanted = {glob for glob in only if fnmatchcase(path, glob)}
        wanted |= {glob for glob in only if fnmatchcase(path, f"kitaru_iac/{glob}")}
        unmatched -= wanted
        if wanted or not only:
            found.setdefault(target, []).append(path)
    if unmatched:
        raise TableError(f"--only {min(unmatched)} matches no module of the table")
    return found


def chosen_tests(root: Path, target: Target) -> list[str]:
    """The test files and folders of a target.

    Raises:
        TableError: A glob matches nothing.
    """
    found: list[str] = []
    for glob in target.tests:
        paths = sorted(path.relative_to(root).as_posix() for path in root.glob(glob))
        if not paths:
            raise TableError(f"{glob} (of '{target.room}') matches no test: mend targets.py")
        found += paths
    return found
