"""How the additions change moto: a method is wrapped and its wrapper given the original, or a method is added."""

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


def lacking(owner: type, name: str, method: Callable[..., Any]) -> None:
    """Give `owner` a method that it lacks; fails at start-up when moto has it by now."""
    if hasattr(owner, name):
        raise RuntimeError(f"moto has {owner.__name__}.{name} by now: take it out of here")
    setattr(owner, name, method)


def asked(self: Any) -> Any:
    """The parameters of a call, by the service's model."""
    self.parse_parameters(self.normalized_request)
    return self.params


def add(owner: type, methods: type) -> None:
    """Give `owner` the public methods of a class that exists to hold them."""
    for name, method in public(methods).items():
        setattr(owner, name, method)


def public(methods: type) -> dict[str, Callable[..., Any]]:
    """The public methods of a class that exists to hold them, by name."""
    return {name: value for name, value in vars(methods).items() if not name.startswith("_")}
