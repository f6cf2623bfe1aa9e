"""The list of additions to moto, in the order of installation."""

from __future__ import annotations


def install() -> None:
    """Patch moto; called once, before it serves."""
    for module in ():
        module.install()
