"""One question to the API of an EKS cluster itself: what EKS does not tell.

The token is a presigned STS request, as `aws eks get-token` makes it. It goes to the cluster's own
endpoint alone, over TLS with the certificate authority that EKS names, and into no error.
https://docs.aws.amazon.com/eks/latest/userguide/cluster-auth.html
"""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kitaru_iac.checks.probes import Denied, NotFound, Skipped, Unavailable
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["find_namespace"]


def find_namespace(aws: AwsAccess, cluster: Mapping[str, Any], namespace: str) -> str:
    """Ask the cluster for a namespace.

    Args:
        aws: Who asks.
        cluster: As EKS describes it.
        namespace: Its name.

    Returns:
        Its name.

    Raises:
        NotFound: The cluster has none of this name.
        Denied: The cluster does not let this identity look.
        Skipped: EKS told no endpoint with a certificate authority.
        Unavailable: No usable answer came.
    """
    endpoint = str(cluster.get("endpoint") or "")
    authority = str((cluster.get("certificateAuthority") or {}).get("data") or "")
    show = "kubectl get namespaces"
    if not endpoint.startswith("https://") or not authority:
        raise Skipped("EKS told no endpoint and certificate authority of the cluster", show)
    url = f"{endpoint.rstrip('/')}/api/v1/namespaces/{quote(namespace, safe='')}"
    status = _get(url, aws.eks_token(str(cluster.get("name"))), authority, aws.timeout)
    if status == 404:
        raise NotFound(f"the cluster has no namespace {namespace}")
    if status in {401, 403}:
        raise Denied(
            f"the cluster answered {status}: these credentials may not read its namespaces",
            show,
        )
    if status != 200:
        raise Unavailable(f"the cluster answered {status} about the namespace {namespace}", show)
    return namespace


def _get(url: str, token: str, authority: str, timeout: float) -> int:
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import HTTPClientError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    with tempfile.TemporaryDirectory(prefix="kitaru-ca-") as folder:
        bundle = Path(folder) / "ca.pem"
        try:
            bundle.write_bytes(base64.b64decode(authority))
            session = URLLib3Session(
                verify=str(bundle), proxies=get_environ_proxies(url), timeout=min(5.0, timeout)
            )
            request = AWSRequest("GET", url, headers={"Authorization": f"Bearer {token}"})
            return int(session.send(request.prepare()).status_code)
        except (HTTPClientError, binascii.Error, OSError) as error:
            raise Unavailable(
                f"the cluster's endpoint gave no usable answer: {type(error).__name__}",
                "kubectl get namespaces",
            ) from error
