"""Azure for `tests.clouds.kills`."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kitaru_iac.clouds.azure.provision.kinds import GROUP as GROUPS
from kitaru_iac.clouds.azure.provision.kinds import KINDS
from kitaru_iac.clouds.provider import marks
from tests.clouds.azure.engine import GROUP, define_roles
from tests.clouds.azure.test_provision import AKS
from tests.doubles.azure import LOCATION, AzureLoopback
from tests.doubles.standin_azure.install import install


class Azure:
    """A subscription with two kinds of stacks: on AzureML, and on a cluster that is made."""

    def begin(self, folder: Path) -> Mapping[str, str]:
        (folder / "azure").mkdir()
        self._azure = azure = AzureLoopback(folder / "azure")
        azure.start()
        known = {
            "name": "prod", "region": LOCATION, "infra": "provision", "resource_group": GROUP,
            "subscription_id": azure.subscription_id,
            "credentials": f"azure-service-principal:{azure.tenant_id}:{azure.client_id}:"
            f"{azure.client_secret}",
        }  # fmt: skip
        self.described: Sequence[Mapping[str, Any]] = [
            {**known, "type": "azureml"},
            {**known, **AKS},
        ]
        install(Path(os.environ["PULUMI_HOME"]))
        return azure.env()

    def end(self) -> None:
        self._azure.stop()

    def plant(self) -> None:
        azure = self._azure
        azure.reset()
        group = azure.group(GROUP)
        define_roles(azure)
        tags = {**marks("kitaru", "prod"), "pulumi-stack": "dev"}
        for type_, kind in KINDS.items():
            if type_ != GROUPS:
                azure.resources.put(group, kind.arm, "theirs12", LOCATION, tags=tags, properties={})
        azure.role_assignment(group, "r", "their-identity")
        self._before = copy.deepcopy(azure.resources.resources)

    def theirs(self) -> Any:
        now = self._azure.resources.resources
        return {name: copy.deepcopy(now.get(name)) for name in self._before}

    def asked(self) -> int:
        return len(self._azure.proxy.requests)

    def ours(self) -> list[str]:
        return sorted(set(self._azure.resources.resources) - set(self._before))


def subject() -> Azure:
    """The cloud that is killed in."""
    return Azure()
