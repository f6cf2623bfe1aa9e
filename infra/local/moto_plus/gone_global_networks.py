"""What is in a global network that is gone is not found; moto calls the question incorrect.
https://docs.aws.amazon.com/networkmanager/latest/APIReference/API_GetSites.html
"""

from __future__ import annotations

from typing import Any

from moto.networkmanager.exceptions import ResourceNotFound
from moto.networkmanager.models import NetworkManagerBackend

from .patch import around


def listed(original: Any, self: NetworkManagerBackend, global_network_id: str, *args: Any, **kwargs: Any) -> Any:
    """The list, of a network that is there."""
    if global_network_id not in self.global_networks:
        raise ResourceNotFound(global_network_id)
    return original(self, global_network_id, *args, **kwargs)


def install() -> None:
    """Say what AWS says."""
    for operation in ("get_devices", "get_links", "get_sites"):
        around(NetworkManagerBackend, operation, listed)
