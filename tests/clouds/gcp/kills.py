"""Google Cloud for `tests.clouds.kills`."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.clouds.gcp.test_cluster import MADE, OTHERS, REGION
from tests.doubles import LoopbackClouds
from tests.doubles.gcp_state import PROJECT
from tests.doubles.standin.install import install

_KNOWN = {"name": "prod", "region": REGION, "project": PROJECT, "infra": "provision"}


class Google:
    """A project with stacks on Vertex AI, with their connector's account, and on a new cluster."""

    def begin(self, folder: Path) -> Mapping[str, str]:
        (folder / "clouds").mkdir()
        self._clouds = LoopbackClouds(folder / "clouds")
        self._clouds.start()
        self._gcp = gcp = self._clouds.gcp
        connector = f"kitaru-zenml@{PROJECT}.iam.gserviceaccount.com"
        self.described: Sequence[Mapping[str, Any]] = (
            {
                **_KNOWN,
                "type": "vertex",
                "credentials": f"gcp-impersonate:{connector}:{gcp.credentials_file}",
                "resources": {"connector": "create"},
            },
            {
                **_KNOWN,
                "type": "kubernetes",
                "resources": {"cluster": "create"},
                "infrastructure": MADE,
            },
        )
        install(Path(os.environ["PULUMI_HOME"]), "gcp", "gcp")
        return self._gcp.env()

    def end(self) -> None:
        self._clouds.stop()

    def plant(self) -> None:
        self._gcp.reset()
        gcp = self._gcp
        labels = dict(OTHERS)
        gcp.bucket("theirs", REGION, labels=labels)
        gcp.repository("theirs", REGION, labels=labels)
        gcp.cluster("theirs", REGION, resource_labels=labels)
        email = gcp.service_account("theirs")
        gcp.state.descriptions[email] = " ".join(f"{k}={v}" for k, v in labels.items())
        gcp.bind("buckets/theirs", "roles/storage.objectUser", f"serviceAccount:{email}")
        gcp.bind(PROJECT, "roles/logging.logWriter", f"serviceAccount:{email}")
        gcp.state.compute[f"projects/{PROJECT}/global/networks/theirs"] = {"name": "theirs"}

    def theirs(self) -> Any:
        state = self._gcp.state
        held: tuple[Mapping[str, Any], ...] = (
            *(state.buckets, state.repositories, state.clusters, state.service_accounts),
            *(state.descriptions, state.compute),
        )
        found = [
            {name: copy.deepcopy(one) for name, one in each.items() if "theirs" in name}
            for each in held
        ]
        grants = [
            (where, one["role"], member)
            for where, policy in state.policies.items()
            for one in policy["bindings"]
            for member in one["members"]
            if "theirs" in member
        ]
        return found, sorted(grants)

    def asked(self) -> int:
        return len(self._clouds.proxy.requests) + len(self._gcp.made_as())

    def ours(self) -> list[str]:
        state = self._gcp.state
        held: tuple[Mapping[str, Any], ...] = (
            *(state.buckets, state.repositories, state.clusters, state.service_accounts),
            state.compute,
        )
        return sorted(name for each in held for name in each if "theirs" not in name)


def subject() -> Google:
    """The cloud that is killed in."""
    return Google()
