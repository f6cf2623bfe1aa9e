"""Answers in pages, where moto has no list at all, or a list in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def page(field: str, things: Sequence[Any], token: Any, size: Any, most: int = 20) -> dict[str, Any]:
    """The page that starts at the token, which is a position; the next token when there is more."""
    start, end = int(token or 0), int(token or 0) + int(size or most)
    more = {"NextToken": str(end)} if len(things) > end else {}
    return {field: list(things[start:end]), **more}
