"""Services that moto lacks as a whole, beside those that it has: each is a response class of ours."""

from __future__ import annotations

from flask import Flask
from moto.core.responses import BaseResponse
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import BackendRequest, create_backend_app

from .access_analyzer import AccessAnalyzerResponse
from .cloud_control import CloudControlResponse
from .resource_explorer import ResourceExplorerResponse

# By the name that requests are signed with.
OWN: dict[str, type[BaseResponse]] = {
    "access-analyzer": AccessAnalyzerResponse,
    "cloudcontrolapi": CloudControlResponse,
    "resource-explorer-2": ResourceExplorerResponse,
}
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def service_at(host: str | None) -> str | None:
    """The service of ours at a host name, if any."""
    name = (host or "").partition(".")[0]
    return name if name in OWN else None


def create_app(service: str) -> Flask:
    """The application that answers for a service."""
    if service not in OWN:
        return create_backend_app(service)
    app = Flask(service)
    app.request_class = BackendRequest
    answer = convert_to_flask_response(OWN[service].dispatch)
    app.add_url_rule("/", defaults={"path": ""}, view_func=lambda path: answer(), methods=METHODS, endpoint="root")
    app.add_url_rule("/<path:path>", view_func=lambda path: answer(), methods=METHODS, endpoint="all")
    return app
