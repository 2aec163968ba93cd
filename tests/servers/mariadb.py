"""A real MariaDB on loopback, for a ZenML server that keeps its store there.

Its program is no part of the tests' environment: Debian's `mariadb-server`, `mariadb-server-core`,
`mariadb-client-core` and `mariadb-common` have it, installed or unpacked in a folder
(``apt-get download``, ``dpkg-deb -x``; there also `libaio1` and `liburing2`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql

from tests.servers.process import ChildProcess, free_port
from tests.servers.zenml import ZenMLServer

__all__ = ["MariaDB", "find_mariadbd", "server_on"]

_START_TIMEOUT = 60.0


def find_mariadbd(folder: Path | None = None) -> Path | None:
    """The `mariadbd` of a folder with Debian's packages unpacked, else the machine's own."""
    if folder is not None:
        return folder / "usr" / "sbin" / "mariadbd"
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


class MariaDB:
    """One MariaDB with one empty database, `zenml`; on 127.0.0.1 alone.

    Args:
        program: Its `mariadbd`; libraries and messages are looked for in the folders beside it.
        directory: Where its files go.
    """

    def __init__(self, program: Path, directory: Path) -> None:
        self._usr = program.resolve().parents[1]
        self._program = program
        self._directory = directory
        self._process = ChildProcess("MariaDB", directory / "mariadb.log")
        self._port = 0
        self._connection: Any = None

    def __enter__(self) -> MariaDB:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """As ``ZENML_STORE_URL`` of a server."""
        return f"mysql://zenml:zenml@127.0.0.1:{self._port}/zenml"

    def start(self) -> None:
        """Make the database and wait until it answers."""
        self._directory.mkdir(parents=True, exist_ok=True)
        data = self._directory / "data"
        libraries = next(self._usr.glob("lib/*-linux-gnu"), self._usr / "lib")
        env = dict(os.environ) | {"LD_LIBRARY_PATH": str(libraries)}
        own = [f"--basedir={self._usr}", f"--datadir={data}", "--user=root"]
        subprocess.run(
            [
                *(str(self._usr / "bin" / "mariadb-install-db"), "--no-defaults", *own),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            env=env,
            check=True,
            capture_output=True,
        )
        self._port = free_port()
        arguments = [
            *("--no-defaults", *own, "--bind-address=127.0.0.1", f"--port={self._port}"),
            *(f"--socket={self._directory / 'socket'}", "--skip-name-resolve"),
            f"--pid-file={self._directory / 'pid'}",
            f"--plugin-dir={libraries / 'mariadb19' / 'plugin'}",
        ]
        self._process.start([str(self._program), *arguments], env)
        self._process.wait_until(self._is_up, _START_TIMEOUT)
        self.query("CREATE DATABASE zenml CHARACTER SET utf8mb4")
        self.query("GRANT ALL ON *.* TO zenml@'%' IDENTIFIED BY 'zenml'")  # ZenML wants a password
        self._connection.select_db("zenml")

    def stop(self) -> None:
        """End it. What is in its files stays."""
        if self._connection is not None:
            self._connection.close()
        self._process.stop()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement, committed at once."""
        self._connection.ping()
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def _is_up(self) -> bool:
        with suppress(pymysql.err.OperationalError):
            self._connection = pymysql.connect(
                host="127.0.0.1", port=self._port, user="root", autocommit=True
            )
            return True
        return False


def server_on(database: MariaDB, directory: Path) -> ZenMLServer:
    """A ZenML server, not yet started, that keeps its store in that database."""
    server = ZenMLServer(directory)
    server._process = _OnDatabase(database.url, directory / "server.log")
    return server


class _OnDatabase(ChildProcess):
    """A server's process that is told of another database than its own file.

    `ZenMLServer` itself stays as it is: what it is made of names the databases in the cache.
    """

    def __init__(self, url: str, log: Path) -> None:
        super().__init__("The ZenML server", log)
        self._url = url

    def start(self, command: Sequence[str], env: Mapping[str, str], **more: Any) -> None:
        super().start(command, {**env, "ZENML_STORE_URL": self._url}, **more)

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        super().wait_until(ready, 8 * timeout)  # it makes its tables first, in minutes
