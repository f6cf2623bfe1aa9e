"""Whose call is it? Access keys and the accounts behind them.

Root credentials are simple: the access key id is the 12-digit account id, with any secret. Every other key
was handed out by STS or IAM through this gateway, which reads it from the answer as it passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from .call import ACCOUNT_ID, Call

MANAGEMENT_ACCOUNT = "111122223333"

KEY_ID = re.compile(rb"<AccessKeyId>([^<]+)</AccessKeyId>")
ASSUMED_ROLE = re.compile(rb"<Arn>(arn:[^<]*:sts::(\d{12}):assumed-role/[^<]+)</Arn>")
USER_NAME = re.compile(rb"<UserName>([^<]+)</UserName>")


# The session token that functions of the management account get from ministack, patched: `function/<role>/<name>`.
FUNCTION = re.compile(r"^function/([^/]*)/([^/]+)$")


@dataclass(frozen=True)
class Caller:
    """An account, who acts in it, and who that was before it assumed any role."""

    account: str
    arn: str
    origin: str


class Accounts:
    """The map from access key to caller; it grows as the emulators hand out keys."""

    def __init__(self) -> None:
        self._callers: dict[str, Caller] = {}

    def caller(self, access_key: str, token: str) -> Caller | None:
        """Who owns the key, or None for a key that nobody handed out."""
        if not ACCOUNT_ID.match(access_key):
            return self._callers.get(access_key)
        function = FUNCTION.match(token)
        if function:
            arn = f"arn:aws:sts::{access_key}:assumed-role/{function.group(1)}/{function.group(2)}"
        else:
            arn = f"arn:aws:iam::{access_key}:root"
        return Caller(access_key, arn, arn)

    def learn(self, call: Call, status: int, request: bytes, body: bytes) -> None:
        """Remember a key that this answer hands out."""
        if status != 200 or (call.service, call.action) not in HANDS_OUT:
            return
        key = KEY_ID.search(body)
        if key:
            self._callers[key.group(1).decode()] = HANDS_OUT[call.service, call.action](call, request, body)


def assumed(call: Call, request: bytes, body: bytes) -> Caller:
    """The caller that AssumeRole makes."""
    match = ASSUMED_ROLE.search(body)
    if not match:
        return Caller(call.account, call.caller, call.origin)
    return Caller(match.group(2).decode(), match.group(1).decode(), call.origin)


def root(call: Call, request: bytes, body: bytes) -> Caller:
    """The caller that AssumeRoot makes; only the request says of which account."""
    target = parse_qs(request.decode("utf-8", "replace")).get("TargetPrincipal", [call.account])[0]
    account = target.removeprefix("arn:aws:iam::").removesuffix(":root")
    return Caller(account, f"arn:aws:iam::{account}:root", call.origin)


def user(call: Call, request: bytes, body: bytes) -> Caller:
    """The caller behind a new access key of an IAM user."""
    match = USER_NAME.search(body)
    name = match.group(1).decode() if match else "unknown"
    arn = f"arn:aws:iam::{call.account}:user/{name}"
    return Caller(call.account, arn, arn)


HANDS_OUT = {("sts", "AssumeRole"): assumed, ("sts", "AssumeRoot"): root, ("iam", "CreateAccessKey"): user}
