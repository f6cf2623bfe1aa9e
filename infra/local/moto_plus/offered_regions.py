"""A service that is not offered in a region is said to be missing there; moto's own answer is a failure of its own.

On AWS the name of the service's endpoint does not exist then, which an emulator on one address cannot show.
"""

from __future__ import annotations

from typing import Any

from moto.core.base_backend import AccountSpecificBackend

from .patch import around


def backend(original: Any, self: AccountSpecificBackend, region: str) -> Any:
    """The service's state in a region."""
    try:
        return original(self, region)
    except KeyError:
        raise NotImplementedError(f"{self.service_name} is not offered in {region}") from None


def install() -> None:
    """Tell the two apart."""
    around(AccountSpecificBackend, "__getitem__", backend)
