"""What can be a flow, and what is said of an image that cannot be."""

from __future__ import annotations

import sys

import pytest

import kitaru_iac as kitaru
from kitaru_iac.errors import UsageError
from kitaru_iac.flows.flow import Flow
from kitaru_iac.flows.images import docker_settings


def _made(answer: int) -> Flow:
    def twice() -> int:
        return answer

    return kitaru.flow(twice)


def test_a_flow_whose_name_another_one_has_taken_is_not_run() -> None:
    """ZenML loads a flow by its name: it would run the other one."""
    first, second = _made(1), _made(2)
    with pytest.raises(UsageError, match="'twice' is another one in its module by now") as refused:
        first.run()
    assert refused.value.where == __name__
    second._require_its_name()
    # A module that is loaded anew, as a notebook's cell, has a new flow of the name.
    delattr(sys.modules[__name__], second._body.__name__)
    with pytest.raises(UsageError, match="'twice' is another one"):
        second._require_its_name()


def test_an_input_with_the_name_of_a_setting_is_refused() -> None:
    def positional(stack: str) -> None: ...
    def several(topic: str, *, image: str, retries: int = 1) -> None: ...
    def rest(*cache: str) -> None: ...

    for function, said in (
        (positional, "'positional' cannot have an input called stack"),
        (several, "'several' cannot have an input called image, retries"),
        (rest, "'rest' cannot have an input called cache"),
    ):
        with pytest.raises(UsageError, match=said):
            kitaru.flow(function)
        with pytest.raises(UsageError, match=said):
            kitaru.flow(retries=1)(function)


@pytest.mark.parametrize(
    ("image", "field"),
    [
        ({"apt_packages": {"token": "hunter2"}}, "apt_packages"),
        ({"environment": "TOKEN=hunter2"}, "environment"),
        ({"skip_build": True, "requirements": ["https://me:hunter2@host/x"]}, "image"),
    ],
)
def test_settings_of_an_image_that_do_not_fit_are_not_repeated(
    image: dict[str, object], field: str
) -> None:
    with pytest.raises(UsageError, match="The image's settings do not fit") as refused:
        docker_settings(image)
    why = str(refused.value.why)
    assert any(line.startswith(f"{field}") for line in why.splitlines()), why
    assert "hunter2" not in why
