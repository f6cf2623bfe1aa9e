"""MemoryDB's default subnet group stands on the default VPC; moto breaks where that is gone, and AWS lists the rest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from moto.memorydb.models import MemoryDBSubnetGroup

ON_NOTHING = [SimpleNamespace(vpc_id="", id="", availability_zone="")]


def install() -> None:
    """Let the default group stand on nothing."""
    looked_up = MemoryDBSubnetGroup.subnets.fget

    def subnets(self: MemoryDBSubnetGroup) -> Any:
        return looked_up(self) or (ON_NOTHING if self.subnet_group_name == "default" else [])

    MemoryDBSubnetGroup.subnets = property(subnets)  # type: ignore[assignment]
