"""A user's program: flows on the stacks `a` to `e`. What happened goes to stdout as JSON."""

from __future__ import annotations

import ast
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from zenml import pipeline, step
from zenml.client import Client
from zenml.enums import StackComponentType

import kitaru_iac as kitaru

#: Python 3.11 counts the depth of all threads' parsing in one place, and ZenML parses each step's
#: source: see `tests/flows/parsing.py`, which a program in a home of its own cannot import.
_parse, _one_at_a_time = ast.parse, threading.Lock()


def _parse_alone(*args: Any, **options: Any) -> Any:
    with _one_at_a_time:
        return _parse(*args, **options)


ast.parse = _parse_alone


@step
def one(n: int) -> int:
    """Count."""
    return n + 1


@step
def slow() -> int:
    """Tell that it runs, and go on for a while."""
    Path("running").touch()
    time.sleep(60)
    return 1


@step
def breaks() -> int:
    """Fail."""
    raise ValueError("it broke")


@kitaru.flow
def agent(topic: str, n: int = 1) -> dict[str, Any]:
    """Return a plain value with a step's output in it."""
    return {"topic": topic, "n": one(n)}


@kitaru.flow(stack="b", cache=False)
def on_b(n: int = 1) -> int:
    """Return a step's output."""
    return one(n)


@kitaru.flow
def pair() -> tuple[int, str]:
    """Return two."""
    return one(1), "x"


@kitaru.flow
def nothing() -> None:
    """Return nothing."""
    one(1)


@kitaru.flow
def fails() -> int:
    """Fail in a step."""
    return breaks()


@kitaru.flow
def inside() -> object:
    """Start another one."""
    return agent.run("x").wait()


@kitaru.flow(stack="a")
def sleeps() -> int:
    """Take long."""
    return slow()


@step
def flaky() -> str:
    """Fail once."""
    mark = Path("tried")
    if not mark.exists():
        mark.touch()
        raise RuntimeError("the first time")
    return "done"


@kitaru.flow(retries=1)
def second_time() -> str:
    """Run a step that fails once."""
    return flaky()


@pipeline
def plain() -> None:
    """Be a pipeline that knows nothing of us."""
    one(1)


def told(handle: kitaru.FlowHandle) -> dict[str, Any]:
    """What the store says about a run."""
    run = Client().get_pipeline_run(handle.exec_id)
    return {
        "stack": run.stack.name if run.stack else None,
        "tags": sorted(tag.name for tag in run.tags),
        "said": [handle.stack, handle.stack_source],
        "status": handle.status,
        "result": handle.get(),
    }


def layers() -> dict[str, Any]:
    """Run on each layer's stack, from the lowest up."""
    seen = {"active stack": told(agent.run("t"))}
    Path("pyproject.toml").write_text('[tool.kitaru]\nstack = "e"\n')
    seen["project"] = told(agent.run(topic="t", n=2))
    os.environ["KITARU_STACK"] = "d"
    seen["variable"] = told(agent.run("t"))
    kitaru.configure(stack="c")
    seen["configure"] = told(agent.run("t"))
    seen["flow"] = told(on_b.run())
    by_id = next(s.id for s in kitaru.list_stacks() if s.name == "a")
    seen["run"] = told(on_b.run(4, stack=by_id))
    return seen


def results() -> dict[str, Any]:
    """What flows return, and how they fail."""
    seen: dict[str, Any] = {"pair": pair.run().wait(timeout=60), "nothing": nothing.run().get()}
    seen["second_time"] = second_time.run().get()
    for name, call in {
        "fails": fails.run,
        "inside": inside.run,
        "called": lambda: agent("x"),
        "unknown": lambda: agent.run("x", stack="nope"),
        "arguments": lambda: agent.run(tropic="x"),
        "image": lambda: agent.run("x", image={"base_imag": "x"}),
    }.items():
        try:
            seen[name] = str(call())
        except Exception as error:
            seen[name] = f"{type(error).__name__}: {error}"
    failed = Client().list_pipeline_runs(pipeline_name="fails").items[0]
    try:
        type(agent.run("x"))(failed, "default", "x").get()
    except kitaru.FlowFailed as error:
        seen["get"] = [error.what.split(" of ")[1], error.why]
    return seen


def threads() -> dict[str, Any]:
    """Run flows of several threads on two stacks, and ZenML's own pipeline in a bound block."""
    seen: list[list[str]] = []

    def work(stack: str) -> None:
        done = told(agent.run("t", stack=stack))
        seen.append([stack, done["stack"]])

    workers = [threading.Thread(target=work, args=(name,)) for name in ("a", "b", "a", "c")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    os.environ["KITARU_STACK"] = "e"
    kitaru.configure(stack="c")
    with kitaru.stack("d") as bound:
        run = plain()
        flow = agent.run("t")
    assert run is not None
    assert run.stack is not None
    block = [bound.name, run.stack.name, flow.stack, flow.stack_source]
    return {"threads": seen, "block": block, "after": agent.run("t").stack}


def changed() -> dict[str, Any]:
    """Run on a stack, change it, and run on it again; alone, and in a block around it all."""
    seen: dict[str, list[str]] = {"apply": [], "zenml": [], "block": []}

    def run(way: str) -> None:
        run = Client().get_pipeline_run(on_b.run().exec_id)
        (found,) = next(iter(run.steps.values())).outputs.values()
        seen[way].append(found[0].uri)

    def change(folder: str) -> None:
        path = str(Path(folder).absolute())
        kitaru.apply({"name": "b", "type": "local", "artifact_store": path, "activate": False})

    run("apply")
    change("first")
    run("apply")
    with kitaru.stack("b"):
        run("block")
        change("second")
        run("block")
        # News of the stack that the variable names, which ZenML would save as the active one.
        Client().update_stack("b", description="news")
    store = Client().get_stack("b").components[StackComponentType.ARTIFACT_STORE][0]
    third = {"path": str(Path("third").absolute())}
    Client().update_stack_component(store.id, store.type, configuration=third)
    run("zenml")
    return seen


def moved() -> dict[str, Any]:
    """Run a flow; let another process choose another store; run it there."""
    here = [agent.run("t").exec_id]
    settings = Path(os.environ["ZENML_CONFIG_PATH"]) / "config.yaml"
    settings.write_text(settings.read_text().replace("/zenml.db", "/other.db"))
    here.append(agent.run("t").exec_id)
    return {"runs": here}


if __name__ == "__main__":
    if sys.argv[1] == "sleeps":
        sleeps.run()
    parts = (layers, results, threads, changed, moved)
    done = {part.__name__: part for part in parts}[sys.argv[1]]()
    done["left"] = os.environ.get("ZENML_ACTIVE_STACK_ID")
    done["active"] = kitaru.current_stack().name
    print("RESULT " + json.dumps(done))
