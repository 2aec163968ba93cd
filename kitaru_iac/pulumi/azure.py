"""The infrastructure of a stack on Azure, for Pulumi programs in Python.

Importing it imports Pulumi's Azure SDK, and says how to get it where it is missing.
"""

from kitaru_iac.clouds.azure.provision.target import plugins

plugins()

from kitaru_iac.clouds.azure.provision.args import InfrastructureArgs  # noqa: E402
from kitaru_iac.clouds.azure.provision.component import Infrastructure  # noqa: E402

__all__ = ["Infrastructure", "InfrastructureArgs"]
