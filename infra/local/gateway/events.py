"""Events that AWS services emit, put on the management account's default bus.

Organizations' are made here as its calls pass through, in the shape that CloudTrail gives them; any other event comes
whole through `POST /_local/events`. Organizations is a global service: its events are in us-east-1 only.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html
"""

from __future__ import annotations

import datetime
import json
import uuid
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from .accounts import MANAGEMENT_ACCOUNT
from .call import Call
from .proxy import Answer
from .route import MINISTACK, MOTO

if TYPE_CHECKING:
    from .app import Gateway

HOME_REGION = "us-east-1"
MASKED = "****"


async def publish(gateway: Gateway, envelope: dict[str, Any]) -> str:
    """Put one event on the default bus of its region; the answer is its id."""
    missing = {"source", "detail-type", "detail"} - set(envelope)
    if missing:
        raise ValueError(f"the event lacks {', '.join(sorted(missing))}")
    region = envelope.get("region") or HOME_REGION
    answer = await call_as_management(
        gateway, MINISTACK, region, "events", "AWSEvents.PutEvents", {"ServiceEvent": envelope}
    )
    return json.loads(answer.body)["Entries"][0]["EventId"]


async def call_as_management(
    gateway: Gateway, plane: str, region: str, service: str, target: str, params: dict[str, Any]
) -> Answer:
    """A call of the gateway's own, which is not logged."""
    scope = f"{MANAGEMENT_ACCOUNT}/20260101/{region}/{service}/aws4_request"
    headers = CIMultiDict(
        {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            "X-Amz-Target": target,
            "Content-Type": "application/x-amz-json-1.1",
            "x-moto-account-id": MANAGEMENT_ACCOUNT,
        }
    )
    return await gateway.proxy.fetch(plane, "POST", "/", headers, json.dumps(params).encode())


async def after(gateway: Gateway, call: Call, body: bytes, answer: Answer) -> None:
    """Emit what Organizations emits after a successful call."""
    if call.service != "organizations" or answer.status != 200 or not gateway.config.organization_events:
        return
    params, answered = json.loads(body or b"{}"), json.loads(answer.body or b"{}")
    if call.action == "CreateAccount":
        await publish(gateway, api_call(call, created(params), answered_creation(answered)))
        await publish(gateway, await creation_result(gateway, answered["CreateAccountStatus"]["Id"]))
    elif call.action in API_CALLS:
        await publish(gateway, api_call(call, lowered(params), None))
    if call.action == "CloseAccount":
        await publish(gateway, service_event("CloseAccountResult", {"closeAccountStatus": closed(params["AccountId"])}))


API_CALLS = {"MoveAccount", "TagResource", "UntagResource", "CloseAccount", "RemoveAccountFromOrganization"}


def api_call(call: Call, params: Any, answered: Any) -> dict[str, Any]:
    """An `AWS API Call via CloudTrail` event."""
    kind = "Root" if call.caller.endswith(":root") else "AssumedRole"
    identity = {"type": kind, "arn": call.caller, "accountId": call.account}
    fields = {
        "userIdentity": identity,
        "requestParameters": params,
        "responseElements": answered,
        "eventType": "AwsApiCall",
    }
    return envelope("AWS API Call via CloudTrail", call.action, fields)


def service_event(name: str, details: dict[str, Any]) -> dict[str, Any]:
    """An `AWS Service Event via CloudTrail` event."""
    identity = {"accountId": MANAGEMENT_ACCOUNT, "invokedBy": "AWS Internal"}
    fields = {
        "userIdentity": identity,
        "sourceIPAddress": "AWS Internal",
        "userAgent": "AWS Internal",
        "requestParameters": None,
        "responseElements": None,
        "eventType": "AwsServiceEvent",
        "serviceEventDetails": details,
    }
    return envelope("AWS Service Event via CloudTrail", name, fields)


def envelope(detail_type: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """An event of Organizations around what is particular to it."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = {
        "eventVersion": "1.08",
        "eventTime": now,
        "eventSource": "organizations.amazonaws.com",
        "eventName": name,
        "awsRegion": HOME_REGION,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "managementEvent": True,
        "recipientAccountId": MANAGEMENT_ACCOUNT,
        "eventCategory": "Management",
        **fields,
    }
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": "aws.organizations",
        "account": MANAGEMENT_ACCOUNT,
        "time": now,
        "region": HOME_REGION,
        "resources": [],
        "detail": detail,
    }


def created(params: dict[str, Any]) -> dict[str, Any]:
    """CreateAccount's parameters as CloudTrail shows them: without names and addresses."""
    shown = lowered({name: value for name, value in params.items() if name not in ("Email", "AccountName")})
    return {**shown, "email": MASKED, "accountName": MASKED}


def answered_creation(answered: dict[str, Any]) -> dict[str, Any]:
    """CreateAccount's answer as CloudTrail shows it."""
    status = answered["CreateAccountStatus"]
    began = spoken(status["RequestedTimestamp"])
    return {
        "createAccountStatus": {
            "id": status["Id"],
            "state": status["State"],
            "accountName": MASKED,
            "requestedTimestamp": began,
        }
    }


async def creation_result(gateway: Gateway, request_id: str) -> dict[str, Any]:
    """The event that tells how a creation ended."""
    target = "AWSOrganizationsV20161128.DescribeCreateAccountStatus"
    params = {"CreateAccountRequestId": request_id}
    answer = await call_as_management(gateway, MOTO, HOME_REGION, "organizations", target, params)
    status = json.loads(answer.body)["CreateAccountStatus"]
    shown = {
        "id": status["Id"],
        "state": status["State"],
        "accountName": MASKED,
        "requestedTimestamp": spoken(status["RequestedTimestamp"]),
        "completedTimestamp": spoken(status["CompletedTimestamp"]),
    }
    shown |= {
        name: status[key]
        for name, key in (("accountId", "AccountId"), ("failureReason", "FailureReason"))
        if key in status
    }
    return service_event("CreateAccountResult", {"createAccountStatus": shown})


def closed(account: str) -> dict[str, str]:
    """How a closing ended: it does not fail here."""
    now = spoken(datetime.datetime.now(datetime.timezone.utc).timestamp())
    return {"accountId": account, "state": "SUCCEEDED", "requestedTimestamp": now, "completedTimestamp": now}


def lowered(value: Any) -> Any:
    """Parameters with their names as CloudTrail writes them."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: lowered(inner) for name, inner in value.items()}
    return [lowered(inner) for inner in value] if isinstance(value, list) else value


def spoken(seconds: float) -> str:
    """A time as these events write it: `Jan 5, 2026 8:26:54 AM`."""
    time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return f"{time:%b} {time.day}, {time.year} {time.hour % 12 or 12}:{time:%M:%S %p}"
