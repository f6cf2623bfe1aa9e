"""What an account's calls leave behind: CloudTrail's event history, and IAM's report of who talked to what.

Both are told from the log of calls, in addition to what the emulator itself says: writes by whoever made them, and every
attempt at a service by the principals of the account, our own among them.
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOrganizationsAccessReport.html
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from aiohttp import web

from .call import Call
from .proxy import Answer

if TYPE_CHECKING:
    from .app import Gateway

OURS = "log-"
MOST = 50
JOB = re.compile(rb"<JobId>([^<]+)</JobId>")
# Data events, which the history does not hold.
DATA = {
    "s3": ("Object", "Part", "MultipartUpload"),
    "dynamodb": ("Item",),
    "sqs": ("Message",),
    "sns": ("Publish",),
    "kinesis": ("Record",),
    "firehose": ("Record",),
    "lambda": ("Invoke",),
    "logs": ("PutLogEvents",),
    "monitoring": ("PutMetricData",),
    "events": ("PutEvents",),
}
# Services that IAM calls by another name than they sign with.
NAMESPACES = {"monitoring": "cloudwatch", "email": "ses", "s3control": "s3", "tagging": "tag"}


async def history(gateway: Gateway, request: web.Request, call: Call, body: bytes, plane: str) -> Answer | web.Response:
    """A page of events: the emulator's own first, then those that the log tells of, the latest first."""
    params = json.loads(body or b"{}")
    token = params.get("NextToken") or ""
    events: list[Any] = []
    if not token.startswith(OURS):
        answer = await gateway.proxy.send(plane, request, body, call, {})
        told = json.loads(answer.body or b"{}")
        if answer.status != 200 or told.get("NextToken"):
            return answer
        events = told.get("Events", [])
    start = int(token.removeprefix(OURS) or 0) if token.startswith(OURS) else 0
    known = [event(entry) for entry in reversed(written(gateway, call)) if wanted(entry, params)]
    end = start + max(int(params.get("MaxResults") or MOST) - len(events), 0)
    page = {"Events": [*events, *known[start:end]]}
    more = {"NextToken": f"{OURS}{end}"} if end < len(known) else {}
    return web.Response(body=json.dumps(page | more).encode(), content_type="application/x-amz-json-1.1")


def written(gateway: Gateway, call: Call) -> list[dict[str, Any]]:
    """Writes in the caller's account and region, other than of data."""
    return [
        entry
        for entry in gateway.log.since(0)
        if entry["write"] and (entry["account"], entry["region"]) == (call.account, call.region) and not is_data(entry)
    ]


def is_data(entry: dict[str, Any]) -> bool:
    """Whether a call was about data rather than about resources."""
    return any(word in entry["action"] for word in DATA.get(entry["service"], ()))


def wanted(entry: dict[str, Any], params: dict[str, Any]) -> bool:
    """Whether an entry is asked for: there are only writes here, so `ReadOnly` may only be false."""
    since = float(params.get("StartTime") or 0)
    reads = any(
        one == {"AttributeKey": "ReadOnly", "AttributeValue": "true"} for one in params.get("LookupAttributes", [])
    )
    return not reads and seconds(entry) >= since


def seconds(entry: dict[str, Any]) -> float:
    """When a call was made."""
    return datetime.datetime.fromisoformat(entry["time"]).timestamp()


def event(entry: dict[str, Any]) -> dict[str, Any]:
    """One call, as the history shows it."""
    source = f"{NAMESPACES.get(entry['service'], entry['service'])}.amazonaws.com"
    failed = {"errorCode": "AccessDenied" if entry["status"] == 403 else "Client"} if entry["status"] >= 400 else {}
    whole = {
        "eventSource": source,
        "eventName": entry["action"],
        "userIdentity": {"arn": entry["caller"], "accountId": entry["account"]},
        "readOnly": False,
        "managementEvent": True,
        **failed,
    }
    return {
        "EventId": f"call-{entry['n']}",
        "EventName": entry["action"],
        "EventSource": source,
        "EventTime": seconds(entry),
        "ReadOnly": "false",
        "Username": entry["caller"].rsplit("/", 1)[-1],
        "CloudTrailEvent": json.dumps(whole),
    }


def learn(gateway: Gateway, call: Call, body: bytes, answer: Answer) -> None:
    """Remember whose report was begun."""
    if (call.service, call.action) != ("iam", "GenerateOrganizationsAccessReport") or answer.status != 200:
        return
    path = parse_qs(body.decode("utf-8", "replace")).get("EntityPath", [""])[0]
    if job := JOB.search(answer.body):
        gateway.reports[job.group(1).decode()] = path.rsplit("/", 1)[-1]


def wishes(gateway: Gateway, call: Call, body: bytes) -> dict[str, str]:
    """For the report itself: what its account's principals attempted, as a header for our additions to moto."""
    if (call.service, call.action) != ("iam", "GetOrganizationsAccessReport"):
        return {}
    job = parse_qs(body.decode("utf-8", "replace")).get("JobId", [""])[0]
    tried = attempts(gateway, gateway.reports.get(job, ""))
    return {"x-local-accessed": base64.b64encode(zlib.compress(json.dumps(tried).encode())).decode()}


def attempts(gateway: Gateway, account: str) -> list[list[str]]:
    """Service, region and time of the last attempt at each service."""
    last: dict[str, list[str]] = {}
    for entry in gateway.log.since(0):
        if entry["account"] == account:
            name = NAMESPACES.get(entry["service"], entry["service"])
            last[name] = [name, entry["region"], entry["time"]]
    return sorted(last.values())
