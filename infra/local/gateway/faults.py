"""Faults on demand: what goes wrong in production, made to go wrong here, for exactly the calls that a test names.

`lost` is the one to remember: the call is executed and its answer dropped, so that the SDK sends it again. Only an
idempotent caller survives that.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .call import Call
from .errors import error

KINDS = ("throttle", "5xx", "denied", "reset", "delay", "hang", "garbage", "lost")
FIELDS = ("service", "action", "account", "region")
# People say these names; requests are signed with the ones on the right.
ALIASES = {"cloudwatch": "monitoring", "stepfunctions": "states", "eventbridge": "events", "tagging-api": "tagging"}

# What "slow down" is called, where it is not `ThrottlingException` (json, rest-json, cbor) or `Throttling` (query).
THROTTLES = {
    "ec2": (503, "RequestLimitExceeded"),
    "s3": (503, "SlowDown"),
    "s3control": (503, "SlowDown"),
    "lambda": (429, "TooManyRequestsException"),
    "organizations": (400, "TooManyRequestsException"),
    "sqs": (400, "RequestThrottled"),
}


@dataclass
class Fault:
    """One order to break calls, until `left` runs out; None means until deleted."""

    kind: str
    match: dict[str, str]
    left: int | None = None
    delay_ms: int = 0
    share: float = 1.0
    hits: int = field(default=0)
    # The same order of calls meets the same faults again.
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def wants(self, call: Call) -> bool:
        """Whether this fault is meant for the call: for a share of those that match, by the dice."""
        meant = self.left != 0 and all(getattr(call, name) == value for name, value in self.match.items())
        return meant and (self.share >= 1 or self.dice.random() < self.share)

    def view(self) -> dict[str, Any]:
        """As `GET /_local/faults` shows it."""
        told = ("kind", "match", "left", "delay_ms", "share", "hits")
        return {name: getattr(self, name) for name in told}


class Faults:
    """The faults in force, the oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, order: dict[str, Any]) -> Fault:
        """Take an order from the control API; ValueError says what is wrong with it."""
        fault = parse(order)
        self._faults.append(fault)
        return fault

    def take(self, call: Call) -> Fault | None:
        """The fault for this call, used up by one."""
        fault = next((fault for fault in self._faults if fault.wants(call)), None)
        if fault:
            fault.hits += 1
            fault.left = None if fault.left is None else fault.left - 1
        return fault

    def view(self) -> list[dict[str, Any]]:
        """All faults, the used-up ones too, so that a test can see that its fault was hit."""
        return [fault.view() for fault in self._faults]

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()


def parse(order: dict[str, Any]) -> Fault:
    """A fault from JSON, refusing what would silently never match."""
    unknown = set(order) - {"match", "times", "kind", "delay_ms", "share"}
    match = dict(order.get("match", {}))
    unknown |= {f"match.{name}" for name in set(match) - set(FIELDS)}
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    if order.get("kind") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {order.get('kind')!r}")
    if "service" in match:
        match["service"] = ALIASES.get(match["service"], match["service"])
    share = float(order.get("share", 1))
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, not {share}")
    return Fault(order["kind"], match, order.get("times"), int(order.get("delay_ms", 0)), share)


def refusal(fault: Fault, call: Call) -> web.Response | None:
    """The error answer of a fault that is one."""
    if fault.kind == "throttle":
        code = "Throttling" if call.protocol == "query" else "ThrottlingException"
        status, code = THROTTLES.get(call.service, (400, code))
        return error(call, status, code, "Rate exceeded (injected)")
    if fault.kind == "5xx":
        return error(call, 503 if call.service == "s3" else 500, "InternalFailure", "internal failure (injected)")
    if fault.kind == "denied":
        return error(call, 403 if call.protocol != "json" else 400, denied_code(call), denied_message(call))
    if fault.kind == "garbage":
        return web.Response(status=200, body=b"\x00\xff<not>{really\x17 an answer", content_type="text/plain")
    return None


def denied_code(call: Call) -> str:
    """AWS says "denied" in three ways."""
    if call.protocol == "ec2":
        return "UnauthorizedOperation"
    return "AccessDenied" if call.protocol in ("query", "rest-xml") else "AccessDeniedException"


def denied_message(call: Call) -> str:
    """The sentence that people search their logs for."""
    return f"User: {call.caller} is not authorized to perform: {call.service}:{call.action} (injected)"


async def hang(request: web.BaseRequest) -> None:
    """Say nothing until the caller gives up; aiohttp cancels the handler when it does."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.2)


def reset(request: web.BaseRequest) -> None:
    """Break the connection with a TCP reset, as a failing load balancer does."""
    if request.transport is None:
        return
    sock = request.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
