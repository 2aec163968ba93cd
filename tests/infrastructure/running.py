"""A run without a cloud and without an engine: both are tables."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from kitaru_iac.infrastructure import provision
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.infrastructure.test_ownership_rules import Cloud, State, owned


def described(**more: Any) -> StackSpec:
    given = {"name": "prod", "type": "sagemaker", "region": "eu-west-1", "infra": "provision"}
    return from_mapping({**given, **more})


def stand_in(patch: pytest.MonkeyPatch, engine: State, account: Cloud, **more: Any) -> None:
    """Let `provision` make a target that takes no names, with this engine in this account.

    `named` are the types of what a description names.
    """
    named = more.pop("named", {})
    given = {
        "names": {}, "program": None, "account": account, "plugins": (), "outputs": {},
        "place": {}, "claims": (), "notes": (), "makes_anything": True, "passing": None,
        "late": None, "namespace": None, **more,
    }  # fmt: skip
    made_by = SimpleNamespace(target=lambda _: SimpleNamespace(**given), place_of=None)
    cloud = SimpleNamespace(load=lambda: made_by, named=named, beside={})
    patch.setattr(provision.registry, "provisioning", lambda _: cloud)
    patch.setattr(provision, "opened", lambda *_: nullcontext(engine))
    patch.setattr(provision, "configured", lambda *_, **__: owned(account, engine))
    patch.setattr(provision, "require_same_place", lambda *_: None)
