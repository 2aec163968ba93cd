"""The process that forks: ``python zygote.py SOCKET PARENT``. It ends when its parent has ended.

It has a single thread and has opened no store: a fork is a copy of a Python that has only imported.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import traceback
from typing import Any

#: What takes long to import and is the same for every test. Nothing of ours, nor what reads the
#: environment when it is imported.
PACKAGES = (
    "zenml.client",
    "zenml.models",
    "zenml.zen_stores.sql_zen_store",
    "zenml.zen_stores.rest_zen_store",
    "zenml.stack",
    "zenml.integrations.aws.service_connectors.aws_service_connector",
    "zenml.integrations.gcp.service_connectors.gcp_service_connector",
    "zenml.integrations.azure.service_connectors.azure_service_connector",
    "zenml.integrations.kubernetes.service_connectors.kubernetes_service_connector",
    "zenml.service_connectors.docker_service_connector",
    # What ZenML imports when it opens a store, and our command when it is called.
    *(f"zenml.{name}" for name in ("container_registries", "deployers", "image_builders")),
    *(f"zenml.{name}" for name in ("sandboxes", "pipelines.run_utils", "secret", "utils.daemon")),
    *(f"zenml.stack.{name}" for name in ("authentication_mixin", "utils")),
    *("typer", "shellingham", "sqlite3", "difflib"),
    "pulumi",
    "pulumi.automation",
    "grpc.aio",
)
#: Those of `pulumi_aws`, which are imported when something of them is first used.
SERVICES = ("cloudwatch", "ec2", "ecr", "eks", "iam", "s3")
#: How often it looks whether its parent is still there, in seconds.
_PULSE = 2.0


def main(address: str, parent: int) -> None:
    """Serve until the parent has ended."""
    beside = [importlib.import_module(name) for name in ("aws_models", "migrations", "databases")]
    del sys.path[0]  # this file's folder, which a command would not have
    for package in PACKAGES:
        with contextlib.suppress(ImportError):  # a later version may have moved it
            importlib.import_module(package)
    for service in SERVICES:
        with contextlib.suppress(ImportError):
            dir(importlib.import_module(f"pulumi_aws.{service}").outputs)
    for what in beside[:2]:
        what.read_once()
    with contextlib.suppress(ImportError):
        from sqlalchemy.orm import configure_mappers

        configure_mappers()
        beside[2].in_no_haste()
    _read_models()
    beside[1].read()
    _prepare_new_stores()
    gc.freeze()  # a collection in a child would copy what it only reads
    assert threading.active_count() == 1, threading.enumerate()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(64)
    os.rename(f"{address}.new", address)  # noqa: PTH104 - there when it can be used
    _Server(listener).serve(parent)


def _read_models() -> None:
    """Read AWS's models in use, for all commands."""
    import boto3

    session = boto3.session.Session(
        region_name="eu-west-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nobody's",
    )
    for service in ("s3", "ecr", "iam", "eks", "sts", "ec2", "sagemaker"):
        session.client(service)


def _prepare_new_stores() -> None:
    """Import what ZenML fills a new store with, and hash its user's password at the least cost."""
    with contextlib.suppress(ImportError):
        from zenml.stack.flavor_registry import FlavorRegistry

        _ = FlavorRegistry().integration_flavors
    with contextlib.suppress(ImportError):
        from passlib.hash import bcrypt

        bcrypt.default_rounds = 4
        bcrypt.hash("its first use checks the backend")


class _Server:
    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._waiting: dict[int, socket.socket] = {}  # the client of a child, by its pid
        self._ready = selectors.DefaultSelector()
        self._ready.register(listener, selectors.EVENT_READ, self._accept)
        self._pulse, wake = socket.socketpair()
        wake.setblocking(False)
        self._pulse.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self._wake = wake
        self._ready.register(self._pulse, selectors.EVENT_READ, self._reap)

    def serve(self, parent: int) -> None:
        while True:
            for key, _ in self._ready.select(_PULSE):
                key.data(key.fileobj)
            try:
                os.kill(parent, 0)
            except ProcessLookupError:
                for pid in self._waiting:
                    _kill(pid, signal.SIGKILL)
                return

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        message, files, _, _ = socket.recv_fds(client, 1 << 20, 3)
        while not message.endswith(b"\n"):
            message += client.recv(1 << 20)
        request = json.loads(message)
        pid = os.fork()
        if pid == 0:
            self._become(request, files, client)
        for file in files:
            os.close(file)
        self._waiting[pid] = client
        with contextlib.suppress(OSError):  # it has ended by now: see `_hear`
            client.sendall(f"{pid}\n".encode())
        self._ready.register(client, selectors.EVENT_READ, lambda end: self._hear(pid, end))

    def _hear(self, pid: int, client: socket.socket) -> None:
        """A signal to pass on; nothing where the client has ended, which ends its command."""
        if pid not in self._waiting:  # both have ended, and its end was seen first
            return
        try:
            said = client.recv(64)
        except OSError:
            said = b""
        for number in said.split():
            _kill(pid, int(number))
        if not said:
            _kill(pid, signal.SIGKILL)
            self._ready.unregister(client)

    def _reap(self, pulse: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            pulse.recv(4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            client = self._waiting.pop(pid)
            with contextlib.suppress(OSError):
                client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            with contextlib.suppress(KeyError):
                self._ready.unregister(client)
            client.close()

    def _become(self, request: dict[str, Any], files: list[int], client: socket.socket) -> None:
        """Be the command, in the child; never returns."""
        code = 70
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for open_socket in (self._listener, self._pulse, self._wake, client):
                open_socket.close()
            for other in self._waiting.values():
                other.close()
            self._ready.close()
            for number, file in enumerate(files):
                os.dup2(file, number)
                os.close(file)
            code = _run(request)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)


def _run(request: dict[str, Any]) -> int:
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    errors = "backslashreplace"
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors=errors, closefd=False, buffering=1)  # noqa: SIM115
    kind, what, *arguments = request["argv"]
    if kind == "path":
        what = os.path.abspath(what)  # noqa: PTH100 - links stay, as with Python itself
    sys.argv = ["-c" if kind == "-c" else what, *arguments]
    sys.path.insert(0, "" if kind != "path" else os.path.dirname(what))  # noqa: PTH120
    code = 0
    try:
        if kind == "-c":
            exec(compile(what, "<string>", "exec"), _main_module())
        elif kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(what, run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        traceback.print_exc()
        code = 130
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code


def _main_module() -> dict[str, Any]:
    import types

    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    return main.__dict__


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
