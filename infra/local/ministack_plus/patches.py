"""The list of patches to ministack, in the order of installation."""

from __future__ import annotations


def install() -> None:
    """Patch ministack; called once, before it serves."""
    for module in ():
        module.install()
