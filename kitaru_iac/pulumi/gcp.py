"""The infrastructure of a stack on GCP, for Pulumi programs in Python.

Importing it imports Pulumi's GCP SDK, and says how to get it where it is missing.
"""

from kitaru_iac.clouds.gcp.provision.target import plugins

plugins()

from kitaru_iac.clouds.gcp.provision.args import InfrastructureArgs  # noqa: E402
from kitaru_iac.clouds.gcp.provision.component import Infrastructure  # noqa: E402

__all__ = ["Infrastructure", "InfrastructureArgs"]
