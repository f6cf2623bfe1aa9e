"""Events that AWS services put on the default bus, put there by the gateway.

PutEvents refuses sources that begin with `aws.`, here as on AWS. The gateway stands for the services, and sends the
whole envelope in a field that PutEvents does not have.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response, new_uuid
from ministack.services import eventbridge

from .patch import around


def put_events(original: Any, data: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    """PutEvents, or the delivery of one service event as it is."""
    envelope = data.get("ServiceEvent")
    if envelope is None:
        return original(data, *args, **kwargs)
    return json_response({"FailedEntryCount": 0, "Entries": [{"EventId": deliver(envelope)}]})


def deliver(envelope: dict[str, Any]) -> str:
    """Match an event against the default bus's rules and archives; the answer is its id."""
    event = {
        "EventId": envelope.get("id") or new_uuid(),
        "Source": envelope["source"],
        "DetailType": envelope["detail-type"],
        "Detail": envelope["detail"],
        "EventBusName": "default",
        "Time": envelope.get("time") or int(eventbridge._now_ts()),
        "Resources": envelope.get("resources", []),
        "Account": envelope.get("account") or get_account_id(),
        "Region": envelope.get("region") or get_region(),
    }
    view = eventbridge._pattern_event_view(event)
    eventbridge._dispatch_event(event, view)
    eventbridge._archive_event(event, view)
    return event["EventId"]


def install() -> None:
    """Open the way for service events."""
    around(eventbridge, "_put_events", put_events)
