"""Whether this machine is a CI runner, which is gone with what was written on it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["VARIABLES", "is_ci"]

#: What runners set. Most set `CI`; the others are for those that may not: Azure Pipelines, Jenkins,
#: TeamCity, AWS CodeBuild, Bamboo, GoCD, and what Pulumi's engine is told of by its own variable.
VARIABLES = (
    *("CI", "TF_BUILD", "JENKINS_HOME", "TEAMCITY_VERSION"),
    *("CODEBUILD_BUILD_ID", "bamboo_buildKey", "GO_PIPELINE_LABEL", "PULUMI_CI_SYSTEM"),
)
_FALSE = frozenset({"", "0", "false", "no", "off"})


def is_ci(environ: Mapping[str, str]) -> bool:
    """Tell from the variables that CI systems set; a `CI` that says no is believed."""
    said = environ.get("CI", "").strip().lower()
    if said:
        return said not in _FALSE
    return any(environ.get(name, "").strip().lower() not in _FALSE for name in VARIABLES)
