"""Whether a machine is a CI runner, by what CI systems set."""

from __future__ import annotations

import pytest

from kitaru_iac.machine.ci import VARIABLES, is_ci
from tests.docs.markdown import ROOT


@pytest.mark.parametrize("name", VARIABLES)
def test_each_variable_says_so_and_is_documented(name: str) -> None:
    assert is_ci({name: "True"})
    assert f"`{name}`" in (ROOT / "docs" / "reference" / "environment.md").read_text()


@pytest.mark.parametrize(
    "environ",
    [
        *({}, {"CI": ""}, {"CI": " "}, {"CI": "0"}, {"CI": "False"}, {"CI": "no"}, {"CI": "off"}),
        *({"TF_BUILD": ""}, {"TF_BUILD": "False"}),
        {"CI": "false", "TF_BUILD": "True"},  # somebody has said so
    ],
    ids=str,
)
def test_a_machine_of_ones_own(environ: dict[str, str]) -> None:
    assert not is_ci(environ)


def test_a_blank_one_says_nothing_against_another() -> None:
    assert is_ci({"CI": "", "JENKINS_HOME": "/var/jenkins_home"})
