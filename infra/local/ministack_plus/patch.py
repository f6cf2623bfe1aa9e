"""The one way in which the patches change ministack: a function is wrapped, and the wrapper given the original."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any


def around(module: ModuleType, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace `module.name` by `wrapper(original, ...)`; fails at start-up when ministack has renamed the function."""
    original = getattr(module, name)

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        return wrapper(original, *args, **kwargs)

    setattr(module, name, function)
