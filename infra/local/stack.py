"""The local stack: AWS as far as Forester needs it, on loopback, in seconds.

    python infra/local/stack.py [--workdir DIR]

Starts moto (accounts), ministack (events, functions) and the gateway in front of both, then prints one JSON line:

    {"endpoint": "http://127.0.0.1:PORT", "control": "http://127.0.0.1:PORT/_local",
     "event_plane": "http://127.0.0.1:PORT", "management_account": "111122223333", "pid": N, "workdir": "...", "ready_ms": N}

It runs until SIGTERM, SIGINT, or the end of its standard input when that is a pipe. Logs of the emulators and all
calls are files in the work directory, which is temporary unless named.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import stat
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp import web

import processes
from gateway.accounts import MANAGEMENT_ACCOUNT
from gateway.app import application
from gateway.route import MINISTACK, MOTO

HEALTH = {MOTO: "/moto-api/data.json", MINISTACK: "/_ministack/ready"}
PATIENCE = 60.0
PREFIX = "forester-stack-"


class StackError(Exception):
    """An emulator did not come up, or did not stay."""


def main() -> int:
    """Run the stack until told to stop; the exit code is 1 when it failed."""
    parser = argparse.ArgumentParser(description="Forester's local stack")
    parser.add_argument("--workdir", type=Path, help="keep logs and calls here (default: a temporary directory)")
    named = parser.parse_args().workdir
    sweep()
    workdir = named or Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    workdir.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=workdir / "gateway.log", level=logging.WARNING)
    try:
        return asyncio.run(run(workdir.resolve()))
    except StackError as problem:
        print(f"the local stack failed: {problem}", file=sys.stderr)
        return 1
    finally:
        if not named:
            shutil.rmtree(workdir, ignore_errors=True)


def sweep() -> None:
    """Remove the temporary directories of stacks that were killed and could not do it; their names have the pid."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = left.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)


async def run(workdir: Path) -> int:
    """Start everything, say so, wait for the end, stop everything."""
    began = time.monotonic()
    processes.adopt_orphans()
    done = asyncio.Event()
    watch_for_end(done)
    front, sockets = processes.listener(), {MOTO: processes.listener(), MINISTACK: processes.listener()}
    endpoint = url(front)
    bases = {plane: url(sock) for plane, sock in sockets.items()}
    children = start_children(sockets, workdir, endpoint)
    runner = web.AppRunner(application(bases, workdir), access_log=None, handler_cancellation=True)
    try:
        await runner.setup()
        await asyncio.gather(*(ready(child, bases[plane] + HEALTH[plane]) for plane, child in children.items()))
        await web.SockSite(runner, front, shutdown_timeout=0.5).start()
        print(json.dumps(contract(endpoint, bases[MINISTACK], workdir, began)), flush=True)
        await end_of(done, list(children.values()))
    finally:
        await runner.cleanup()
        await asyncio.to_thread(processes.stop, list(children.values()))
    return 0


def start_children(sockets: dict[str, socket.socket], workdir: Path, endpoint: str) -> dict[str, processes.Child]:
    """Both emulators, each on its socket."""
    scratch = workdir / "tmp"
    scratch.mkdir(exist_ok=True)
    env = environment(scratch)
    children = {
        MOTO: processes.Child("moto_plus", sockets[MOTO], workdir, env | moto_settings()),
        MINISTACK: processes.Child("ministack_plus", sockets[MINISTACK], workdir, env | ministack_settings(endpoint)),
    }
    for sock in sockets.values():
        sock.close()
    return children


def environment(scratch: Path) -> dict[str, str]:
    """What the emulators inherit: nothing of the developer's AWS settings, and a directory for their scratch files."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return kept | {"TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1", "AWS_EC2_METADATA_DISABLED": "true"}


def moto_settings() -> dict[str, str]:
    """moto: no fake AMIs and snapshots that a reset would find, and buckets belong to the account that made them."""
    return {
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS": "false",
        "AWS_ACCESS_KEY_ID": "moto",
        "AWS_SECRET_ACCESS_KEY": "moto",
    }


def ministack_settings(endpoint: str) -> dict[str, str]:
    """ministack: the URLs that it gives out, and the endpoint that functions get, are the gateway's."""
    host, port = endpoint.removeprefix("http://").split(":")
    return {
        "MINISTACK_ACCOUNT_ID": MANAGEMENT_ACCOUNT,
        "MINISTACK_HOST": host,
        "GATEWAY_PORT": port,
        "AWS_ENDPOINT_URL": endpoint,
        "BIND_HOST": host,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_STRICT": "0",
        "DOCKER_HOST": "unix:///nonexistent",
    }


async def ready(child: processes.Child, address: str) -> None:
    """Wait until an emulator answers."""
    deadline = time.monotonic() + PATIENCE
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline and child.running():
            try:
                async with session.get(address) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise StackError(f"{child.name} does not answer; the end of {child.log.name}:\n{child.last_words()}")


async def end_of(done: asyncio.Event, children: list[processes.Child]) -> None:
    """Wait for the order to stop; an emulator that ends by itself ends the stack, and says why."""
    while not done.is_set():
        for child in children:
            if not child.running():
                raise StackError(f"{child.name} ended; the end of {child.log.name}:\n{child.last_words()}")
        try:
            await asyncio.wait_for(done.wait(), 0.5)
        except asyncio.TimeoutError:
            pass


def watch_for_end(done: asyncio.Event) -> None:
    """Stop on SIGTERM, SIGINT, and when the pipe on standard input closes because the parent is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def readable() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            done.set()

    loop.add_reader(0, readable)


def contract(endpoint: str, event_plane: str, workdir: Path, began: float) -> dict[str, object]:
    """The line on standard output."""
    return {
        "endpoint": endpoint,
        "control": f"{endpoint}/_local",
        "event_plane": event_plane,
        "management_account": MANAGEMENT_ACCOUNT,
        "pid": os.getpid(),
        "workdir": str(workdir),
        "ready_ms": round((time.monotonic() - began) * 1000),
    }


def url(sock: socket.socket) -> str:
    """The base URL of a listening socket."""
    host, port = sock.getsockname()
    return f"http://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
