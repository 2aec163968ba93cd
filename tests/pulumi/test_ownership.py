"""One stack has one owner: whoever else imports, renames or makes it is told whose it is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.pulumi.keys import wire_names
from kitaru_iac.pulumi.plugin.backend import backend
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.homes import Home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Refused, Wanted
from tests.pulumi.programs import REMOTE
from tests.pulumi.test_interrupts import forget_runs

DEV = {"dev": Wanted({"name": "dev"})}
CHANGED = {"dev": Wanted({"name": "dev", "artifactStore": "/tmp/elsewhere"})}
#: Where the stack was made: this machine's notes tell its own.
THERE = pytest.mark.parametrize("there", ["this machine", "another"])


def labels(name: str = "dev") -> dict[str, str]:
    found = stored.records(name)
    assert found is not None
    return {key: value for key, value in found.labels.items() if key.startswith("kitaru.owner")}


def refusal(run: Any) -> str:
    before = labels()
    with pytest.raises(Refused) as refused:
        run()
    assert labels() == before
    return str(refused.value)


def test_an_import_of_what_nobody_owns_is_marked_by_the_next_up(home: Home) -> None:
    """Without a refresh, and although no property differs."""
    operations.create(from_mapping({"name": "dev", "activate": False}))
    engine = Engine()
    engine.import_("dev", "dev")
    assert labels() == {}
    assert engine.up(DEV, preview=True) == {"dev": "update"}
    assert engine.up(DEV) == {"dev": "update"}
    assert labels()["kitaru.owner"] == engine.urn("dev")
    assert engine.state["dev"].properties["ownerRun"] == labels()["kitaru.owner_run"]
    assert engine.up(DEV) == {"dev": "same"}
    option = Engine("staging")
    option.up({"dev": Wanted({"name": "other"})})
    engine.destroy()
    assert stored.names() == {"default", "other"}


def test_the_import_option_marks_at_once(home: Home) -> None:
    made = operations.create(from_mapping({"name": "dev", "activate": False}))
    engine = Engine()
    engine.up({"dev": Wanted({"name": "dev"}, import_=made.id)})
    assert labels()["kitaru.owner"] == engine.urn("dev")


def test_an_import_asks_for_credentials_that_the_program_does_not_have(home: Home) -> None:
    given = {**REMOTE, "name": "dev", "activate": False}
    operations.create(from_mapping(given))
    engine, option = Engine(), Engine("staging")
    engine.import_("dev", "dev")
    assert "cannot be read back" in engine.plugin.said[0]
    option.up({"dev": Wanted({**wire_names(REMOTE), "name": "dev"}, import_="dev")}, preview=True)
    (unmarked,) = option.plugin.said
    assert "belongs to no program yet" in unmarked


def test_an_import_does_not_hand_over_the_owners_token(home: Home) -> None:
    first, second = Engine(), Engine(project="another")
    first.up(DEV)
    before = labels()
    second.import_("dev", "dev")
    assert "ownerRun" not in second.state["dev"].properties
    for run in (
        lambda: second.up(DEV),
        lambda: second.up(DEV, preview=True),
        lambda: second.up(CHANGED),
        second.destroy,
    ):
        text = refusal(run)
        assert "belongs to Pulumi" in text
        assert "resource 'dev' of project 'platform', stack 'prod'" in text
    assert second.refresh() == {"dev": "refresh"}
    text = refusal(second.destroy)
    assert f"forget it, and the stack stay: pulumi state delete {second.urn('dev')}" in text
    assert labels() == before
    assert first.up(DEV) == {"dev": "same"}
    first.destroy()
    assert stored.names() == {"default"}


def test_a_stack_that_its_program_has_let_go_is_taken_over_as_the_refusal_says(home: Home) -> None:
    first, second = Engine(), Engine(project="another")
    first.up({"dev": Wanted({"name": "dev"}, retain=True)})
    first.destroy()
    assert stored.names() == {"default", "dev"}
    text = refusal(lambda: second.up(DEV))
    command = re.search(r"take it over with: pulumi import kitaru:index:Stack dev (.*)", text)
    assert command is not None
    (ref,) = shlex.split(command[1])
    assert ref == f"dev@{first.urn('dev')}"
    second.import_("dev", ref)
    assert second.up(DEV) == {"dev": "update"}
    assert labels()["kitaru.owner"] == second.urn("dev")
    assert second.up(DEV) == {"dev": "same"}
    # What was named once is no key for later: it is another's now.
    with pytest.raises(Refused, match="does not belong to"):
        Engine(project="third").import_("dev", ref)
    second.destroy()
    assert stored.names() == {"default"}


@THERE
@pytest.mark.parametrize("renamed", [False, True], ids=["destroyed", "renamed"])
def test_retained_and_back_as_the_refusal_says(home: Home, there: str, renamed: bool) -> None:
    """After a destruction, and after a change of name, which leaves the state another stack."""
    engine, program = Engine(), {"dev": Wanted({"name": "dev"}, retain=True)}
    engine.up(program)
    made = engine.state["dev"].id
    if renamed:
        assert engine.up({"dev": Wanted({"name": "other"}, retain=True)}) == {"dev": "replace"}
    else:
        engine.destroy()
    if there == "another":
        forget_runs()
    assert "for another state" in refusal(lambda: engine.up(program, preview=True))
    text = refusal(lambda: engine.up(program))
    command = re.search(r"take it in with: pulumi import kitaru:index:Stack dev (\S+)", text)
    assert command is not None
    if renamed:
        with pytest.raises(Refused, match="already exists"):
            engine.import_("dev", command[1])
        assert f"running before: pulumi state delete {engine.urn('dev')}\n" in text
        del engine.state["dev"]
    engine.import_("dev", command[1])
    assert engine.state["dev"].id == made
    assert engine.up(DEV) == {"dev": "update"}
    assert engine.up(DEV) == {"dev": "same"}
    engine.destroy()
    assert stored.names() == ({"default", "other"} if renamed else {"default"})


def test_what_a_state_still_knows_to_be_its_own_is_taken_over(home: Home) -> None:
    """Its provider is there: one other resource has it."""
    engine = Engine()
    both = {**DEV, "two": Wanted({"name": "two"})}
    engine.up(both)
    made = engine.state.pop("dev").id  # pulumi state delete
    assert engine.up(both) == {"dev": "create", "two": "same"}
    assert engine.state["dev"].id == made
    assert engine.plugin.said[-1].startswith("Stack 'dev' is there already")
    engine.destroy()
    assert stored.names() == {"default"}


def _second_state(there: str) -> tuple[Engine, Engine]:
    """A stack's own state, and another of the same address that has imported it."""
    first, second = Engine(), Engine()
    first.up(DEV)
    if there == "another":
        forget_runs()
    before = labels()
    second.import_("dev", "dev")
    assert labels() == before
    return first, second


@THERE
def test_a_second_state_that_imports_the_stack_is_told_of_the_first(home: Home, there: str) -> None:
    _, second = _second_state(there)
    (advice,) = second.plugin.said
    assert "made by a resource of this very address, in another state" in advice
    assert advice.endswith(f"pulumi state delete {second.urn('dev')}")
    assert "ownerRun" not in second.state["dev"].properties
    second.refresh()  # which does not hand it the token either
    assert "ownerRun" not in second.state["dev"].properties


@THERE
def test_a_second_state_destroys_nothing_that_it_has_only_imported(home: Home, there: str) -> None:
    first, second = _second_state(there)
    for refreshed in (False, True):
        if refreshed:
            second.refresh()
        text = refusal(second.destroy)
        assert "was imported, and another state may have it" in text
        assert f"the stack stay: pulumi state delete {second.urn('dev')}" in text
    assert first.up(DEV) == {"dev": "same"}
    first.destroy()
    assert stored.names() == {"default"}


@THERE
@pytest.mark.parametrize("meanwhile", ["nothing", "refreshed", "changed"])
def test_of_two_states_the_one_that_took_over_last_deletes(
    home: Home, there: str, meanwhile: str
) -> None:
    first, second = _second_state(there)
    assert second.up(DEV, preview=True) == {"dev": "update"}
    assert second.up(DEV) == {"dev": "update"}
    assert second.up(DEV) == {"dev": "same"}
    assert labels()["kitaru.owner_run"] == second.state["dev"].properties["ownerRun"]
    token = first.state["dev"].properties["ownerRun"]
    assert labels()["kitaru.owner_run"] != token
    taken = labels()
    first.plugin.said.clear()
    if meanwhile == "refreshed":
        first.refresh()
    elif meanwhile == "changed":
        first.up(CHANGED, preview=True)
        assert len(first.plugin.said) == 1
        assert first.up(CHANGED) == {"dev": "update"}
        first.plugin.said.pop()
    if meanwhile == "refreshed":  # whose it is by now is no drift, which no update would mend
        assert first.state["dev"].properties["drift"] == []
        assert first.up(DEV) == {"dev": "same"}
        first.refresh()
        first.plugin.said.pop()
    if meanwhile != "nothing":
        (note,) = first.plugin.said
        assert "has been taken over by another state of this resource" in note
    assert labels() == taken
    assert first.state["dev"].properties["ownerRun"] == token
    first.destroy()
    assert "was left as it is" in first.plugin.said[-1]
    assert stored.names() == {"default", "dev"}
    second.destroy()
    assert stored.names() == {"default"}


def test_advice_is_for_an_import_and_not_for_a_look(home: Home) -> None:
    operations.create(from_mapping({"name": "dev", "activate": False}))
    engine = Engine()
    assert engine.get("dev", "dev") is not None
    assert engine.plugin.said == []
    engine.import_("dev", "dev")
    (advice,) = engine.plugin.said
    assert "belongs to no program yet" in advice
    assert "pulumi up marks the stack as its own" in advice


@pytest.mark.parametrize("meanwhile", ["nothing", "refreshed", "upgraded"])
def test_a_second_state_of_one_address_is_refused(home: Home, meanwhile: str) -> None:
    """After `pulumi stack rename`, and in two organizations: by the provider's id."""
    first, second = Engine(), Engine()
    first.up(DEV)
    if meanwhile == "refreshed":
        first.refresh()
    elif meanwhile == "upgraded":
        first.upgrade("0_2_0")
        second.upgrade("0_2_0")
        assert first.up(DEV) == {"dev": "same"}
    for preview in (True, False):
        text = refusal(lambda: second.up(DEV, preview=preview))  # noqa: B023
        assert "for another state" in text
    assert second.plugin.said == []
    assert second.state == {}
    # The first goes on, whatever it is asked.
    assert first.up(DEV, replace={"dev"}) == {"dev": "replace"}
    assert first.up(CHANGED) == {"dev": "update"}
    first.upgrade("0_3_0")
    assert first.up(CHANGED, replace={"dev"}) == {"dev": "replace"}
    assert first.up(CHANGED) == {"dev": "same"}
    first.destroy()
    assert second.up(DEV) == {"dev": "create"}
    second.destroy()
    assert stored.names() == {"default"}


def test_what_was_renamed_in_the_state_is_replaced_after_one_up(home: Home) -> None:
    """The creation does not say that it replaces: the refusal is not to send back to the rename."""
    engine, other = Engine(), Engine("staging")
    engine.up(DEV)
    engine.rename("dev", "two")
    program = {"two": Wanted({"name": "dev"})}
    for state in (engine, other):
        text = refusal(lambda: state.up(program, replace={"two"}))  # noqa: B023
        assert "run pulumi up once without --replace" in text
        assert state.up(program) == {"two": "update"}
        assert state.up(program, replace={"two"}) == {"two": "replace"}
        assert state.up(program) == {"two": "same"}
        state.move("two", other)
    other.destroy()
    assert stored.names() == {"default"}


@pytest.mark.parametrize("how", ["--replace", "taint"])
def test_what_was_imported_is_replaced_after_one_up(home: Home, how: str) -> None:
    """The creation does not say that it replaces: the refusal is not to send back to the import."""
    operations.create(from_mapping({"name": "dev", "activate": False}))
    engine = Engine()
    engine.import_("dev", "dev")
    replace = {"dev"} if how == "--replace" else set()
    engine.state["dev"].tainted = how == "taint"
    for preview in (True, False):
        text = refusal(lambda: engine.up(DEV, replace=replace, preview=preview))  # noqa: B023
        assert "If the state has it here already (after an import" in text
        assert "run pulumi up once without --replace; a tainted one first: pulumi state unt" in text
    engine.state["dev"].tainted = False
    assert engine.up(DEV) == {"dev": "update"}
    assert engine.up(DEV, replace={"dev"}) == {"dev": "replace"}
    assert engine.up(DEV) == {"dev": "same"}
    engine.destroy()
    assert stored.names() == {"default"}


def test_a_renamed_resource_gets_the_remedy_that_works(home: Home) -> None:
    engine = Engine()
    engine.up(DEV)
    for remedy in ("rename", "alias"):
        former = next(iter(engine.state))
        new = f"{former}2"
        program = {new: Wanted({"name": "dev"})}
        text = refusal(lambda: engine.up(program))  # noqa: B023
        assert f"pulumi.Alias(name='{former}')" in text
        assert f"pulumi state rename {engine.urn(former)} {new}" in text
        assert "take it over" not in text
        if remedy == "rename":
            engine.rename(former, new)
        else:
            program[new].aliases = (former,)
        assert engine.up(program) == {new: "update"}  # the stack's record names its owner
        assert labels()["kitaru.owner"] == engine.urn(new)
        assert engine.up(program) == {new: "same"}
    engine.destroy()
    assert stored.names() == {"default"}


def test_what_another_state_may_have_by_now_is_not_taken_over_in_silence(home: Home) -> None:
    """`pulumi state move`, and a program of the former state that still has the resource."""
    former, new = Engine(), Engine("staging")
    former.up(DEV)
    assert former.plugin.said == []
    former.move("dev", new)
    for preview in (True, False):
        former.plugin.said.clear()
        assert former.up(DEV, preview=preview) == {"dev": "create"}
        (line,) = former.plugin.said
        assert line.startswith("Stack 'dev' is there already")
        assert line.endswith(f"forget it: pulumi state delete '{former.urn('dev')}'")
    # As it says; the other state's program then asks for its stack.
    former.state.clear()
    text = refusal(lambda: new.up(DEV))
    command = re.search(r"take it over with: pulumi import kitaru:index:Stack dev (.*)", text)
    assert command is not None
    new.state.clear()
    new.import_("dev", *shlex.split(command[1]))
    assert "pulumi up takes stack 'dev' over" in new.plugin.said.pop()
    assert new.up(DEV) == {"dev": "update"}
    assert new.plugin.said == []
    new.destroy()
    assert stored.names() == {"default"}


def test_swapped_names_are_swapped_in_the_state(home: Home) -> None:
    engine = Engine()
    engine.up({"one": Wanted({"name": "a"}), "two": Wanted({"name": "b"})})
    ids = {held.properties["name"]: held.id for held in engine.state.values()}
    swapped = {"one": Wanted({"name": "b"}), "two": Wanted({"name": "a"})}
    with pytest.raises(Refused) as refused:
        engine.up(swapped)
    assert "rename them in the state, over a third name" in str(refused.value)
    assert f"first run: pulumi destroy --target {engine.urn('two')}" in str(refused.value)
    for former, new in (("one", "third"), ("two", "one"), ("third", "two")):
        engine.rename(former, new)
    assert engine.up(swapped) == {"one": "update", "two": "update"}
    assert engine.up(swapped) == {"one": "same", "two": "same"}
    assert {held.properties["name"]: held.id for held in engine.state.values()} == ids
    engine.destroy()
    assert stored.names() == {"default"}


def test_two_backends_of_one_urn_on_one_machine_are_two(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Engine(), Engine()
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://first")
    first.up(DEV)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://second")
    for preview in (True, False):
        text = refusal(lambda: second.up(DEV, preview=preview))  # noqa: B023
        assert "for another state (in another backend" in text
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://first")
    assert first.up(DEV) == {"dev": "same"}
    first.destroy()
    assert stored.names() == {"default"}


def test_which_backend_it_is_follows_the_engines_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "project" / "program"
    below.mkdir(parents=True)
    pulumi_home = tmp_path / "pulumi"
    pulumi_home.mkdir()
    monkeypatch.chdir(below)
    monkeypatch.setenv("PULUMI_HOME", str(pulumi_home))
    assert backend() == ""
    logins = pulumi_home / "credentials.json"
    logins.write_text("{")
    assert backend() == ""
    logins.write_text(json.dumps({"current": "https://api.example.com", "accessTokens": {}}))
    assert backend() == "https://api.example.com"
    project = tmp_path / "project" / "Pulumi.yaml"
    project.write_text("name: platform\nruntime: python\n")
    assert backend() == "https://api.example.com"
    project.write_text("name: platform\nruntime: python\nbackend: {url: 'file://./state'}\n")
    assert backend() == f"file://{tmp_path}/project/state"
    project.write_text("name: [\n")
    assert backend() == "https://api.example.com"
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///elsewhere")
    assert backend() == "file:///elsewhere"
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file://state")
    assert backend() == "file:///state"
