"""A distributed Map's `MaxConcurrencyPath`: how many children run at once may come with the input.

ministack reads the number alone, and would start every child at the same time.
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

from .patch import around


def run_distributed_map(original: Any, state: dict[str, Any], raw: Any, effective: Any, *rest: Any) -> Any:
    """The Map with its number filled in."""
    path = state.get("MaxConcurrencyPath")
    if path:
        state = {**state, "MaxConcurrency": stepfunctions._resolve_path(path, effective)}
    return original(state, raw, effective, *rest)


def install() -> None:
    """Patch the interpreter."""
    around(stepfunctions, "_run_distributed_map", run_distributed_map)
