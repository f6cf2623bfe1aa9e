"""Regions that an account has not opted into answer nobody.

Code that goes through all regions meets this on its first day on AWS: EC2 says AuthFailure, all others that the token
is invalid. moto keeps the switches (see `moto_plus/account_service.py`); here they are seen as they pass.
https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from aiohttp import web

from .call import Call
from .errors import error
from .proxy import Answer

ITEM = re.compile(rb"\s*<item>.*?<regionName>([^<]+)</regionName>.*?</item>", re.DOTALL)

OPT_IN = set(
    "af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 "
    "ap-southeast-7 "
    "ca-west-1 eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1".split()
)


class Regions:
    """The regions that accounts have switched on."""

    def __init__(self) -> None:
        self._on: set[tuple[str, str]] = set()

    def refusal(self, call: Call) -> web.Response | None:
        """The answer to a call into a region that is off."""
        if call.region not in OPT_IN or (call.account, call.region) in self._on:
            return None
        if call.protocol == "ec2":
            return error(call, 401, "AuthFailure", "AWS was not able to validate the provided access credentials")
        code = (
            "UnrecognizedClientException" if call.protocol in ("json", "rest-json", "cbor") else "InvalidClientTokenId"
        )
        status = 400 if call.protocol == "json" else 403
        return error(call, status, code, "The security token included in the request is invalid.")

    def learn(self, call: Call, status: int, body: bytes) -> None:
        """Remember a switch."""
        if call.service != "account" or status != 200 or call.action not in ("EnableRegion", "DisableRegion"):
            return
        params = json.loads(body or b"{}")
        region = (params.get("AccountId", call.account), params["RegionName"])
        if call.action == "EnableRegion":
            self._on.add(region)
        else:
            self._on.discard(region)

    def shortened(self, call: Call, wanted: list[str], answer: Answer) -> Answer:
        """The list of regions without those that a test does not want."""
        if not wanted or answer.status != 200:
            return answer
        if (call.service, call.action) == ("ec2", "DescribeRegions"):
            kept = ITEM.sub(lambda item: item[0] if item[1].decode() in wanted else b"", answer.body)
            return replace(answer, body=kept)
        if (call.service, call.action) == ("account", "ListRegions"):
            told = json.loads(answer.body)
            told["Regions"] = [region for region in told["Regions"] if region["RegionName"] in wanted]
            return replace(answer, body=json.dumps(told).encode())
        return answer
