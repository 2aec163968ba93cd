"""What a description asks of nodes, and what keeps a pod from them."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.checks.kubernetes_version import minors_of
from kitaru_iac.checks.pods import PodSettings, Taint, pods_of, untolerated


@pytest.mark.parametrize(
    ("orchestrator", "pods"),
    [
        ({}, (PodSettings(),)),
        ({"pod_settings": "odd", "orchestrator_pod_settings": None}, (PodSettings(),)),
        (
            {"pod_settings": {"node_selectors": {"team": "ml", "n": 1}, "labels": {"a": "b"}}},
            (PodSettings((("team", "ml"), ("n", "1")), labels=(("a", "b"),)), PodSettings()),
        ),
        (
            {"orchestrator_pod_settings": {"tolerations": [{"key": "team"}, "odd"]}},
            (PodSettings(), PodSettings(tolerations=(("team", "Equal", "", ""),))),
        ),
        (
            {
                key: {"tolerations": [{"operator": "Exists", "effect": "NoExecute", "value": "x"}]}
                for key in ("pod_settings", "orchestrator_pod_settings")
            },
            (PodSettings(tolerations=(("", "Exists", "x", "NoExecute"),)),),
        ),
        (
            {
                "pod_settings": {
                    "resources": {
                        "requests": {"cpu": "1", "nvidia.com/gpu": "1"},
                        "limits": {"nvidia.com/gpu": "1", "memory": "1Gi", "example.com/x": 2},
                    }
                }
            },
            (PodSettings(resources=("nvidia.com/gpu", "example.com/x")), PodSettings()),
        ),
        ({"pod_settings": {"resources": "odd"}}, (PodSettings(),)),
        *(
            ({"pod_settings": {"tolerations": odd}}, (PodSettings(),))
            for odd in (True, 1, "odd", {})
        ),
    ],
)
def test_a_description_says_what_its_pods_ask_for(
    orchestrator: dict[str, Any], pods: tuple[PodSettings, ...]
) -> None:
    assert pods_of(orchestrator) == pods


@pytest.mark.parametrize(
    ("toleration", "keeps"),
    [
        (("team", "Equal", "x", ""), "gpu"),
        (("team", "Equal", "x", "NO_SCHEDULE"), "gpu"),
        (("team", "Equal", "x", "NoExecute"), "team"),
        (("team", "Equal", "y", ""), "team"),
        (("team", "Exists", "", "NoSchedule"), "gpu"),
        (("gpu", "Exists", "", ""), "team"),
        (("", "Exists", "", ""), None),
        (("", "Exists", "", "NoExecute"), "team"),
        (("", "Equal", "", ""), "team"),
    ],
)
def test_a_taint_keeps_away_who_does_not_tolerate_it(
    toleration: tuple[str, str, str, str], keeps: str | None
) -> None:
    """One that only prefers other nodes keeps nobody away."""
    taints = [
        Taint("soft", "x", "PreferNoSchedule"),
        Taint("soft", "x", "PREFER_NO_SCHEDULE"),
        Taint("team", "x", "NoSchedule"),
        Taint("gpu", "", "NoExecute"),
    ]
    found = untolerated(PodSettings(tolerations=(toleration,)), taints)
    assert (found.key if found else None) == keeps


def test_versions_are_told_by_their_minor_one() -> None:
    given = ["1.34.1-gke.1829001", "1.33", "v1.32.1", "newest", "1.3x", "", "1.10.0"]
    assert minors_of(given) == {(1, 34), (1, 33), (1, 10)}
