"""Child processes that cannot outlive their parent.

A test that is killed must leave no server behind: the kernel kills each emulator when the launcher dies, and each
leads a process group of its own, so that the functions it runs end with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Run in the child between fork and exec."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of functions whose emulator has ended, so that they can be waited for."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


class Child:
    """A Python module run as a server on a socket that the launcher has opened."""

    def __init__(self, module: str, listener: socket.socket, workdir: Path, env: dict[str, str]) -> None:
        self.name = module
        self.log = workdir / f"{module}.log"
        fd = listener.fileno()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, str(fd)],
                cwd=Path(__file__).parent,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(fd,),
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def running(self) -> bool:
        """Whether the server process is alive."""
        return self.process.poll() is None

    def last_words(self) -> str:
        """The end of its log, for an error message."""
        return self.log.read_text(errors="replace")[-2000:]

    def signal(self, number: int) -> None:
        """Signal the whole process group."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


def stop(children: list[Child], patience: float = 3.0) -> None:
    """End all children, politely first, and wait until they are gone."""
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and any(child.running() for child in children):
        time.sleep(0.02)
    for child in children:
        child.signal(signal.SIGKILL)
        child.process.wait()
    reap(deadline + 1.0)


def reap(deadline: float) -> None:
    """Wait for adopted processes; they are in the groups that have just been killed."""
    try:
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.02)
    except ChildProcessError:
        pass


def listener() -> socket.socket:
    """A listening socket on a free loopback port; handed to a child, so that nobody can take the port between."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    sock.listen(512)
    return sock
