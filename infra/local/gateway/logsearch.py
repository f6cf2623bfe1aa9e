"""FilterLogEvents as AWS answers it: the pattern is evaluated, and pages may be empty and yet not the last.

Both emulators get the search without its pattern and its limit; matching and paging happen here, for either.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import CIMultiDict

from pattern import BadPattern, compile_pattern

from .call import Call
from .errors import error
from .proxy import Answer

if TYPE_CHECKING:
    from .app import Gateway

MOST = 10000


async def answer(gateway: Gateway, request: web.Request, call: Call, body: bytes, plane: str) -> Answer | web.Response:
    """One page of a search."""
    params = json.loads(body or b"{}")
    try:
        matches = compile_pattern(params.get("filterPattern") or "")
        start = position(params.get("nextToken"))
    except ValueError as mistake:
        return error(call, 400, "InvalidParameterException", str(mistake))
    everything = await all_events(gateway, request, call, params, plane)
    if isinstance(everything, Answer):
        return everything
    found = [event for event in everything if matches(event.get("message", ""))]
    searching = bool(params.get("filterPattern")) and start is None and gateway.config.empty_log_pages
    return page(found, start or 0, 0 if searching else min(params.get("limit") or MOST, MOST), searching)


def page(found: list[dict[str, Any]], start: int, size: int, more: bool) -> Answer:
    """Some of the events, and a token when there may be more."""
    answered: dict[str, Any] = {"events": found[start : start + size], "searchedLogStreams": []}
    if more or len(found) > start + size:
        answered["nextToken"] = base64.urlsafe_b64encode(f"after:{start + size}".encode()).decode()
    headers = CIMultiDict({"Content-Type": "application/x-amz-json-1.1"})
    return Answer(200, headers, json.dumps(answered).encode())


def position(token: str | None) -> int | None:
    """Where a token continues; None for the first page."""
    if not token:
        return None
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except (binascii.Error, ValueError) as problem:
        raise BadPattern("The specified nextToken is invalid.") from problem


async def all_events(
    gateway: Gateway, request: web.Request, call: Call, params: dict[str, Any], plane: str
) -> list[dict[str, Any]] | Answer:
    """All events of the streams and the time that the search names, or the emulator's refusal."""
    dropped = ("filterPattern", "limit", "nextToken", "logGroupIdentifier")
    asked = {name: value for name, value in params.items() if name not in dropped}
    if "logGroupIdentifier" in params:
        asked["logGroupName"] = group_name(params["logGroupIdentifier"])
    events: list[dict[str, Any]] = []
    while True:
        answered = await gateway.proxy.send(plane, request, json.dumps(asked).encode(), call)
        if answered.status != 200:
            return answered
        batch = json.loads(answered.body)
        events += batch["events"]
        if not batch.get("nextToken"):
            return events
        asked["nextToken"] = batch["nextToken"]


def group_name(identifier: str) -> str:
    """A log group's name, from its name or its ARN."""
    if not identifier.startswith("arn:"):
        return identifier
    return identifier.split(":log-group:", 1)[-1].removesuffix(":*")
