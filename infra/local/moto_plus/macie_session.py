"""Macie where it is not enabled: AWS denies every call and says so; moto says that a resource is missing.
https://docs.aws.amazon.com/macie/latest/APIReference/macie.html
"""

from __future__ import annotations

from typing import Any

from moto.macie2.models import MacieBackend

from .patch import around
from .refusals import refuse


def get_macie_session(original: Any, self: MacieBackend) -> dict[str, Any]:
    """The status, where there is one."""
    if not self.macie_session:
        raise refuse("AccessDeniedException", "Macie is not enabled", 403)
    return original(self)


def install() -> None:
    """Make moto say what AWS says."""
    around(MacieBackend, "get_macie_session", get_macie_session)
