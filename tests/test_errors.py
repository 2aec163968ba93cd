"""Every error and warning of the package: in the drawn tree, with a code that stays as it is."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import kitaru_iac
from kitaru_iac import errors, notices
from kitaru_iac.errors import KitaruError
from kitaru_iac.errors.base import in_sentences
from kitaru_iac.notices import KitaruWarning

PACKAGE = Path(kitaru_iac.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "errors.md"

#: Programs match on these. A code is added here; none is ever changed or taken away.
CODES = {
    "active_replaced",
    "active_stack_missing",
    "address_shortened",
    "already_exists",
    "answer_lost",
    "backend_unusable",
    "check_failed",
    "confirmation_needed",
    "credentials_expire",
    "credentials_missing",
    "credentials_readable",
    "deployment_elsewhere",
    "description_invalid",
    "engine_failed",
    "engine_not_found",
    "engine_not_installed",
    "engine_too_old",
    "engine_unusable",
    "events_incomplete",
    "failed",
    "field_ignored",
    "file_not_written",
    "flow_failed",
    "flow_not_finished",
    "flow_timeout",
    "host_failed",
    "implicit_auth_disabled",
    "inputs_refused",
    "internal_error",
    "interrupted",
    "left_repaired",
    "left_to_do",
    "local_credentials",
    "missing_packages",
    "namespace_not_made",
    "no_active_project",
    "not_allowed",
    "not_connected",
    "not_found",
    "not_pruned",
    "not_ready_yet",
    "remains_unknown",
    "not_verified",
    "owned_by_pulumi",
    "part_kept",
    "part_shared",
    "partial_update",
    "plan_invalid",
    "plan_moved",
    "passphrase_missing",
    "plugin_missing",
    "preflight_failed",
    "prune_refused",
    "registration_failed",
    "resource_protected",
    "secrets_not_compared",
    "selection_overridden",
    "settings_damaged",
    "settings_unreadable",
    "stack_changed",
    "stack_not_found",
    "stack_not_managed",
    "stack_protected",
    "stack_taken_over",
    "state_damaged",
    "state_foreign",
    "state_locked",
    "infrastructure_remains",
    "deployment_not_found",
    "store_is_local",
    "store_not_created",
    "update_cancelled",
    "update_failed",
    "usage_error",
    "variable_ignored",
    "version_mismatch",
    "warning",
    "wrong_passphrase",
}


class Drawn(NamedTuple):
    """A line of the tree."""

    parent: str | None
    code: str | None
    exit_code: str | None


def drawn() -> dict[str, Drawn]:
    """The tree as the module draws it."""
    found: dict[str, Drawn] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        row = re.match(r"^    ([│ ]*[├└]── )?(\w+)(?: +([a-z_]+) +(\d+|-)(?= |$))?", line)
        if row is None:
            continue
        branch, name, code, exit_code = row.groups()
        del above[len(branch or "") // 4 :]
        found[name] = Drawn(above[-1] if above else None, code, exit_code)
        above.append(name)
    return found


class Written(NamedTuple):
    """A class of the package."""

    name: str
    module: str
    bases: tuple[str, ...]


def written(package: Path) -> list[Written]:
    """Every class of the package that is raised or warned with."""
    classes = []
    for path in sorted(package.rglob("*.py")):
        module = ".".join(path.relative_to(package.parent).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases)
                classes.append(Written(node.name, module.removesuffix(".__init__"), bases))

    def is_raised(name: str, below: frozenset[str] = frozenset()) -> bool:
        known = getattr(builtins, name, None)
        if isinstance(known, type):
            return issubclass(known, BaseException)
        ours = [cls for cls in classes if cls.name == name]
        if not ours or name in below:  # a base of the same name is somebody else's
            return name.endswith(("Error", "Exception", "Warning", "Exit", "Interrupt"))
        return any(is_raised(base, below | {name}) for cls in ours for base in cls.bases)

    return [cls for cls in classes if any(is_raised(b, frozenset({cls.name})) for b in cls.bases)]


def load(cls: Written) -> type:
    found: type = getattr(importlib.import_module(cls.module), cls.name)
    return found


def loaded() -> list[type]:
    """The classes that have a code."""
    return [cls for cls in map(load, written(PACKAGE)) if hasattr(cls, "code")]


def documented() -> dict[str, str]:
    """Each code of the reference page, with the exit code beside it."""
    page = PAGE.read_text(encoding="utf-8")
    errors_part, _, warnings_part = page.partition("\n## Warnings")
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| \S.*? \| \S.*? \|$", errors_part, re.MULTILINE)
    of_warnings = re.findall(r"^\| `(\w+)` \| \S.*? \| \S.*? \|$", warnings_part, re.MULTILINE)
    codes = [code for code, _ in rows] + of_warnings
    assert len(codes) == len(set(codes))
    return {**dict(rows), **dict.fromkeys(of_warnings, "-")}


def test_every_class_is_drawn_under_its_base() -> None:
    tree = drawn()
    for name, module, bases in written(PACKAGE):
        assert name in tree, f"{module}.{name} is not in the tree of kitaru_iac.errors"
        parent = tree[name].parent
        assert parent is None or parent in bases, f"{name} is drawn under {parent}"


def test_names_of_errors_are_told_apart() -> None:
    names = [cls.name for cls in written(PACKAGE)]
    assert sorted(names) == sorted(set(names))


def test_the_tree_draws_nothing_else() -> None:
    foreign = {"RunError"}  # Pulumi's
    classes = {cls.name for cls in written(PACKAGE)}
    assert not {n for n in drawn() if n not in classes and not hasattr(builtins, n)} - foreign


def test_what_reaches_a_caller_has_a_code_of_its_own() -> None:
    tree = drawn()
    for found in written(PACKAGE):
        name, cls = found.name, load(found)
        assert vars(cls).get("code") == tree[name].code, name
        if issubclass(cls, KitaruError):
            assert tree[name].exit_code == str(int(cls.exit_code)), name
        else:
            assert tree[name].exit_code in {None, "-"}, name
    assert all("code" in vars(cls) for cls in loaded())


def test_codes_are_unique_lower_case_and_stay() -> None:
    codes = [cls.code for cls in loaded()]
    assert sorted(codes) == sorted(CODES)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_every_code_is_documented_with_its_exit_code() -> None:
    tree = drawn().values()
    assert documented() == {row.code: row.exit_code for row in tree if row.code}


def test_a_class_outside_the_tree_and_one_of_a_foreign_base_are_seen(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text(
        "class Base(Exception): ...\nclass Far(Base): ...\n"
        "class Alien(pulumi.RunError): ...\nclass Plain: ...\nclass Kind(StrEnum): ...\n"
        "class Context(ssl.Context): ...\nclass OldError(other.OldError): ...\n"
    )
    assert {cls.name for cls in written(tmp_path)} == {"Base", "Far", "Alien", "OldError"}


def test_an_error_carries_its_code() -> None:
    error = errors.StackNotFound("No stack")
    assert error.to_dict() == {
        "code": "stack_not_found",
        "message": "No stack",
        "type": "StackNotFound",
    }
    assert errors.InternalError("ValueError: x").what == "Unexpected ValueError: x"


@pytest.mark.parametrize("name", notices.__all__)
def test_each_kind_of_warning_is_given_somewhere(name: str) -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.name != "notices.py"
    )
    assert name == "KitaruWarning" or f"{name}(" in code


def test_warnings_are_equal_by_kind_and_text() -> None:
    one = notices.StoreIsLocal("here")
    assert one == notices.StoreIsLocal("here")
    assert one != notices.VersionMismatch("here")
    assert one != notices.StoreIsLocal("there")
    assert one != "here"
    assert len({one, notices.StoreIsLocal("here"), notices.VersionMismatch("here")}) == 2
    assert one.to_dict() == {"code": "store_is_local", "message": "here"}
    assert issubclass(KitaruWarning, UserWarning)


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        ((), ""),
        ((None, ""), ""),
        (("Taken",), "Taken"),
        (("Taken", None, "By you"), "Taken. By you"),
        (("Taken.", "By you."), "Taken. By you."),
        (("Why?", "No!", "See:", "x"), "Why? No! See: x"),
    ],
)
def test_texts_are_joined_as_sentences(texts: tuple[str | None, ...], joined: str) -> None:
    assert in_sentences(*texts) == joined
