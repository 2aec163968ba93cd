"""The six layers that choose a run's stack: each over all below it, and what makes no sense."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.cli.layers import layers_of_status
from kitaru_iac.errors import KitaruError, UsageError
from kitaru_iac.flows import binding
from kitaru_iac.flows.binding import BLOCK, BoundStack
from kitaru_iac.flows.layers import ACTIVE, CONFIGURE, FLOW, RUN, configure, resolve
from kitaru_iac.machine.run_defaults import CONFIGURED, ENVIRONMENT, PROJECT, RunDefaults
from tests.homes import Home

ORDER = (RUN, FLOW, BLOCK, CONFIGURE, ENVIRONMENT, PROJECT, ACTIVE)
NOTHING = RunDefaults()


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    around = binding._around.set(())
    yield
    binding._around.reset(around)
    CONFIGURED[0] = NOTHING


def say(names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> dict[str, RunDefaults]:
    """Let these layers name a stack each: its own name."""
    if BLOCK in names:
        binding._around.set((BoundStack("by-outer", "outer"), BoundStack("by-block", "block")))
    if CONFIGURE in names:
        configure(stack="by-configure")
    if ENVIRONMENT in names:
        monkeypatch.setenv("KITARU_STACK", " by-variable\n")
    if PROJECT in names:
        Path("pyproject.toml").write_text('[tool.kitaru]\nstack = "by-project"\n')
    return {
        "run": RunDefaults(stack="by-run") if RUN in names else NOTHING,
        "flow": RunDefaults(stack="by-flow") if FLOW in names else NOTHING,
    }


STACKS = {
    RUN: "by-run",
    FLOW: "by-flow",
    BLOCK: "by-block",
    CONFIGURE: "by-configure",
    ENVIRONMENT: "by-variable",
    PROJECT: "by-project",
    ACTIVE: None,
}


@pytest.mark.parametrize("pair", itertools.combinations(ORDER, 2), ids=" over ".join)
def test_each_layer_takes_precedence_over_each_below(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = resolve(**say(pair, monkeypatch))
    assert (found.stack, found.source) == (STACKS[pair[0]], pair[0])


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_highest_of_all_that_speak_holds(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = resolve(**say(ORDER[first:], monkeypatch))
    assert (found.stack, found.source) == (STACKS[ORDER[first]], ORDER[first])


@pytest.mark.parametrize("names", [(), (ENVIRONMENT,), (PROJECT,), (ENVIRONMENT, PROJECT)])
def test_status_and_explain_show_what_a_run_uses(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(names, monkeypatch)
    used = resolve(NOTHING, NOTHING)
    shown = layers_of_status("default", is_made=False).to_dict()
    assert (shown["stack"], shown["source"]) == (used.stack or "default", used.source)
    # A block is known to the program alone, and is no line of its own.
    assert [layer["layer"] for layer in shown["layers"]] == [one for one in ORDER if one != BLOCK]
    assert [layer["layer"] for layer in shown["layers"] if layer["wins"]] == [used.source]


def test_each_setting_is_taken_from_the_highest_layer_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("pyproject.toml").write_text(
        '[tool.kitaru]\nstack = "s"\nretries = 4\ncache = true\nimage = "from-project"\n'
    )
    monkeypatch.setenv("KITARU_RETRIES", "0")
    monkeypatch.setenv("KITARU_IMAGE", '{"apt_packages": ["git"]}')
    configure(cache=False)
    found = resolve(RunDefaults(), RunDefaults(retries=None))
    assert (found.stack, found.source) == ("s", PROJECT)
    assert (found.retries, found.cache) == (0, False)  # what is falsy is said, too
    assert found.image == {"apt_packages": ["git"]}


def test_configure_leaves_what_is_not_given_and_clears_what_is_none() -> None:
    configure(stack="a", retries=2)
    assert configure(cache=True) == RunDefaults(stack="a", cache=True, retries=2)
    assert configure(stack=None) == RunDefaults(cache=True, retries=2)
    assert configure() == RunDefaults(cache=True, retries=2)
    with pytest.raises(UsageError):
        configure(cache=None, retries=-1)
    assert configure() == RunDefaults(cache=True, retries=2), "all or nothing"


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_variable_is_unset(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STACK", "IMAGE", "CACHE", "RETRIES"):
        monkeypatch.setenv(f"KITARU_{name}", blank)
    assert resolve(NOTHING, NOTHING).source == ACTIVE


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stack": ""}, "configure(stack=): '' is neither the name nor the id of a stack"),
        ({"stack": 3}, "configure(stack=): 3 is neither"),
        ({"cache": "no"}, "configure(cache=): 'no' is not true or false"),
        ({"retries": -1}, "configure(retries=): -1 is not a number from 0 on"),
        ({"retries": True}, "configure(retries=): True is not a number"),
        ({"retries": 1.5}, "configure(retries=): 1.5 is not a number"),
        ({"image": 5}, "configure(image=): a int is neither a base image"),
        ({"image": " "}, "configure(image=): the base image is empty"),
        ({"stack": " ", "retries": "x"}, "\nconfigure(retries=): 'x' is not a number"),
    ],
)
def test_what_makes_no_sense_is_refused_all_at_once(given: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as wrong:
        configure(**given)  # type: ignore[arg-type]
    assert said in str(wrong.value)


def test_the_environment_and_the_project_are_refused_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KITARU_CACHE", "perhaps")
    monkeypatch.setenv("KITARU_RETRIES", "two")
    monkeypatch.setenv("KITARU_IMAGE", "{broken")
    Path("pyproject.toml").write_text('[tool.kitaru]\nstak = "x"\ninfar = "verify"\n')
    with pytest.raises(UsageError) as wrong:
        resolve(NOTHING, NOTHING)
    text = str(wrong.value)
    for said in (
        "KITARU_CACHE: 'perhaps' is not one of true, false",
        "KITARU_RETRIES: 'two' is not a number",
        "KITARU_IMAGE: it starts as JSON and is none",
        "there is no key 'stak'; did you mean 'stack'?",
        "there is no key 'infar'; did you mean 'infra'?",
    ):
        assert said in text


def test_keys_of_the_other_kitaru_are_no_mistake(tmp_path: Path) -> None:
    Path("pyproject.toml").write_text('[tool.kitaru]\nllm_estimated_costs = "off"\nstack = "s"\n')
    assert resolve(NOTHING, NOTHING).stack == "s"


def test_no_key_is_advised_that_has_no_effect() -> None:
    Path("pyproject.toml").write_text('[tool.kitaru]\nserver = "x"\nretry = 2\n')
    with pytest.raises(UsageError) as wrong:
        resolve(NOTHING, NOTHING)
    assert "server_url" not in str(wrong.value)
    assert "did you mean 'retries'?" in str(wrong.value)


def test_a_block_of_another_thread_is_what_says_which_stack_is_active(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(binding, "blocks", ["by-block"])
    found = resolve(NOTHING, NOTHING)
    assert (found.stack, found.source) == (None, BLOCK)
    assert resolve(RunDefaults(stack="a"), NOTHING).source == RUN


@pytest.mark.parametrize("saved", ["gpu", None])
def test_a_run_that_goes_where_another_threads_run_is_says_so(
    home: Home, caplog: pytest.LogCaptureFixture, saved: str | None
) -> None:
    del home
    import kitaru_iac as kitaru

    kitaru.create_stack("gpu", activate=saved is not None)
    gpu = binding.find_stack("gpu", RUN)
    found: list[BoundStack] = []
    with binding.bound(gpu):
        inside = binding.find_stack(None, ACTIVE)
        other = threading.Thread(target=lambda: found.append(binding.find_stack(None, ACTIVE)))
        other.start()
        other.join()
        with pytest.raises(KitaruError, match="A flow of this process runs on stack 'gpu'"):
            kitaru.delete_stack("gpu", force=True)
    assert [inside, *found] == [gpu, gpu]
    said = [record.getMessage() for record in caplog.records if "names no stack" in record.msg]
    assert len(said) == (saved is None)
    assert all("goes to 'gpu'" in text for text in said)


def test_a_result_whose_store_is_gone_is_said_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from kitaru_iac.flows import values
    from kitaru_iac.flows.handle import ExecutionStatus, FlowHandle

    def gone(_: object) -> object:
        raise FileNotFoundError("outside of artifact store bounds")

    monkeypatch.setattr(values, "result_of", gone)
    run: Any = SimpleNamespace(id="1", pipeline=None)
    with pytest.raises(KitaruError, match="What run 1 of the flow returned cannot be loaded"):
        FlowHandle(run, "dev", RUN)._result(run, ExecutionStatus.COMPLETED)
