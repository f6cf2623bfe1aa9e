"""Run moto's server on a socket that the launcher opened, with our additions.

`python -m moto_plus FD`. moto is one process for all accounts: the gateway says whose call it is in a header.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback

from botocore.model import OperationNotFoundError
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler
from werkzeug.serving import make_server

from . import additions, own_services


def main(fd: int) -> None:
    """Serve until a signal ends it."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Functions in member accounts are things to be found and deleted; invoking one answers without running it.
    default_user_config["lambda"]["use_docker"] = False
    additions.install()
    app = answers_failures(Dispatcher(own_services.create_app))
    make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler, fd=fd).serve_forever()


class Dispatcher(DomainDispatcherApplication):
    """moto's choice of service, which takes a service it does not know for a bug in itself."""

    def get_backend_for_host(self, host):
        """The service behind a host name, or a plain refusal."""
        backend = own_services.service_at(host) or super().get_backend_for_host(host)
        if host and not backend:
            raise NotImplementedError(f"no service at {host}")
        return backend


def answers_failures(app):
    """Say plainly what moto lacks (501) or where it broke (500), instead of a page of HTML for both."""

    def wrapped(environ, start_response):
        try:
            return app(environ, start_response)
        except (NotImplementedError, OperationNotFoundError) as missing:
            return plain(start_response, "501 Not Implemented", str(missing))
        except Exception as problem:
            traceback.print_exc()
            return plain(start_response, "500 Internal Server Error", f"{type(problem).__name__}: {problem}")

    return wrapped


def plain(start_response, status: str, message: str) -> list[bytes]:
    """A one-line answer."""
    body = message.encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    main(int(sys.argv[1]))
