"""CloudFormation's `AWS::Events::EventBusPolicy`, which ministack does not know: a statement of a bus's policy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html
"""

from __future__ import annotations

from typing import Any

from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]


def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, Properties]:
    """Put the statement into the policy of the bus."""
    bus, name = properties.get("EventBusName", "default"), properties["StatementId"]
    delete(name, properties)
    policy = eventbridge._event_bus_policies.setdefault(bus, {"Version": "2012-10-17", "Statement": []})
    policy["Statement"].append({"Sid": name, **properties["Statement"]})
    return name, {}


def update(physical_id: str, old: Properties, new: Properties, stack: str) -> tuple[str, Properties]:
    """Put the statement in place of the old one."""
    delete(physical_id, old)
    return create(physical_id, new, stack)


def delete(physical_id: str, properties: Properties) -> None:
    """Take the statement away."""
    eventbridge._remove_permission(
        {"EventBusName": properties.get("EventBusName", "default"), "StatementId": physical_id}
    )


def install() -> None:
    """Make the type known."""
    known = provisioners._RESOURCE_HANDLERS
    if "AWS::Events::EventBusPolicy" in known:
        raise RuntimeError("ministack has AWS::Events::EventBusPolicy by now: take it out of here")
    known["AWS::Events::EventBusPolicy"] = {"create": create, "update": update, "delete": delete}
