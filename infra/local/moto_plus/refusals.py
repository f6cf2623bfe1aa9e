"""Refusals of services that speak JSON, with the status that AWS gives them where callers could look at it."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError


def refuse(code: str, message: str, status: int = 400) -> JsonRESTError:
    """A refusal, to be raised."""
    problem = JsonRESTError(code, message)
    problem.code = status
    return problem
