"""A user's program whose stack `cloud` keeps its artifacts in a bucket.

Each part runs in a fork of one process that has imported everything; what happened goes to stdout
as JSON.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from zenml import pipeline, step
from zenml.client import Client

import kitaru_iac as kitaru
from kitaru_iac.gateway.forgetting import forget_zenml
from tests.flows.parsing import one_at_a_time
from tests.warm import aws_models

ast.parse = one_at_a_time(ast.parse)
KILLS = 10
#: What a process does that another one may see.
_SEEN = {"os.mkdir", "os.rename", "os.remove", "shutil.rmtree", "socket.connect", "sqlite3.connect"}


@step
def one(n: int) -> int:
    """Count."""
    return n + 1


@kitaru.flow
def agent(n: int = 1) -> int:
    """Return a step's output."""
    return one(n)


@pipeline(enable_cache=False)
def plain() -> None:
    """Be a pipeline that knows nothing of us."""
    one(1)


def told(handle: kitaru.FlowHandle) -> dict[str, Any]:
    """What the store says about a run, and where its artifact is."""
    return {**_told(handle.exec_id), "result": handle.get()}


def _told(id: str) -> dict[str, Any]:
    run = Client().get_pipeline_run(id)
    assert run.stack is not None
    (found,) = next(iter(run.steps.values())).outputs.values()
    return {"stack": run.stack.name, "uri": found[0].uri, "status": run.status.value}


def main_thread() -> dict[str, Any]:
    """Run on the bucket's stack, and ZenML's own pipeline in a block."""
    seen = {"flow": told(agent.run(stack="cloud"))}
    with kitaru.stack("cloud"):
        run = plain()
    assert run is not None
    return {**seen, "block": _told(str(run.id))}


def remote() -> dict[str, Any]:
    """Say what ZenML would submit to on the cluster's stack, and why a run there is refused."""
    with kitaru.stack("cluster"):
        stack = Client().active_stack
        assert stack.container_registry is not None
        parts = {
            "orchestrator": type(stack.orchestrator).__name__,
            "connector": stack.orchestrator.connector_resource_id,
            "artifacts": stack.artifact_store.path,
            "registry": stack.container_registry.config.uri,
        }
    try:
        agent.run(stack="cluster")
    except kitaru.KitaruError as error:
        return {**parts, "refused": error.what, "runs": Client().list_pipeline_runs().total}
    return parts


def threads() -> dict[str, Any]:
    """Run in threads, on the bucket's stack and on another one."""
    seen: list[list[Any]] = []

    def work(stack: str) -> None:
        seen.append([stack, told(agent.run(stack=stack, cache=False))])

    workers = [threading.Thread(target=work, args=(name,)) for name in ("cloud", "other")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {"runs": seen}


def on(stack: str) -> Callable[[], dict[str, Any]]:
    """Run on a stack."""
    return lambda: {"flow": told(agent.run(stack=stack, cache=False))}


def watched(stack: str, kill_at: int | None) -> Callable[[], dict[str, Any]]:
    """Run once, count what others may see of it, and end the process at one of these moments."""

    def work() -> dict[str, Any]:
        count = 0

        def see(event: str, values: tuple[Any, ...]) -> None:
            nonlocal count
            writes = event == "open" and isinstance(values[2], int) and values[2] & os.O_ACCMODE
            if writes or event in _SEEN:
                count += 1
                if count == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(see)
        handle = agent.run(stack=stack, cache=False)
        moments = count  # and not what is asked afterwards
        return {"moments": moments, "flow": told(handle)}

    return work


def begin(work: Callable[[], dict[str, Any]]) -> tuple[int, int]:
    """Fork a process that does it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        done = work()
        done["left"] = os.environ.get("ZENML_ACTIVE_STACK_ID")
        os.write(writing, json.dumps(done).encode())
    except BaseException:
        os.write(writing, json.dumps({"error": traceback.format_exc()[-3000:]}).encode())
    os._exit(0)


def end(begun: tuple[int, int]) -> dict[str, Any] | None:
    """Wait for it; None where it was killed."""
    child, reading = begun
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return None
    found: dict[str, Any] = json.loads(said)
    return found


def killed(settings: Path, moments: dict[str, int]) -> list[Any]:
    """End runs at ten of their moments, and see whether the settings are as they were.

    Three of them are on the bucket's stack, where a run takes three times as long. Runs beside each
    other have more moments, so one that was over before its moment says how many it had, and
    another is ended.
    """
    seen: list[Any] = []
    for number in range(1, KILLS + 1):
        before = settings.read_bytes()
        stack = "other" if number % 3 else "cloud"
        moment = number * moments[stack] // (KILLS + 1)
        done = end(begin(watched(stack, moment)))
        if done is not None and "error" not in done:
            moment = number * done["moments"] // (KILLS + 1)
            done = end(begin(watched(stack, moment)))
        seen.append([stack, moment, done, settings.read_bytes() == before])
    return seen


if __name__ == "__main__":
    place = Path(sys.argv[1])
    before = place.read_bytes()
    # What is read and compiled for a run, forks need not read and compile again. A file system of
    # s3fs does not outlive a fork, so this run is on local files.
    aws_models.read_once()
    for service in ("s3", "sts"):
        boto3.session.Session().client(service)
    found: dict[str, Any] = {"warm": told(agent.run())}
    forget_zenml()
    found["main"] = end(begin(main_thread))
    found["remote"] = end(begin(remote))
    found["threads"] = end(begin(threads))
    two = [begin(watched("cloud", None)), begin(watched("other", None))]
    found |= {"cloud": end(two[0]), "other": end(two[1])}
    found["same"] = place.read_bytes() == before
    found["kills"] = killed(place, {name: found[name]["moments"] for name in ("cloud", "other")})
    found["after"] = end(begin(on("other")))
    print("RESULT " + json.dumps(found))
