"""Every call, in memory for `GET /_local/log` and as JSON lines in the work directory.

Tests count calls ("a second run writes nothing"), the demo shows them, and a person greps the file.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from .call import Call

READS = ("Get", "List", "Describe", "Head", "Lookup", "Filter", "Search", "BatchGet", "Query", "Scan", "Assume")


class CallLog:
    """An append-only list of calls, numbered from 1."""

    def __init__(self, path: Path) -> None:
        self._entries: list[dict[str, Any]] = []
        self._file = path.open("a", buffering=1)

    def add(self, call: Call, status: int, fault: str | None, plane: str, milliseconds: int) -> None:
        """Record one answered (or broken) call."""
        entry = {
            "n": len(self._entries) + 1,
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
            "service": call.service,
            "action": call.action,
            "account": call.account,
            "region": call.region,
            "status": status,
            "fault": fault,
            "plane": plane,
            "caller": call.caller,
            "origin": call.origin,
            "write": not call.action.startswith(READS),
            "ms": milliseconds,
        }
        self._entries.append(entry)
        self._file.write(json.dumps(entry) + "\n")

    def __len__(self) -> int:
        """The number of the newest entry."""
        return len(self._entries)

    def since(self, number: int) -> list[dict[str, Any]]:
        """The entries after the given number."""
        return self._entries[max(number, 0) :]
