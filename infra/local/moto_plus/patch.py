"""The one way in which the additions change moto: a method is wrapped, and the wrapper is given the original."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def around(owner: type, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace `owner.name` by `wrapper(original, self, ...)`; fails at start-up when moto has renamed the method."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return wrapper(original, self, *args, **kwargs)

    setattr(owner, name, method)


def add(owner: type, methods: type) -> None:
    """Give `owner` the public methods of a class that exists to hold them."""
    for name, value in vars(methods).items():
        if not name.startswith("_"):
            setattr(owner, name, value)
