"""Run ministack on a socket that the launcher opened, with our patches.

`python -m ministack_plus FD`. ministack's own entry point insists on opening a port, on `GATEWAY_PORT`; here that
variable names the gateway's port, because ministack writes it into every URL that it gives out.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

from . import patches


def main(fd: int) -> None:
    """Serve until a signal ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    patches.install()
    config = Config()
    config.bind = [f"fd://{fd}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main(int(sys.argv[1]))
