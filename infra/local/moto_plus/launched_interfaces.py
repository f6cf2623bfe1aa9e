"""The network interface that an instance is launched with goes when the instance goes, unless the launch says no.

moto keeps it, which makes subnets undeletable that AWS would delete.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/preserving-volumes-on-termination.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend

from .patch import around


def run_instances(original: Any, self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
    """Launch, and mark the primary interfaces that came into being with the instances."""
    before = set(self.enis)
    kept = any(nic.get("DeleteOnTermination") is False for nic in kwargs.get("nics") or [])
    reservation = original(self, *args, **kwargs)
    for instance in reservation.instances:
        for interface in instance.nics.values():
            if interface.id not in before and not kept:
                interface.delete_on_termination = True
    return reservation


def install() -> None:
    """Make new instances clean up after themselves."""
    around(EC2Backend, "run_instances", run_instances)
