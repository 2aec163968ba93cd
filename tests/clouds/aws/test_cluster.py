"""The cluster that a description asks for, as the program registers it; see `programs`."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.clouds.aws.provision.cluster import ami_type
from kitaru_iac.clouds.aws.provision.layout import layout
from kitaru_iac.spec import from_mapping
from tests.clouds.aws.programs import ACCOUNT, Made, made_of, one

SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
OFFICE = "203.0.113.0/24"
CLUSTER, NODES = "eks/cluster:Cluster", "eks/nodeGroup:NodeGroup"


def made_with(preview: bool = False, **options: Any) -> list[Made]:
    options = {"subnets": SUBNETS, "endpoint_access": [OFFICE], **options}
    given = {
        "name": "prod", "type": "kubernetes", "region": "eu-west-1", "infra": "provision",
        "resources": {"cluster": "create"}, "infrastructure": options,
    }  # fmt: skip
    planned = layout(from_mapping(given), ACCOUNT, "eu-west-1")
    return made_of(planned.args(), preview=preview)


def test_the_endpoint_is_open_to_those_who_are_named() -> None:
    network = one(made_with(), CLUSTER)["vpcConfig"]
    assert (network["endpointPublicAccess"], network["publicAccessCidrs"]) == (True, [OFFICE])
    assert network["endpointPrivateAccess"] is True
    assert network["subnetIds"] == SUBNETS


def test_nobody_named_is_nobody_let_in() -> None:
    network = one(made_with(endpoint_access=[]), CLUSTER)["vpcConfig"]
    assert network["endpointPublicAccess"] is False
    assert network["endpointPrivateAccess"] is True
    assert "publicAccessCidrs" not in network


def test_nodes_are_as_they_were_asked_for() -> None:
    group = one(made_with(), NODES)
    assert group["scalingConfig"] == {"minSize": 1, "desiredSize": 2, "maxSize": 3}
    assert (group["instanceTypes"], group["diskSize"]) == (["t3.large"], 100)
    group = one(
        made_with(instance_type="m7g.xlarge", nodes=5, min_nodes=2, max_nodes=9, node_disk=200),
        NODES,
    )
    assert group["scalingConfig"] == {"minSize": 2, "desiredSize": 5, "maxSize": 9}
    assert (group["instanceTypes"], group["diskSize"]) == (["m7g.xlarge"], 200)
    assert group["amiType"] == "AL2023_ARM_64_STANDARD"


@pytest.mark.parametrize(
    ("instance", "image"),
    [
        *((i, "AL2023_x86_64_STANDARD") for i in ("t3.large", "m7i.xlarge", "c6a.large")),
        *((i, "AL2023_ARM_64_STANDARD") for i in ("t4g.large", "c7gn.large", "a1.large")),
        *((i, "AL2023_ARM_64_STANDARD") for i in ("g5g.xlarge", "im4gn.large", "x2gd.large")),
        *((i, "AL2023_x86_64_NVIDIA") for i in ("g4dn.xlarge", "g6.xlarge", "p5.48xlarge")),
    ],
)
def test_nodes_get_the_image_of_their_processor(instance: str, image: str) -> None:
    assert ami_type(instance) == image


def test_a_version_is_the_one_that_was_asked_for_or_the_newest() -> None:
    assert one(made_with(kubernetes_version="1.34"), CLUSTER)["version"] == "1.34"
    assert "version" not in one(made_with(), CLUSTER)
