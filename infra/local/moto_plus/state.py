"""State of ours on moto's backend objects, of which there is one for each account and region."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Thing = TypeVar("Thing")


def kept(owner: Any, name: str, make: Callable[[], Thing]) -> Thing:
    """What is kept under this name, made when first asked for; `setdefault` because requests run in threads."""
    return vars(owner).setdefault(name, make())
