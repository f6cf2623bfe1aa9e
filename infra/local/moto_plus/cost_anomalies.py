"""Cost anomaly monitors and subscriptions, which moto lacks. Names may be taken twice; ARNs tell them apart.

An account has one monitor of the kind that watches all services; anomalies are never found.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_CreateAnomalyMonitor.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.ce.models import CostExplorerBackend
from moto.ce.responses import CostExplorerResponse
from moto.core.utils import iso_8601_datetime_without_milliseconds, utcnow
from moto.moto_api._internal import mock_random

from .patch import add
from .refusals import refuse
from .state import kept

MONITOR, SUBSCRIPTION = "AnomalyMonitor", "AnomalySubscription"
CHANGING = {"Threshold", "Frequency", "MonitorArnList", "Subscribers", "SubscriptionName", "ThresholdExpression"}


def monitors(backend: CostExplorerBackend) -> dict[str, Any]:
    """The account's monitors by ARN."""
    return kept(backend, "anomaly_monitors", dict)


def subscriptions(backend: CostExplorerBackend) -> dict[str, Any]:
    """The account's subscriptions by ARN."""
    return kept(backend, "anomaly_subscriptions", dict)


class Monitors:
    """Methods for `CostExplorerResponse`."""

    def create_anomaly_monitor(self) -> str:
        wanted, known = json.loads(self.body)["AnomalyMonitor"], monitors(self.ce_backend)
        if wanted["MonitorType"] == "DIMENSIONAL" and any(m["MonitorType"] == "DIMENSIONAL" for m in known.values()):
            raise refuse("LimitExceededException", "Limit exceeded on dimensional spend monitor creation.")
        arn = new_arn(self.ce_backend, "anomalymonitor")
        now = iso_8601_datetime_without_milliseconds(utcnow())
        known[arn] = {**wanted, "MonitorArn": arn, "CreationDate": now, "LastUpdatedDate": now}
        return json.dumps({"MonitorArn": arn})

    def get_anomaly_monitors(self) -> str:
        asked, known = json.loads(self.body or "{}"), monitors(self.ce_backend)
        found = [one(known, arn, "UnknownMonitorException") for arn in asked.get("MonitorArnList") or known]
        return paged("AnomalyMonitors", found, asked)

    def update_anomaly_monitor(self) -> str:
        asked = json.loads(self.body)
        monitor = one(monitors(self.ce_backend), asked["MonitorArn"], "UnknownMonitorException")
        monitor["MonitorName"] = asked.get("MonitorName", monitor["MonitorName"])
        return json.dumps({"MonitorArn": asked["MonitorArn"]})

    def delete_anomaly_monitor(self) -> str:
        arn = json.loads(self.body)["MonitorArn"]
        one(monitors(self.ce_backend), arn, "UnknownMonitorException")
        del monitors(self.ce_backend)[arn]
        return "{}"

    def get_anomalies(self) -> str:
        return json.dumps({"Anomalies": []})


class Subscriptions:
    """Methods for `CostExplorerResponse`, too."""

    def create_anomaly_subscription(self) -> str:
        wanted = json.loads(self.body)["AnomalySubscription"]
        judge(self.ce_backend, wanted)
        arn = new_arn(self.ce_backend, "anomalysubscription")
        confirmed = [{"Status": "CONFIRMED", **subscriber} for subscriber in wanted["Subscribers"]]
        made = {**wanted, "Subscribers": confirmed, "SubscriptionArn": arn, "AccountId": self.current_account}
        subscriptions(self.ce_backend)[arn] = made
        return json.dumps({"SubscriptionArn": arn})

    def get_anomaly_subscriptions(self) -> str:
        asked, known = json.loads(self.body or "{}"), subscriptions(self.ce_backend)
        found = [one(known, arn, "UnknownSubscriptionException") for arn in asked.get("SubscriptionArnList") or known]
        if "MonitorArn" in asked:
            found = [entry for entry in found if asked["MonitorArn"] in entry["MonitorArnList"]]
        return paged("AnomalySubscriptions", found, asked)

    def update_anomaly_subscription(self) -> str:
        asked = json.loads(self.body)
        known = one(subscriptions(self.ce_backend), asked["SubscriptionArn"], "UnknownSubscriptionException")
        changed = {name: value for name, value in asked.items() if name in CHANGING}
        judge(self.ce_backend, known | changed)
        known.update(changed)
        return json.dumps({"SubscriptionArn": asked["SubscriptionArn"]})

    def delete_anomaly_subscription(self) -> str:
        arn = json.loads(self.body)["SubscriptionArn"]
        one(subscriptions(self.ce_backend), arn, "UnknownSubscriptionException")
        del subscriptions(self.ce_backend)[arn]
        return "{}"


def judge(backend: CostExplorerBackend, subscription: dict[str, Any]) -> None:
    """Refuse monitors that there are not, and a topic for what is not told at once."""
    for arn in subscription["MonitorArnList"]:
        one(monitors(backend), arn, "UnknownMonitorException")
    kinds = {subscriber["Type"] for subscriber in subscription["Subscribers"]}
    if kinds and (subscription["Frequency"] == "IMMEDIATE") != (kinds == {"SNS"}):
        raise refuse("ValidationException", "IMMEDIATE subscriptions have a topic, the others have addresses.")


def one(known: dict[str, Any], arn: str, code: str) -> dict[str, Any]:
    """The thing with this ARN, or the refusal."""
    if arn not in known:
        raise refuse(code, f"{arn} does not exist.")
    return known[arn]


def new_arn(backend: CostExplorerBackend, kind: str) -> str:
    """An ARN that is not taken."""
    return f"arn:aws:ce::{backend.account_id}:{kind}/{mock_random.uuid4()}"


def paged(field: str, things: list[dict[str, Any]], asked: dict[str, Any]) -> str:
    """A page, whose token has a name of its own here."""
    start, size = int(asked.get("NextPageToken") or 0), int(asked.get("MaxResults") or 100)
    more = {"NextPageToken": str(start + size)} if len(things) > start + size else {}
    return json.dumps({field: things[start : start + size], **more})


def install() -> None:
    """Give moto the operations."""
    add(CostExplorerResponse, Monitors)
    add(CostExplorerResponse, Subscriptions)
