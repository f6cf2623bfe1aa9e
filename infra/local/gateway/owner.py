"""Calls about something in another account: a queue by its URL, a topic, bus or function by its ARN.

Such a call goes to the emulator that holds the thing, as its owner; resource policies are not judged.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, unquote

from aiohttp import web

from .call import Call

# The parameters that name the thing a call is about. Other parameters may hold ARNs of things elsewhere.
NAMING = {
    "sqs": ("QueueUrl",),
    "sns": ("TopicArn", "TargetArn", "SubscriptionArn"),
    "events": ("EventBusName",),
    "states": ("stateMachineArn", "executionArn"),
}
IN_ARN = re.compile(r"^arn:aws:[a-z]+:[a-z0-9-]*:(\d{12}):")
IN_URL = re.compile(r"^https?://[^/]+/(\d{12})/")
FUNCTION_PATH = re.compile(r"/functions/(arn:aws:lambda:[^/]+)")


def owner_of(call: Call, request: web.BaseRequest, body: bytes) -> str:
    """The account that holds what the call is about; the caller's when the call does not say."""
    for name in named(call, request, body):
        match = IN_ARN.match(name) or IN_URL.match(name)
        if match:
            return match.group(1)
    return call.account


def named(call: Call, request: web.BaseRequest, body: bytes) -> list[str]:
    """The ARNs and URLs in the naming parameters."""
    if call.service == "lambda":
        return FUNCTION_PATH.findall(unquote(request.path))
    wanted = NAMING.get(call.service, ())
    if not wanted:
        return []
    if call.protocol == "query":
        fields = parse_qs(body.decode("utf-8", "replace"))
        return [value for name in wanted for value in fields.get(name, [])]
    if call.protocol != "json":
        return []
    params = json.loads(body or b"{}")
    places = [params, *params.get("Entries", [])] if call.service == "events" else [params]
    return [str(place[name]) for place in places if isinstance(place, dict) for name in wanted if name in place]
