"""Versions of a bucket that is being emptied: moto lists and deletes in several threads, and breaks where they meet."""

from __future__ import annotations

from typing import Any

from moto.s3.models import S3Backend

from .patch import around

TRIES = 5


def list_object_versions(original: Any, self: S3Backend, *args: Any, **kwargs: Any) -> Any:
    """The list, made again where a deletion came in between."""
    for _ in range(TRIES):
        try:
            return original(self, *args, **kwargs)
        except (RuntimeError, TypeError):
            continue
    return original(self, *args, **kwargs)


def install() -> None:
    """Let lists and deletions meet."""
    around(S3Backend, "list_object_versions", list_object_versions)
