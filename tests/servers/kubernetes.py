"""A real kube-apiserver with RBAC, and its etcd: objects and rights, and nothing that runs pods."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
import requests
import trustme

from kitaru_iac.checks.kubernetes_api import KubernetesApi
from tests.servers.process import ChildProcess, clean_environment, free_port

_ISSUER = "https://kubernetes.default.svc"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"


class KubernetesServer:
    """One cluster's API on loopback.

    Args:
        programs: The folder of ``kube-apiserver`` and ``etcd``.
        folder: For its data, keys and logs.
        users: Whom it knows by a token.
    """

    def __init__(self, programs: Path, folder: Path, users: Sequence[str]) -> None:
        self._programs = programs
        self._folder = folder
        self._users = {user: secrets.token_hex(16) for user in users}
        self._ca = trustme.CA()
        self._port = free_port()
        self._etcd = ChildProcess("etcd", folder / "etcd.log")
        self._api = ChildProcess("kube-apiserver", folder / "kube-apiserver.log")
        self._admin = requests.Session()
        self._admin.trust_env = False

    def start(self, timeout: float = 120) -> None:
        """Start both, and return when objects can be made."""
        self._folder.mkdir(parents=True, exist_ok=True)
        env = clean_environment(self._folder / "home")
        store, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._etcd.start(
            [str(self._programs / "etcd"), f"--data-dir={self._folder / 'etcd'}",
             f"--listen-client-urls={store}", f"--advertise-client-urls={store}",
             f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}",
             f"--initial-cluster=default={peers}", "--unsafe-no-fsync", "--log-level=error"],
            env,
        )  # fmt: skip
        self._api.start([str(self._programs / "kube-apiserver"), *self._flags(store)], env)
        self._api.wait_until(lambda: self._admin.get(f"{self._url}/readyz").ok, timeout)

    def stop(self) -> None:
        """Stop the API server, then what it stores in."""
        self.awaken()
        self._api.stop()
        self._etcd.stop()

    def hang(self) -> None:
        """Answer nothing more, until `awaken`."""
        os.kill(self._pid, signal.SIGSTOP)

    def awaken(self) -> None:
        """Answer again."""
        if self._api.pid is not None:
            os.kill(self._pid, signal.SIGCONT)

    @property
    def _pid(self) -> int:
        assert self._api.pid is not None
        return self._api.pid

    @property
    def _url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def _flags(self, store: str) -> list[str]:
        admin = self._ca.issue_cert(
            "admin.test", common_name="admin", organization_name="system:masters"
        )
        server = self._ca.issue_cert("127.0.0.1")
        authority = self._write("ca.pem", self._ca.cert_pem.bytes())
        key = self._write("server.key", server.private_key_pem.bytes())
        chain = self._write("server.pem", b"".join(p.bytes() for p in server.cert_chain_pems))
        known = "".join(f"{token},{user},{user}\n" for user, token in self._users.items())
        # A certificate makes the administrator, so that no token can do all.
        self._admin.cert = self._write("admin.pem", admin.private_key_and_cert_chain_pem.bytes())
        self._admin.verify = authority
        self._signing = trustme.CA().issue_cert("signing").private_key_pem.bytes()
        signing = self._write("signing.key", self._signing)
        return [
            *(f"--etcd-servers={store}", f"--secure-port={self._port}", "--bind-address=127.0.0.1"),
            *(f"--tls-cert-file={chain}", f"--tls-private-key-file={key}"),
            *(f"--client-ca-file={authority}", "--authorization-mode=RBAC"),
            f"--token-auth-file={self._write('tokens.csv', known.encode())}",
            *(f"--service-account-key-file={signing}", f"--service-account-issuer={_ISSUER}"),
            f"--service-account-signing-key-file={signing}",
            *("--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none"),
            "--disable-admission-plugins=ServiceAccount",
        ]

    def _write(self, name: str, content: bytes) -> str:
        path = self._folder / name
        path.write_bytes(content)
        return str(path)

    # --- who asks, and what is there

    def api(self, user: str, timeout: float = 30) -> KubernetesApi:
        """The API as one of the users."""
        return self.api_with(self._users[user], timeout)

    def api_with(self, token: str, timeout: float = 30) -> KubernetesApi:
        """The API with any token."""
        authority = base64.b64encode(self._ca.cert_pem.bytes()).decode()
        return KubernetesApi(self._url, authority, token, timeout)

    def account_token(self, namespace: str, name: str, seconds: int) -> str:
        """Sign a token of a service account, which ends so many seconds from now."""
        account = self.make(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"name": name})
        identity = {"name": name, "uid": account["metadata"]["uid"]}
        now = int(time.time())
        claims = {
            "iss": _ISSUER,
            "aud": [_ISSUER],
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "nbf": now - 7200,
            "iat": now - 7200,
            "exp": now + seconds,
            "kubernetes.io": {"namespace": namespace, "serviceaccount": identity},
        }
        return jwt.encode(claims, self._signing, algorithm="ES256")

    def make(self, path: str, metadata: Mapping[str, Any], **body: Any) -> Any:
        """Make an object, as the administrator."""
        answer = self._admin.post(self._url + path, json={"metadata": dict(metadata), **body})
        answer.raise_for_status()
        return answer.json()

    def delete(self, path: str) -> None:
        """Delete an object, as the administrator."""
        self._admin.delete(self._url + path).raise_for_status()

    def allow(self, user: str, namespace: str | None, rules: Sequence[Mapping[str, Any]]) -> None:
        """Give a user a role with these rules: in a namespace, or everywhere."""
        at = f"{_RBAC}/namespaces/{namespace}/" if namespace else f"{_RBAC}/cluster"
        group = "rbac.authorization.k8s.io"
        self.make(f"{at}roles", {"name": user}, rules=list(rules))
        self.make(
            *(f"{at}rolebindings", {"name": user}),
            roleRef={
                "apiGroup": group,
                "kind": "Role" if namespace else "ClusterRole",
                "name": user,
            },
            subjects=[{"apiGroup": group, "kind": "User", "name": user}],
        )
