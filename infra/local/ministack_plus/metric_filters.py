"""Metric filters that count: a log event that matches becomes a datapoint, which alarms then judge.

ministack stores the filters only. With this, CloudTrail event -> log group -> filter -> alarm -> event runs as on AWS.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

from pattern import BadPattern, compile_pattern, found, path_of

from .patch import around


def put_log_events(original: Any, data: dict[str, Any]) -> Any:
    """Store the events, then count them."""
    answer = original(data)
    if answer[0] == 200:
        messages = [event.get("message", "") for event in data.get("logEvents", [])]
        for (group, _), wanted in list(cloudwatch_logs._metric_filters.items()):
            if group == data.get("logGroupName"):
                count(wanted, messages)
    return answer


def count(wanted: dict[str, Any], messages: list[str]) -> None:
    """Put a datapoint for every message that one filter matches."""
    try:
        matches = compile_pattern(wanted["filterPattern"])
    except BadPattern:
        return
    for message in filter(matches, messages):
        for transformation in wanted["metricTransformations"]:
            put(transformation, message)


def put(transformation: dict[str, Any], message: str) -> None:
    """One datapoint, through CloudWatch's own door, which also evaluates the alarms."""
    value = number(transformation.get("metricValue", "1"), message)
    if value is not None:
        datum = {"MetricName": transformation["metricName"], "Value": value, "Timestamp": time.time()}
        request = {"Namespace": transformation["metricNamespace"], "MetricData": [datum]}
        cloudwatch._put_metric_data({}, request, is_cbor=False, is_json=True)


def number(wanted: str, message: str) -> float | None:
    """The datapoint's value: a number, or a property of the message (`$.bytes`)."""
    try:
        if not wanted.startswith("$"):
            return float(wanted)
        values = found(json.loads(message), path_of(wanted))
        return float(values[0]) if values else None
    except (ValueError, TypeError):
        return None


def install() -> None:
    """Make filters count."""
    around(cloudwatch_logs, "_put_log_events", put_log_events)
