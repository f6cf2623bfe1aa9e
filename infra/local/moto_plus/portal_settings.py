"""Portals let go of their settings, and settings that a portal has cannot be deleted; moto knows neither.
https://docs.aws.amazon.com/workspaces-web/latest/APIReference/API_DisassociateBrowserSettings.html
https://docs.aws.amazon.com/workspaces-web/latest/APIReference/API_DeleteBrowserSettings.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.workspacesweb.models import WorkSpacesWebBackend
from moto.workspacesweb.responses import WorkSpacesWebResponse

from .patch import around, asked, lacking
from .refusals import refuse

KINDS = ("browser_settings", "network_settings", "user_access_logging_settings", "user_settings")


def disassociating(kind: str) -> Callable[[Any], ActionResult]:
    """The method that takes one kind of settings from a portal."""

    def disassociate(self: Any) -> ActionResult:
        backend = self.workspacesweb_backend
        portal = backend.portals.get(asked(self)["portalArn"])
        if portal is None:
            raise refuse("ResourceNotFoundException", "There is no such portal.", 404)
        arn = getattr(portal, f"{kind}_arn")
        setattr(portal, f"{kind}_arn", None)
        if arn in getattr(backend, kind):
            getattr(backend, kind)[arn].associated_portal_arns.remove(portal.arn)
        return ActionResult({})

    return disassociate


def keeping(kind: str) -> Callable[..., Any]:
    """A delete that refuses what a portal has."""

    def delete(original: Any, self: WorkSpacesWebBackend, **arn: str) -> Any:
        if any(getattr(portal, f"{kind}_arn") in arn.values() for portal in self.portals.values()):
            raise refuse("ConflictException", "The settings are associated with a portal.", 409)
        return original(self, **arn)

    return delete


def install() -> None:
    """Add the calls, and the refusals."""
    for kind in KINDS:
        lacking(WorkSpacesWebResponse, f"disassociate_{kind}", disassociating(kind))
        around(WorkSpacesWebBackend, f"delete_{kind}", keeping(kind))
