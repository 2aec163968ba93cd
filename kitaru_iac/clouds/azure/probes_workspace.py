"""What is asked about the AzureML workspace, and what it stands on."""

from __future__ import annotations

from functools import partial

from kitaru_iac.checks.probes import NoCredentials, Probe, ProbeError, Skipped, in_parallel
from kitaru_iac.clouds.azure.observations import Attached, Principal, Raw, known_text, text, within
from kitaru_iac.clouds.azure.probes_common import VERSIONS, CommonProbes

__all__ = ["WorkspaceProbes"]

_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
#: The properties that name what a workspace stands on. It may have no registry yet: AzureML makes
#: one when it first builds an image.
_ATTACHED = ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")


class WorkspaceProbes(CommonProbes):
    """The probes of the workspace in which runs are submitted."""

    workspace: Probe[Raw]
    attached: Probe[tuple[Attached, ...]]
    workspace_identity: Probe[Principal]

    def _ask_workspace(self) -> None:
        name, group = self._r.workspace, self._r.group
        self.workspace = self._below(
            f"{_WORKSPACES}/read",
            lambda where: self._azure.resource(
                f"{where}/resourceGroups/{group}/providers/{_WORKSPACES}/{name}",
                VERSIONS["microsoft.machinelearningservices"],
                about=f"the workspace {name} in {group}",
            ),
        )
        self.attached = Probe(
            "what the workspace stands on", self._attached, requires=(self.workspace,)
        )
        self.workspace_identity = Probe(
            "the workspace's identity", _identity, requires=(self.workspace,), inline=True
        )
        self.workspace_id: Probe[str] = Probe(
            "the workspace's id",
            lambda seen: known_text(seen, "id"),
            requires=(self.workspace,),
            inline=True,
        )

    def _attached(self, workspace: Raw) -> tuple[Attached, ...]:
        named = {name: text(workspace, "properties", name) for name in _ATTACHED}
        return tuple(in_parallel([partial(self._one, *pair) for pair in named.items()]))

    def _one(self, name: str, path: str | None) -> Attached:
        """Read one of them.

        Raises:
            NoCredentials: That is about all of them.
        """
        if not path:
            return Attached(name, None)
        namespace = path.lower().partition("/providers/")[2].partition("/")[0]
        about = f"the workspace's {name} {path.rsplit('/', 1)[-1]}"
        try:
            if namespace not in VERSIONS:
                raise Skipped(
                    f"{about} is of {namespace or 'no provider'}, which is not known here"
                )
            self._azure.resource(path, VERSIONS[namespace], about=about)
        except NoCredentials:
            raise
        except ProbeError as error:
            return Attached(name, path, error)
        return Attached(name, path)


def _identity(workspace: Raw) -> Principal:
    """Who the workspace is: the first of its own identities, else the one that Azure made for it.

    Raises:
        Skipped: It has none.
    """
    primary = text(workspace, "properties", "primaryUserAssignedIdentity")
    users = within(workspace, "identity", "userAssignedIdentities")
    if primary and isinstance(users, dict):
        for path, one in users.items():
            if str(path).lower() == primary.lower() and isinstance(one, dict):
                return Principal(known_text(one, "principalId"), primary.rsplit("/", 1)[-1])
    if primary is None:
        found = text(workspace, "identity", "principalId")
        if found:
            return Principal(found, "the workspace's own identity")
    raise Skipped("the workspace does not say which identity it is")
