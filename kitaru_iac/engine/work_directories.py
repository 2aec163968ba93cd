"""The work directories of one deployment, with the stacks that are thrown away with them."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from pulumi.automation import Deployment as State
from pulumi.automation import ProjectSettings, Stack
from pulumi.automation._stack import StackInitMode

from kitaru_iac.engine.checkpoints import VERSION, Checkpoints
from kitaru_iac.engine.command import EngineCommand
from kitaru_iac.engine.install import ensure_plugin
from kitaru_iac.engine.progress import View
from kitaru_iac.engine.results import Plugin
from kitaru_iac.engine.running import Runner
from kitaru_iac.engine.workspace import Backend, QuietStack, QuietWorkspace, engine_environment

__all__ = ["WorkDirectories"]


class WorkDirectories:
    """Makes the workspaces of an inline program, each in a folder that `close` deletes.

    Args:
        project: Pulumi's project.
        program: The inline program.
        command: The engine.
        backend: Where the deployment's state is.
        runner: Runs what may fail, with the variables of the deployment.
        view: Is told of plugins that are fetched.
        plugins: The provider plugins that the program needs; another list may take its place.
    """

    def __init__(
        self,
        project: str,
        program: Callable[[], object],
        *,
        command: EngineCommand,
        backend: Backend,
        runner: Runner,
        view: View,
        plugins: Sequence[Plugin],
    ) -> None:
        self._project = project
        self._program = program
        self._command = command
        self._backend = backend
        self._runner = runner
        self._view = view
        self._folders = ExitStack()
        self.plugins = tuple(plugins)

    def close(self) -> None:
        """Delete the folders, with the stacks that are in them."""
        self._folders.close()

    def workspace(
        self, backend: Backend | None = None, passphrase: Mapping[str, str] | None = None
    ) -> QuietWorkspace:
        """Make a workspace in a folder of its own, with the plugins that it needs.

        Args:
            backend: Where its states are; the deployment's backend, if left out.
            passphrase: The variables that give one; else the user's, or our own.

        Raises:
            PassphraseMissing: The backend needs a passphrase, and none is given.
            PluginMissing: One of its plugins is not there, and cannot be installed.
        """
        backend = backend or self._backend
        environment = engine_environment(backend, self._runner.environment, passphrase)
        folder = self._folder()
        for plugin in self.plugins:
            ensure_plugin(
                self._command,
                plugin.name,
                plugin.version,
                environment,
                folder,
                progress=self._view,
            )
        return QuietWorkspace(
            backend,
            ProjectSettings(name=self._project, runtime="python"),
            work_dir=str(folder),
            program=self._program,
            env_vars=dict(environment),
            pulumi_command=self._command,
        )

    def scratch(self, name: str, state: Mapping[str, object] | None = None) -> Stack:
        """Make a stack that is thrown away: a preview with it writes nothing to the backend.

        Args:
            name: What Pulumi calls it.
            state: What it holds; nothing, if left out.
        """
        folder = self._folder()
        passphrase = {"PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(16)}
        if state is not None:
            # Its secrets are encrypted with the backend's own.
            passphrase = self._backend.passphrase()
        workspace = self.workspace(Backend(folder.as_uri()), passphrase)

        # Made as files: the engine would be started for it, and again to put the state in.
        Checkpoints(folder, self._project, name).begin(state)
        workspace.selected = State(VERSION, dict(state or {}))
        return QuietStack(name, workspace, StackInitMode.SELECT)

    def _folder(self) -> Path:
        return Path(self._folders.enter_context(tempfile.TemporaryDirectory(prefix="kitaru-")))
