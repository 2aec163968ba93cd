"""The real ZenML server: uvicorn in a child process, an SQLite store, no human at the keyboard."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import requests

from tests.servers.process import ChildProcess, clean_environment, listening_socket
from tests.servers.releases import Template, environment_of, template_of
from tests.warm import databases

#: Written beside the database: ZenML takes the folder of the main module's file as its source root.
#: Keys and passwords are hashed at the least cost: at the usual one, a login takes 0.9 s of CPU.
_PROGRAM = """
import socket, sqlite3, sys
import uvicorn
from passlib.hash import bcrypt
from sqlalchemy import event
from sqlalchemy.engine import Engine


@event.listens_for(Engine, "connect")
def connected(connection, _):
    # See tests/warm/databases.py, which an older release cannot import.
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


bcrypt.default_rounds = 4
listener = socket.socket(fileno=int(sys.argv[1]))
config = uvicorn.Config(
    "zenml.zen_server.zen_server_api:app", log_level="warning", server_header=False
)
uvicorn.Server(config).run(sockets=[listener])
"""
_USER = "admin"
_PASSWORD = "Loopback-passw0rd"
_START_TIMEOUT = 120.0


class ZenMLServer:
    """A ZenML server of its own, and what a client needs to reach it.

    `extra_env` joins the server's environment: a REST store's connectors are verified there.
    `python` runs it, and decides the release; the one of these tests if it is not given. With a
    `template` it begins with that database instead of making one, which takes a minute.
    """

    def __init__(
        self,
        directory: Path,
        extra_env: Mapping[str, str] | None = None,
        *,
        implicit_auth: bool = False,
        python: Path | None = None,
        template: Template | None = None,
    ) -> None:
        self._directory = directory
        self._extra_env = dict(extra_env or {})
        self._process = ChildProcess("The ZenML server", directory / "server.log")
        self._port = 0
        self._session = requests.Session()
        self._session.trust_env = False
        self._python = python or Path(sys.executable)
        self._template = template
        self.implicit_auth = implicit_auth
        self.api_key = ""

    @classmethod
    def of_release(
        cls, release: str, directory: Path, extra_env: Mapping[str, str] | None = None
    ) -> ZenMLServer:
        """A server of another release, or of the installed one; see `tests.servers.releases`."""
        return cls(
            directory,
            extra_env,
            python=environment_of(release),
            template=template_of(release),
        )

    def __enter__(self) -> ZenMLServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def database(self) -> Path:
        return self._directory / "zenml.db"

    @property
    def _begun(self) -> Path:
        return self._directory / "begun.db"

    @property
    def log(self) -> Path:
        return self._process.log

    def start(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._template is not None and not self.database.exists():
            shutil.copyfile(self._template.database, self.database)
        listener = listening_socket()
        self._port = listener.getsockname()[1]
        self._spawn(listener)
        try:
            self._process.wait_until(self._is_up, _START_TIMEOUT)
            self.api_key = self._template.api_key if self._template else self._make_api_key()
            if self.database.exists():  # and not a store of another kind
                copy_database(self.database, self._begun)
        except BaseException:
            self._process.stop()
            raise

    def stop(self) -> None:
        self._process.stop()
        self._session.close()

    def token(self) -> str:
        """A fresh access token of the service account."""
        form = {"grant_type": "zenml-api-key", "password": self.api_key}
        response = self._call("POST", "/login", data=form)
        _require_success(response)
        value: str = response.json()["access_token"]
        return value

    def client_env(self, config_dir: Path) -> dict[str, str]:
        """For a client process with its own configuration home and this server as its store."""
        return {
            "ZENML_CONFIG_PATH": str(config_dir),
            "ZENML_LOCAL_STORES_PATH": str(config_dir / "local_stores"),
            "ZENML_STORE_URL": self.url,
            "ZENML_STORE_API_KEY": self.api_key,
            "ZENML_ANALYTICS_OPT_IN": "false",
            "AUTO_OPEN_DASHBOARD": "false",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """A call of the server's API (`/stacks`, ...) as its administrator."""
        response = self._call(method, path, **arguments)
        if response.status_code == 401:
            self._log_in()
            response = self._call(method, path, **arguments)
        return response

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """Everything that a listing of the API holds."""
        page = 1
        while True:
            response = self.request("GET", path, params={"page": page, "size": 500})
            response.raise_for_status()
            found = response.json()
            yield from found["items"]
            if page >= found["total_pages"]:
                return
            page += 1

    def reset(self) -> None:
        """Let the store be as it was when the server began."""
        if self._begun.exists():
            copy_database(self._begun, self.database)
        else:
            self.delete_all()

    def delete_all(self) -> None:
        """Delete every stack, component, connector and secret except the default ones."""
        for path in ("/stacks", "/components", "/service_connectors", "/secrets"):
            for item in list(self.items(path)):
                if item["name"] == "default" and path in ("/stacks", "/components"):
                    continue
                response = self.request("DELETE", f"{path}/{item['id']}")
                if response.status_code != 404:  # a connector takes its secret along
                    _require_success(response)

    def verify_connector(
        self,
        connector_type: str,
        auth_method: str,
        configuration: Mapping[str, Any],
        resource_type: str | None = None,
        resource_id: str | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """The server's own verification of a connector that is not stored.

        Returns ZenML's model: `error`, and per resource type `resource_ids` and `error`.
        """
        request = {
            "name": "verification",
            "connector_type": connector_type,
            "auth_method": auth_method,
            "configuration": dict(configuration),
            "resource_types": [resource_type] if resource_type else [],
            "resource_id": resource_id,
            "supports_instances": resource_id is None,
            **fields,
        }
        response = self.request("POST", "/service_connectors/verify", json=request)
        _require_success(response)
        result: dict[str, Any] = response.json()
        return result

    def _spawn(self, listener: socket.socket) -> None:
        config = self._directory / "config"
        env = clean_environment(self._directory / "home") | self._extra_env
        env |= {
            "ZENML_CONFIG_PATH": str(config),
            "ZENML_LOCAL_STORES_PATH": str(config / "local_stores"),
            "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_ENABLE_IMPLICIT_AUTH_METHODS": "true" if self.implicit_auth else "false",
            "ZENML_SERVER": "true",
            "ZENML_SERVER_AUTO_ACTIVATE": "1",
            "ZENML_SERVER_AUTH_SCHEME": "OAUTH2_PASSWORD_BEARER",
            "ZENML_SERVER_DEPLOYMENT_TYPE": "other",
            "ZENML_SERVER_JWT_SECRET_KEY": "0123456789abcdef" * 4,
            "ZENML_SERVER_LOGIN_RATE_LIMIT_MINUTE": "1000",
            "ZENML_DEFAULT_USER_NAME": _USER,
            "ZENML_DEFAULT_USER_PASSWORD": _PASSWORD,
            "ZENML_SECRETS_STORE_TYPE": "sql",
            "ZENML_STORE_TYPE": "sql",
            "ZENML_STORE_URL": f"sqlite:///{self.database}",
        }
        program = self._directory / "program" / "run.py"
        program.parent.mkdir(exist_ok=True)
        program.write_text(_PROGRAM)
        command = [str(self._python), str(program), str(listener.fileno())]
        self._process.start(command, env, cwd=self._directory, listener=listener)

    def _is_up(self) -> bool:
        # The socket listens from the beginning: this waits in the queue until the server answers.
        return self._session.get(f"{self.url}/health", timeout=_START_TIMEOUT).ok

    def _make_api_key(self) -> str:
        self._log_in()
        account = self.request(
            "POST", "/service_accounts", json={"name": "tests", "description": "", "active": True}
        )
        _require_success(account)
        key = self.request(
            "POST", f"/service_accounts/{account.json()['id']}/api_keys", json={"name": "tests"}
        )
        _require_success(key)
        value: str = key.json()["body"]["key"]
        return value

    def _log_in(self) -> None:
        response = self._call("POST", "/login", data={"username": _USER, "password": _PASSWORD})
        _require_success(response)
        self._session.headers["Authorization"] = f"Bearer {response.json()['access_token']}"

    def _call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self._session.request(method, f"{self.url}/api/v1{path}", timeout=120, **arguments)


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database into one that others may have open, within a transaction."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        new.execute(databases.PRAGMA)
        old.backup(new)


def _require_success(response: requests.Response) -> None:
    if not response.ok:
        call = f"{response.request.method} {response.request.path_url}"
        raise RuntimeError(f"{call}: {response.status_code} {response.text[:2000]}")
