"""Alarms answered in full to whoever asks in the query protocol; ministack leaves out most of what was set there.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
"""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

from .patch import around

# What an alarm says of itself, but for times, which nobody here asks for.
MEMBERS = (
    "AlarmName",
    "AlarmArn",
    "AlarmDescription",
    "AlarmRule",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "StateValue",
    "StateReason",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "Metrics",
)


def describe_alarms(original: Any, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    """The answer in JSON, written as XML for those who asked so."""
    if is_cbor or is_json:
        return original(params, data, is_cbor, is_json)
    names = ("AlarmNamePrefix", "StateValue", "MaxRecords", "NextToken")
    asked = {name: cloudwatch._p(params, name) for name in names if cloudwatch._p(params, name)}
    asked |= {name: listed(params, name) for name in ("AlarmNames", "AlarmTypes")}
    status, _, body = original(params, asked, False, True)
    if status != 200:
        return original(params, data, False)
    found = json.loads(body)
    answer = {kind: [shown(alarm) for alarm in found[kind]] for kind in ("MetricAlarms", "CompositeAlarms")}
    answer |= {"NextToken": found["NextToken"]} if found.get("NextToken") else {}
    result = f"<DescribeAlarmsResult>{written(answer)}</DescribeAlarmsResult>"
    return cloudwatch._xml(200, "DescribeAlarmsResponse", result)


def listed(params: Any, name: str) -> list[str]:
    """The values of a list in a query."""
    values = (cloudwatch._p(params, f"{name}.member.{number}") for number in range(1, 101))
    return [value for value in values if value]


def shown(alarm: dict[str, Any]) -> dict[str, Any]:
    """What an alarm says of itself."""
    return {name: alarm[name] for name in MEMBERS if alarm.get(name) is not None}


def written(value: Any) -> str:
    """A value as the query protocol writes it."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{written(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{written(inner)}</member>" for inner in value)
    if isinstance(value, bool):
        return str(value).lower()
    return escape(str(value))


def install() -> None:
    """Make DescribeAlarms tell all."""
    around(cloudwatch, "_describe_alarms", describe_alarms)
