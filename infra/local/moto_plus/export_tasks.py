"""Exports of snapshots start, and can be cancelled; moto has them complete at once, in small letters.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ExportTask.html
"""

from __future__ import annotations

from typing import Any

from moto.rds.models import RDSBackend

from .patch import around


def start_export_task(original: Any, self: RDSBackend, *args: Any, **kwargs: Any) -> Any:
    """An export that starts."""
    task = original(self, *args, **kwargs)
    task.status = "STARTING"
    return task


def cancel_export_task(original: Any, self: RDSBackend, *args: Any, **kwargs: Any) -> Any:
    """An export that was cancelled."""
    task = original(self, *args, **kwargs)
    task.status = "CANCELED"
    return task


def install() -> None:
    """Say what AWS says."""
    around(RDSBackend, "start_export_task", start_export_task)
    around(RDSBackend, "cancel_export_task", cancel_export_task)
