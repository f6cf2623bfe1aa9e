"""Schedules: looked at every second, with the context words such as `<aws.scheduler.scheduled-time>` filled in, and
going off anew once they are updated.

ministack looks every ten seconds, which makes a demo wait; passes the words on as they are, so that a function that
reads the time from its input finds none; and remembers of an updated schedule that it went off before the update.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

import datetime
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import eventbridge, scheduler

from .patch import around


def invoke_target(original: Any, target: dict[str, Any], event: dict[str, Any], rule: Any, *args: Any) -> Any:
    """Fill in the words, for events of the scheduler."""
    if event.get("Source") == "aws.scheduler" and isinstance(target.get("Input"), str):
        target = {**target, "Input": filled(target["Input"], event)}
    return original(target, event, rule, *args)


def update_schedule(original: Any, name: str, body: dict[str, Any]) -> Any:
    """Forget when the schedule went off last."""
    answer = original(name, body)
    ending = f"{body.get('GroupName', 'default')}/{name}"
    for key in [key for key in scheduler._schedule_last_fired if key[-1] == ending]:
        del scheduler._schedule_last_fired[key]
    return answer


def filled(text: str, event: dict[str, Any]) -> str:
    """The input with the words' values."""
    time = datetime.datetime.fromtimestamp(event["Time"], datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = {
        "schedule-arn": next(iter(event["Resources"]), ""),
        "scheduled-time": time,
        "execution-id": new_uuid(),
        "attempt-number": "1",
    }
    for word, value in words.items():
        text = text.replace(f"<aws.scheduler.{word}>", value)
    return text


def install() -> None:
    """Teach the words to every schedule, and quicken the two clocks."""
    scheduler._SCHEDULE_TICK_INTERVAL = 1
    eventbridge._SCHEDULER_TICK_INTERVAL = 1
    around(eventbridge, "_invoke_target", invoke_target)
    around(scheduler, "_update_schedule", update_schedule)
