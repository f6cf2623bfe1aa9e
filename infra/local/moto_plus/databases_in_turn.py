"""Calls to RDS take their turn: one at a time.

moto's server answers in threads. Deleting an instance iterates over snapshots that another deletion takes away; the
call then fails half done, and backups of an instance that is gone stay behind. A hundred databases that are deleted at
once met this.
"""

from __future__ import annotations

import threading
from typing import Any

from moto.rds.responses import RDSResponse

from .patch import around

TURN = threading.RLock()


def call_action(original: Any, self: RDSResponse) -> Any:
    """Answer when nobody else is being answered."""
    with TURN:
        return original(self)


def install() -> None:
    """Let calls wait for each other."""
    around(RDSResponse, "call_action", call_action)
