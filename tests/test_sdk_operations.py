"""The functions that are named like commands: what they return, refuse and promise."""

from __future__ import annotations

import doctest
import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import kitaru_iac as kitaru
from kitaru_iac.testing import local_aws, local_store
from tests.docs.markdown import ROOT, blocks
from tests.homes import Home

#: The functions of the package's own faces, by their public names.
FUNCTIONS = {
    **{
        name: value
        for name in kitaru.__all__
        if inspect.isroutine(value := getattr(kitaru, name)) and value.__module__ != "kitaru"
    },
    "local_store": local_store,
    "local_aws": local_aws,
}


def _examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(recurse=False)
    found = []
    for name, function in FUNCTIONS.items():
        (case,) = finder.find(function, name, globs={"kitaru": kitaru, "__name__": __name__})
        found.append(case)
    return found


def test_every_example_in_a_docstring_runs(home: Home) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
    for case in _examples():
        assert case.examples, f"{case.name} has no example"
        said: list[str] = []
        assert runner.run(case, out=said.append).failed == 0, "".join(said)
        for left in kitaru.list_stacks():
            if left.name != "default":
                kitaru.delete(left.id, recursive=True, force=True)


def test_they_return_what_the_command_prints(home: Home) -> None:
    file = home.path / "stack.yaml"
    file.write_text("name: dev\n")
    planned = kitaru.preview(file)
    printed = json.loads(home.kitaru("stack", "preview", "-f", str(file), "-o", "json").stdout)
    ours, theirs = planned.to_dict(), printed["item"]["stacks"][0]
    assert {**ours, "source": None} == {**theirs, "source": None}
    told: list[str] = []
    done = kitaru.apply(file, plan=planned, progress=told.append)
    assert (done.changed, told) == (True, ["Registering stack dev"])
    assert kitaru.show_stack("dev").id == kitaru.show_stack().id == done.id
    for word, seen in (("drift", kitaru.drift()), ("health", kitaru.health("dev"))):
        shown = json.loads(home.kitaru("stack", word, "-o", "json").stdout)["items"]
        assert shown == [item.to_dict() for item in seen]
    for function in (kitaru.verify, kitaru.policy):
        by_name, by_file = function("dev"), function(file)
        assert by_name == by_file


def test_another_plan_than_the_previewed_one_is_refused(home: Home) -> None:
    planned = kitaru.preview({"name": "dev"})
    with pytest.raises(kitaru.PlanMoved):
        kitaru.apply({"name": "dev", "activate": False}, plan=planned)
    assert [stack.name for stack in kitaru.list_stacks()] == ["default"]


def test_what_is_pruned_or_costs_money_is_confirmed(home: Home) -> None:
    folder = home.path / "stacks"
    folder.mkdir()
    (folder / "one.yaml").write_text("name: one\n---\nname: two\n")
    kitaru.apply_all(folder, source="s")
    (folder / "one.yaml").write_text("name: one\n---\nname: three\n")
    for answer in (None, False, lambda plan: plan.stack == "three"):
        with pytest.raises(kitaru.ConfirmationNeeded, match="The deletion of stack 'two'"):
            kitaru.apply_all(folder, source="s", prune=True, confirm=answer)
    without = kitaru.preview_all(folder, source="s")
    with pytest.raises(kitaru.PlanMoved):
        kitaru.apply_all(folder, source="s", prune=True, plan=without)
    assert {stack.name for stack in kitaru.list_stacks()} == {"default", "one", "two"}
    done = kitaru.apply_all(folder, source="s", prune=True, confirm=True)
    assert [(one.name, one.status) for one in done] == [
        ("one", "unchanged"),
        ("three", "applied"),
        ("two", "pruned"),
    ]


@pytest.mark.parametrize("wrong", ["dev", 5, None, [("name", "dev")]])
def test_what_is_no_description_is_refused(home: Home, wrong: object) -> None:
    with pytest.raises(kitaru.UsageError, match="mapping or a path"):
        kitaru.preview(wrong)
    with pytest.raises(kitaru.UsageError, match="mapping or a path"):
        kitaru.apply(wrong)


def test_errors_are_those_of_the_command(home: Home) -> None:
    with pytest.raises(kitaru.DescriptionError) as refused:
        kitaru.preview({"name": "x", "type": "sagemaker"})
    assert len(refused.value.problems) > 2
    for function in (
        *(kitaru.show_stack, kitaru.verify, kitaru.policy, kitaru.delete),
        *(kitaru.drift, kitaru.health, kitaru.export),
    ):
        with pytest.raises(kitaru.StackNotFound):
            function("nothing")
    with pytest.raises(kitaru.ProtectedStackError):
        kitaru.delete("default")
    kitaru.create_stack("mine", activate=False)
    for block in [kitaru.stack("mine")] * 2:  # it may be entered again, inside of itself too
        with block, block as bound:
            with pytest.raises(kitaru.ProtectedStackError) as held:
                kitaru.delete(bound.name, force=True)
            assert held.value.remedy == "Delete it after the block."
    assert "ZENML_ACTIVE_STACK_ID" not in os.environ
    assert kitaru.delete("mine").deleted_stack == "mine"


def test_a_store_for_a_test_sees_nothing_and_leaves_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitaru.create_stack("mine")
    monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", "nothing")
    monkeypatch.setenv("KITARU_STACK", "nothing")
    before, place = dict(os.environ), Path.cwd()
    config = (home.config / "config.yaml").read_bytes()
    with local_store() as given:
        assert [stack.name for stack in kitaru.list_stacks()] == ["default"]
        kitaru.create_stack("theirs")
        assert Path.cwd() == given.path
    assert (dict(os.environ), Path.cwd()) == (before, place)
    assert not given.path.exists()
    assert (home.config / "config.yaml").read_bytes() == config
    with pytest.raises(ZeroDivisionError), local_store():
        raise ZeroDivisionError
    assert (dict(os.environ), Path.cwd()) == (before, place)
    monkeypatch.delenv("ZENML_ACTIVE_STACK_ID")
    assert [stack.name for stack in kitaru.list_stacks()] == ["default", "mine"]
    kitaru.create_stack("again", activate=False)  # and ZenML writes here


def test_what_was_configured_does_not_cross_a_store_for_a_test(tmp_path: Path) -> None:
    from kitaru_iac.flows.layers import configure

    try:
        configure(stack="mine", retries=2)
        with local_store(tmp_path / "one"):
            assert configure(cache=True).stack is None
        assert (configure().stack, configure().cache) == ("mine", None)
    finally:
        configure(stack=None, retries=None, cache=None)


@pytest.mark.slow
def test_the_guides_tests_pass_in_a_users_own_pytest(bare_home: Home) -> None:
    """With a store, and with an AWS on loopback: about 12 s of CPU."""
    page = ROOT / "docs" / "guides" / "testing.md"
    conftest, test, account, in_cloud = (b.text for b in blocks(page) if b.words[:1] == ("python",))
    local, remote = (b.text for b in blocks(page) if b.words[:1] == ("yaml",))
    for name, text in (
        ("conftest.py", f"{conftest}\n{account}"),
        *(("test_it.py", test), ("stack.yaml", local)),
        *(("test_cloud.py", in_cloud), ("prod.yaml", remote)),
    ):
        (bare_home.path / name).write_text(text)
    done = bare_home.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


@pytest.mark.parametrize("given", [None, 3, ["dev"], {"name": "dev"}, b"dev"])
@pytest.mark.parametrize(
    "function",
    [
        *("drift", "health", "export", "delete", "delete_stack", "use_stack", "show_stack"),
        *("rename", "copy", "adopt"),
    ],
)
def test_what_is_no_name_of_a_stack_is_refused_in_our_words(function: str, given: object) -> None:
    if (function, given) == ("show_stack", None):
        return  # the active one
    more = ("new",) if function in ("rename", "copy") else ()
    with pytest.raises(kitaru.UsageError, match=f"is text, not {_kind(given)}"):
        getattr(kitaru, function)(given, *more)


def _kind(given: object) -> str:
    return "None" if given is None else type(given).__name__


def _arguments(named: str) -> list[tuple[str, str]]:
    """The public functions with an argument of this name or annotation."""
    return [
        (name, parameter.name)
        for name in sorted(kitaru.__all__)
        if inspect.isfunction(function := getattr(kitaru, name)) and name != "configure"
        for parameter in inspect.signature(function).parameters.values()
        if named in (parameter.name, parameter.annotation)
    ]


@pytest.mark.parametrize("given", [None, "no", "false", 1, 0, []], ids=repr)
@pytest.mark.parametrize(("function", "switch"), _arguments("bool"), ids="-".join)
def test_what_is_neither_true_nor_false_is_no_yes(
    function: str, switch: str, given: object
) -> None:
    with pytest.raises(kitaru.KitaruError, match=f"(?i){switch}.? has to be true or false, not"):
        getattr(kitaru, function)(*_some(function), **{switch: given})


@pytest.mark.parametrize("given", [5, "yes", [], {}], ids=repr)
@pytest.mark.parametrize(
    ("function", "callback"), [*_arguments("progress"), *_arguments("confirm")], ids="-".join
)
def test_what_cannot_be_called_back_is_refused_before_anything(
    function: str, callback: str, given: object
) -> None:
    with pytest.raises(kitaru.UsageError, match=f"`{callback}` has to be .* not"):
        getattr(kitaru, function)(*_some(function), **{callback: given})


def _some(function: str) -> tuple[object, ...]:
    """Arguments that a function takes."""
    if function in ("apply", "preview"):
        return ({"name": "dev"},)
    return ("dev", "new") if function in ("copy", "rename") else ("dev",)


@pytest.mark.parametrize("given", [None, 5, ["stacks"], {}, b"stacks", ""], ids=repr)
@pytest.mark.parametrize("function", ["preview_all", "apply_all"])
def test_what_is_no_path_is_refused(function: str, given: Any) -> None:
    with pytest.raises(kitaru.UsageError, match="is named by its path, not"):
        getattr(kitaru, function)(given)
    with pytest.raises(kitaru.UsageError, match="`source` is text, not int"):
        getattr(kitaru, function)("stacks", source=5)


@pytest.mark.parametrize("given", ["-", Path("-")], ids=repr)
def test_standard_input_is_the_programs_own(given: Any) -> None:
    for function in (kitaru.preview_all, kitaru.apply_all):
        with pytest.raises(kitaru.UsageError, match="Standard input is a program's own"):
            function(given)
    for one in (kitaru.preview, kitaru.apply, kitaru.verify, kitaru.policy):
        with pytest.raises(kitaru.UsageError, match="Standard input is a program's own"):
            one(Path("-"))


def test_a_copy_s_name_is_refused_as_a_new_name_is() -> None:
    for function in (kitaru.copy, kitaru.rename):
        with pytest.raises(kitaru.UsageError, match="cannot be the name of a stack"):
            function("dev", "a b")


@pytest.mark.parametrize("given", [{}, {"changes": []}, "sha256:0", 5], ids=repr)
def test_what_is_no_plan_is_refused(given: Any) -> None:
    with pytest.raises(kitaru.UsageError, match=r"has to be what kitaru\.preview\(\) gives, not"):
        kitaru.apply({"name": "dev"}, plan=given)
    with pytest.raises(kitaru.UsageError, match=r"has to be what kitaru\.preview_all\(\) gives"):
        kitaru.apply_all("stacks", plan=given)


def test_a_confirmation_that_answers_neither_is_no_yes() -> None:
    from kitaru_iac._sdk.confirmation import require_confirmed
    from kitaru_iac.plan.model import Plan

    for answer in ("no", 1, object()):
        with pytest.raises(kitaru.UsageError, match="has to be True or False, not"):
            require_confirmed(Plan("dev"), lambda _, said=answer: said)  # type: ignore[misc, return-value]


@pytest.mark.parametrize("given", ["gpu-cluster", 5, kitaru.UsageError], ids=repr)
def test_a_flow_is_made_of_a_function(given: Any) -> None:
    for decorate in (kitaru.flow, kitaru.flow(retries=1)):
        with pytest.raises(kitaru.UsageError, match="A flow is made of a function, not"):
            decorate(given)


def test_a_file_has_the_projects_defaults_and_a_mapping_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `kitaru.yaml`, and whoever gives the mapping."""
    from kitaru_iac._sdk.operations import _described
    from kitaru_iac.mcp.inputs import described

    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text('[tool.kitaru]\ninfra = "verify"\n')
    keys = {"name": "dev", "type": "local", "artifact_store": "s3://my-bucket/kitaru"}
    Path("stack.yaml").write_text(json.dumps(keys))
    assert _described(Path("stack.yaml")).infra == "verify"
    assert _described(keys).infra == "none"
    assert described(keys, None).infra == "none"
    Path("pyproject.toml").write_text("[tool.kitaru\n")
    with pytest.raises(kitaru.UsageError, match="The file is not TOML"):
        _described(Path("stack.yaml"))
    assert _described(keys).name == "dev"
