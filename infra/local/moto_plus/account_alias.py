"""CreateAccountAlias answers EntityAlreadyExists for an alias that is taken, and also for the one the account has.

moto accepts everything, which hides a caller that writes on every run.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html
"""

from __future__ import annotations

from typing import Any

from moto.iam.exceptions import EntityAlreadyExists
from moto.iam.models import IAMBackend, iam_backends

from .patch import around


def create_account_alias(original: Any, self: IAMBackend, alias: str) -> None:
    """Set the alias, unless some account has it."""
    taken = any(
        alias in backend.account_aliases for account in list(iam_backends.values()) for backend in account.values()
    )
    if taken:
        raise EntityAlreadyExists(f"The account alias {alias} already exists.")
    original(self, alias)


def install() -> None:
    """Make aliases unique."""
    around(IAMBackend, "create_account_alias", create_account_alias)
