"""A Pulumi project of a test: the real engine, our plugin, a file backend; programs run inline."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pulumi import automation as auto
from pulumi.automation import EngineEvent

from kitaru_iac import __version__
from kitaru_iac.engine.checkpoints import Checkpoints
from kitaru_iac.engine.workspace import with_channels_of_its_own
from tests.warm import client as warm

__all__ = ["PASSPHRASE", "Failed", "Room", "install_plugin", "plugin_source"]

PASSPHRASE = "a passphrase of the tests"

#: What the installed script does.
_PROGRAM = """from kitaru_iac.pulumi.plugin.main import main

main()
"""


def install_plugin(pulumi_home: Path) -> Path:
    """Put our plugin where the engine takes it in silence; returns its source."""
    folder = pulumi_home / "plugins" / f"resource-kitaru-v{__version__}"
    folder.mkdir(parents=True, exist_ok=True)
    source = plugin_source(folder)
    warm.executable(folder / "pulumi-resource-kitaru", source)
    return source


def plugin_source(folder: Path) -> Path:
    """Write there what the installed script does."""
    source = folder / "main.py"
    source.write_text(_PROGRAM)
    return source


@cache
def _command(path: str) -> auto.PulumiCommand:
    """The engine on this PATH; each one asks for its version."""
    del path
    return auto.PulumiCommand()


class _Workspace(auto.LocalWorkspace):
    """Selects no stack: each command names it, and the test has made it."""

    def select_stack(self, stack_name: str) -> None:
        if "file://" not in self.env_vars["PULUMI_BACKEND_URL"]:
            super().select_stack(stack_name)


class _Stack(auto.Stack):
    """Asks neither for its outputs nor for its history after each run."""

    def outputs(self) -> dict[str, Any]:
        return {}

    def info(self, show_secrets: bool = True) -> Any:
        return show_secrets


class Failed(Exception):
    """The engine ended with an error; the text is what the user sees."""


@dataclass
class Ran:
    """One run of the engine.

    Attributes:
        text: What the user sees.
        ops: What was done, or would be, by the resource's name.
        diffs: The properties that differ, by the resource's name.
        outputs: The program's outputs.
    """

    text: str
    events: list[EngineEvent]
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def ops(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for event in self.events:
            if event.resource_pre_event is not None:
                step = event.resource_pre_event.metadata
                if step.type.startswith("kitaru:"):
                    found[step.urn.split("::")[-1]] = str(step.op).rsplit(".", 1)[-1].lower()
        return found

    @property
    def diffs(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for event in self.events:
            if event.resource_pre_event is not None:
                step = event.resource_pre_event.metadata
                found[step.urn.split("::")[-1]] = sorted(step.detailed_diff or step.diffs or [])
        return found

    @property
    def diagnostics(self) -> list[str]:
        return [
            event.diagnostic_event.message
            for event in self.events
            if event.diagnostic_event is not None
        ]


class Room:
    """One Pulumi project and stack.

    Args:
        folder: Where the project is, and its state unless there is a backend.
        stack: Pulumi's stack.
        project: Pulumi's project.
        backend: Where the state is, if not in that folder; then it cannot be read here.
    """

    def __init__(
        self,
        folder: Path,
        stack: str = "prod",
        project: str = "platform",
        backend: str | None = None,
    ) -> None:
        self.folder = folder
        self.stack = stack
        self.project = project
        self.state = folder / "state"
        self.state.mkdir(parents=True, exist_ok=True)
        self.backend = backend or self.state.as_uri()
        self.work = folder / "work"
        self.work.mkdir(exist_ok=True)

    @property
    def env(self) -> dict[str, str]:
        return {
            "PULUMI_BACKEND_URL": self.backend,
            "PULUMI_STACK": self.stack,
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Ours may be on PATH too, where its environment is active.
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        }

    def open(
        self, program: Callable[[], None], config: dict[str, str | auto.ConfigValue] | None = None
    ) -> auto.Stack:
        settings = auto.ProjectSettings(
            name=self.project,
            runtime="python",
            backend=auto.ProjectBackend(self.backend),
        )
        workspace = _Workspace(
            work_dir=str(self.work),
            program=program,
            env_vars=self.env,
            project_settings=settings,
            pulumi_command=_command(os.environ["PATH"]),
        )
        mode = auto._stack.StackInitMode
        how = mode.SELECT
        if self.backend != self.state.as_uri():
            how = mode.CREATE_OR_SELECT
        elif not self._state_file().exists():
            # Each question to the engine starts it.
            Checkpoints(self.state, self.project, self.stack).begin(None)
        stack = _Stack(self.stack, workspace, how)
        for key, value in (config or {}).items():
            given = auto.ConfigValue(value) if isinstance(value, str) else value
            stack.set_config(key, given)
        return stack

    def preview(self, program: Callable[[], None], **options: Any) -> Ran:
        return self._run("preview", program, **options)

    def up(self, program: Callable[[], None], **options: Any) -> Ran:
        return self._run("up", program, **options)

    def refresh(self, program: Callable[[], None] = lambda: None, **options: Any) -> Ran:
        return self._run("refresh", program, **options)

    def preview_refresh(self, program: Callable[[], None] = lambda: None, **options: Any) -> Ran:
        return self._run("preview_refresh", program, **options)

    def destroy(self, program: Callable[[], None] = lambda: None, **options: Any) -> Ran:
        return self._run("destroy", program, **options)

    def _run(
        self,
        verb: str,
        program: Callable[[], None],
        config: dict[str, str | auto.ConfigValue] | None = None,
        **options: Any,
    ) -> Ran:
        events: list[EngineEvent] = []
        lines: list[str] = []
        with_channels_of_its_own()
        stack = self.open(program, config)
        try:
            getattr(stack, verb)(
                on_event=events.append, on_output=lines.append, color="never", **options
            )
        except Exception as error:
            raise Failed("\n".join([*lines, str(error)])) from error
        ran = Ran("\n".join(lines), events)
        if verb == "up" and self.backend == self.state.as_uri():
            ran.outputs = self._outputs(stack)
        return ran

    def _outputs(self, stack: auto.Stack) -> dict[str, Any]:
        """The program's outputs; the engine is asked where one of them is encrypted."""
        outputs: dict[str, Any] = self.resources()[f"{self.project}-{self.stack}"].get(
            "outputs", {}
        )
        if "ciphertext" in json.dumps(outputs):
            return {key: output.value for key, output in auto.Stack.outputs(stack).items()}
        return outputs

    def _state_file(self) -> Path:
        return self.state / ".pulumi" / "stacks" / self.project / f"{self.stack}.json"

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources in the state by their names, as Pulumi keeps them."""
        found = {}
        for path in (self.state / ".pulumi" / "stacks").rglob("*.json"):
            latest = json.loads(path.read_text())["checkpoint"].get("latest") or {}
            for resource in latest.get("resources", []):
                found[resource["urn"].split("::")[-1]] = resource
        return found

    def pulumi(self, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the command in the project's folder."""
        return subprocess.run(
            ["pulumi", *argv],
            cwd=self.work,
            env={**os.environ, **self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
