"""The shared proxy: three clouds in one environment, and nothing else."""

from __future__ import annotations

import pytest
import requests

from tests.doubles import LoopbackClouds

pytest_plugins = ["tests.servers.fixtures"]


def test_a_host_that_no_double_plays_is_refused(
    empty_clouds: LoopbackClouds, cloud_env: dict[str, str]
) -> None:
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get("https://example.com/", timeout=10)
    assert requests.get("http://metadata.google.internal/", timeout=10).status_code == 502
    assert "example.com" in empty_clouds.proxy.refused


def test_one_environment_reaches_all_three(clouds: LoopbackClouds) -> None:
    env, anonymous = clouds.env(), clouds.env(credentials=False)
    assert env["HTTPS_PROXY"] == env["https_proxy"] == clouds.proxy.url
    assert env["REQUESTS_CA_BUNDLE"] == env["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"]
    assert env["AWS_ENDPOINT_URL"] == clouds.aws.url
    secret = ("AWS_SECRET_ACCESS_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET")
    assert all(name in env and name not in anonymous for name in secret)
