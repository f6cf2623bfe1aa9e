"""The list of patches to ministack, in the order of installation."""

from __future__ import annotations

from . import (
    alarm_answers,
    alarm_events,
    bus_policies,
    function_environment,
    map_concurrency,
    metric_filters,
    schedules,
    service_events,
)

PATCHES = (
    alarm_answers,
    alarm_events,
    bus_policies,
    function_environment,
    map_concurrency,
    metric_filters,
    schedules,
    service_events,
)


def install() -> None:
    """Patch ministack; called once, before it serves."""
    for patch in PATCHES:
        patch.install()
