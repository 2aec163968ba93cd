"""The infrastructure of a stack on AWS, for Pulumi programs in Python.

Importing it imports Pulumi's AWS SDK, and says how to get it where it is missing.
"""

from kitaru_iac.clouds.aws.provision.target import plugins

plugins()

from kitaru_iac.clouds.aws.provision.args import InfrastructureArgs  # noqa: E402
from kitaru_iac.clouds.aws.provision.component import Infrastructure  # noqa: E402

__all__ = ["Infrastructure", "InfrastructureArgs"]
