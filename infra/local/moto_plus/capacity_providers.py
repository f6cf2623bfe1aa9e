"""Capacity providers are all listed when none is named.

moto fails there.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeCapacityProviders.html
"""

from __future__ import annotations

from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend

from .patch import around


def describe_capacity_providers(original: Any, self: EC2ContainerServiceBackend, names: list[str] | None) -> Any:
    """The named ones, or all."""
    return original(self, list(self.capacity_providers) if names is None else names)


def install() -> None:
    """List what nobody named."""
    around(EC2ContainerServiceBackend, "describe_capacity_providers", describe_capacity_providers)
