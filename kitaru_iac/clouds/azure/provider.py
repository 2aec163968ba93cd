"""What Azure offers: records. It can neither be checked nor provisioned yet."""

from __future__ import annotations

from kitaru_iac.clouds.azure import records
from kitaru_iac.clouds.provider import CloudProvider
from kitaru_iac.spec.kinds import Cloud

__all__ = ["PROVIDER"]

PROVIDER = CloudProvider(cloud=Cloud.AZURE, desired=records.desired, log_in="az login")
