"""The process that plays AWS: moto, on an inherited socket, for as long as its parent lives."""

from __future__ import annotations

import os
import sys
import threading

__all__: list[str] = []

#: Where moto says that an EKS cluster answers; in AWS's own domain, which nobody may be led to.
_NOBODY = "https://127.0.0.1:9"


def _serve(descriptor: int) -> None:
    import moto.eks.models
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    moto.eks.models.ENDPOINT_TEMPLATE = _NOBODY
    application = DomainDispatcherApplication(create_backend_app)
    make_server("127.0.0.1", 0, application, threaded=True, fd=descriptor).serve_forever()


def _end_with_parent() -> None:
    """Wait for the end of stdin, a pipe that the parent alone holds open, however it ends."""
    while os.read(0, 64):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _serve(int(sys.argv[1]))
