"""A platform team's project on AWS on loopback, with a store of its own; and what it uses there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pulumi
import pytest

from kitaru_iac import __version__
from tests.doubles.aws import ACCOUNT_ID, REGION
from tests.doubles.standin.fixtures import EngineRoom
from tests.pulumi.room import Room, install_plugin
from tests.stacks.conftest import workshop

__all__ = ["BUCKET", "REGISTRY", "ROLE", "Remote", "keys", "site", "workshop"]

BUCKET = f"kitaru-prod-{ACCOUNT_ID}-{REGION}"
REGISTRY = f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/kitaru/prod"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/kitaru-prod-sagemaker-{REGION}"


def keys() -> str:
    """This process's keys, as credentials of a connector."""
    return ":".join(
        ["aws-access-keys", os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]]
    )


@pytest.fixture
def site(workshop: EngineRoom, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """The project; the fixture `workshop` is its account and its store."""
    del workshop
    install_plugin(Path(os.environ["PULUMI_HOME"]))
    return Room(tmp_path_factory.mktemp("site"))


class Remote(pulumi.ComponentResource):
    """What the generated SDK of any language does: the engine is asked, and asks the plugin."""

    def __init__(
        self,
        token: str,
        name: str,
        inputs: dict[str, Any],
        outputs: tuple[str, ...] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        ours = pulumi.ResourceOptions(version=__version__)
        merged = pulumi.ResourceOptions.merge(ours, opts)
        super().__init__(token, name, {**dict.fromkeys(outputs), **inputs}, merged, remote=True)
