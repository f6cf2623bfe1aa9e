"""Accounts that are not ready when they are born, as AWS's often are not.

A new account's services wake one by one, in each region for itself, and its access role may be denied at first. Here
both are counted in calls: with `{"asleep": {"ec2": 2}, "assume_denied": 1}` the first two calls of EC2 fail in each
region of every account that is created from now on, and the first AssumeRole into it. The codes are documented; which
service answers which of them while it wakes is unverified, but for EC2 and Systems Manager.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (OptInRequired, PendingVerification)
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (NotSignedUp)
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from aiohttp import web

from . import events
from .call import Call
from .errors import error
from .faults import ALIASES
from .proxy import Answer
from .route import MOTO

if TYPE_CHECKING:
    from .app import Gateway

EVERY = "*"
# Ready at once: who may enter, and how.
AWAKE = {"sts", "iam"}
ROLE = re.compile(r"^arn:aws:iam::(\d{12}):role/")


class Newborn:
    """What is left of the sleep of each new account."""

    def __init__(self) -> None:
        self._asleep: dict[str, dict[str, int]] = {}
        self._denied: dict[str, int] = {}
        self._calls: dict[tuple[str, str, str], int] = {}

    async def learn(self, gateway: Gateway, call: Call, answer: Answer) -> None:
        """Take note of a new account, before anybody hears of it, while the settings ask for it."""
        config = gateway.config
        created = (call.service, call.action) == ("organizations", "CreateAccount") and answer.status == 200
        if not created or not (config.asleep or config.assume_denied):
            return
        request = json.loads(answer.body)["CreateAccountStatus"]["Id"]
        target = "AWSOrganizationsV20161128.DescribeCreateAccountStatus"
        params = {"CreateAccountRequestId": request}
        told = await events.call_as_management(gateway, MOTO, events.HOME_REGION, "organizations", target, params)
        account = json.loads(told.body)["CreateAccountStatus"].get("AccountId")
        if account:
            self._asleep[account] = {ALIASES.get(name, name): calls for name, calls in config.asleep.items()}
            self._denied[account] = config.assume_denied

    def refusal(self, call: Call, body: bytes) -> web.Response | None:
        """The answer to a call that comes too early."""
        if (call.service, call.action) == ("sts", "AssumeRole"):
            return self._kept_out(call, body)
        asleep = self._asleep.get(call.account)
        if asleep is None or call.service in AWAKE:
            return None
        key = (call.account, call.service, call.region)
        self._calls[key] = self._calls.get(key, 0) + 1
        if self._calls[key] > asleep.get(call.service, asleep.get(EVERY, 0)):
            return None
        return not_ready(call)

    def _kept_out(self, call: Call, body: bytes) -> web.Response | None:
        """The refusal of a role whose account is too young."""
        role = parse_qs(body.decode("utf-8", "replace")).get("RoleArn", [""])[0]
        match = ROLE.match(role)
        if not match or self._denied.get(match.group(1), 0) <= 0:
            return None
        self._denied[match.group(1)] -= 1
        message = f"User: {call.caller} is not authorized to perform: sts:AssumeRole on resource: {role}"
        return error(call, 403, "AccessDenied", message)


def not_ready(call: Call) -> web.Response:
    """What a service says to an account that it does not know yet."""
    if call.protocol == "ec2":
        return error(call, 401, "OptInRequired", "You are not subscribed to this service.")
    if call.service in ("s3", "s3control"):
        return error(call, 403, "NotSignedUp", "Your account is not signed up for the Amazon S3 service.")
    if call.protocol in ("query", "rest-xml"):
        return error(call, 403, "OptInRequired", "The AWS Access Key Id needs a subscription for the service")
    return error(
        call, 400, "SubscriptionRequiredException", "The AWS Access Key Id needs a subscription for the service"
    )
