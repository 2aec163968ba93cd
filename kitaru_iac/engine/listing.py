"""The deployments that a backend has."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping

from pulumi.automation import CommandError, LocalWorkspace, ProjectSettings

from kitaru_iac.engine.checkpoints import named
from kitaru_iac.engine.command import EngineCommand
from kitaru_iac.engine.find import FoundEngine
from kitaru_iac.engine.progress import View
from kitaru_iac.engine.running import Runner
from kitaru_iac.engine.workspace import Backend, QuietWorkspace, engine_environment

__all__ = ["list_deployments"]


def list_deployments(
    project: str, engine: FoundEngine, backend: Backend
) -> Mapping[str, str | None]:
    """List the Pulumi stacks of a project.

    Args:
        project: Pulumi's project.
        engine: The engine to use.
        backend: Where to look.

    Returns:
        When each was last updated, in ISO 8601, by its name.

    Raises:
        EngineError: See `kitaru_iac.engine.errors`.
    """
    runner = Runner(project, backend.label, View(), lambda: None, 0)
    with tempfile.TemporaryDirectory(prefix="kitaru-") as folder:
        workspace = QuietWorkspace(
            backend,
            ProjectSettings(name=project, runtime="python"),
            work_dir=folder,
            env_vars=engine_environment(backend),
            pulumi_command=EngineCommand(engine),
        )
        return runner.run("list the deployments", lambda: _listed(workspace, project, backend))


def _listed(workspace: LocalWorkspace, project: str, backend: Backend) -> Mapping[str, str | None]:
    """What the engine lists; the names of the files where it stops at one that is not whole."""
    try:
        found = workspace.list_stacks()
    except CommandError:
        folder = backend.folder
        files = named(folder, project) if folder is not None else ()
        if not any(one.is_damaged() for one in files):
            raise
        return {one.stack: None for one in files}
    return {
        one.name: one.last_update.isoformat() if one.last_update else None
        for one in sorted(found, key=lambda one: one.name)
    }
