"""`CloudWatch Alarm State Change` on the default bus, for every change of an alarm's state.

ministack tells SNS topics only; on AWS EventBridge hears of every change, with or without actions on the alarm.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import cloudwatch

from .patch import around
from .service_events import deliver


def record_history(original: Any, alarm_name: str, old: str, new: str, reason: str, *args: Any, **kwargs: Any) -> Any:
    """Every change passes through the alarm's history; so does an alarm's creation, which is none."""
    result = original(alarm_name, old, new, reason, *args, **kwargs)
    alarm = cloudwatch._alarms.get(alarm_name) or cloudwatch._composite_alarms.get(alarm_name)
    if alarm and old != new:
        deliver(event(alarm, old, new, reason))
    return result


def event(alarm: dict[str, Any], old: str, new: str, reason: str) -> dict[str, Any]:
    """The event for one change."""
    now = time.time()
    configuration: dict[str, Any] = {"description": alarm.get("AlarmDescription") or ""}
    if "AlarmRule" in alarm:
        configuration |= {"alarmRule": alarm["AlarmRule"], "actionsEnabled": alarm.get("ActionsEnabled", True)}
    else:
        configuration["metrics"] = [metric(alarm)]
    state: dict[str, Any] = {"value": new, "reason": reason, "timestamp": stamp(now)}
    if "AlarmRule" not in alarm:
        state["reasonData"] = alarm.get("StateReasonData") or json.dumps(reason_data(alarm, now))
    return {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "resources": [alarm.get("AlarmArn", "")],
        "detail": {
            "alarmName": alarm["AlarmName"],
            "state": state,
            "previousState": {"value": old, "timestamp": stamp(now)},
            "configuration": configuration,
        },
    }


def metric(alarm: dict[str, Any]) -> dict[str, Any]:
    """The alarm's metric, in the words of the event."""
    dimensions = {entry["Name"]: entry["Value"] for entry in alarm.get("Dimensions", [])}
    named = {"namespace": alarm.get("Namespace"), "name": alarm.get("MetricName"), "dimensions": dimensions}
    stat = {
        "metric": named,
        "period": alarm.get("Period"),
        "stat": alarm.get("Statistic") or alarm.get("ExtendedStatistic"),
    }
    return {"id": "m1", "metricStat": stat, "returnData": True}


def reason_data(alarm: dict[str, Any], now: float) -> dict[str, Any]:
    """Why the state changed, as data. ministack does not keep the datapoint, so there is none."""
    window = float(alarm.get("Period") or 60) * float(alarm.get("EvaluationPeriods") or 1)
    return {
        "version": "1.0",
        "queryDate": stamp(now),
        "startDate": stamp(now - window),
        "statistic": alarm.get("Statistic"),
        "period": alarm.get("Period"),
        "recentDatapoints": [],
        "threshold": alarm.get("Threshold"),
    }


def stamp(seconds: float) -> str:
    """A time as CloudWatch writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds)) + f"{int(seconds % 1 * 1000):03d}+0000"


def install() -> None:
    """Let the bus hear of alarms."""
    around(cloudwatch, "_record_history", record_history)
