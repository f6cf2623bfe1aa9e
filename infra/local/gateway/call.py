"""Which AWS call is this? Everything else in the gateway works on the answer.

The emulators and the faults are chosen by service, action, account and region, and none of the four is
written in one place: service and region are in the SigV4 credential scope, the account follows from the
access key, and the action hides in a header, a form field or the path, depending on the protocol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from aiohttp import web

from .operations import rest_action

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
PRESIGNED = re.compile(r"X-Amz-Credential=([^/&]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
CBOR_PATH = re.compile(r"^/service/[^/]+/operation/([^/]+)$")
ACCOUNT_ID = re.compile(r"^\d{12}$")

# Services that speak REST with XML bodies; all other REST services answer JSON.
REST_XML = {"s3", "s3control", "route53", "cloudfront"}


@dataclass(frozen=True)
class Call:
    """One request, named the way the call log and the faults name it."""

    service: str
    action: str
    account: str
    region: str
    protocol: str
    access_key: str
    caller: str
    origin: str
    owner: str = ""


@dataclass(frozen=True)
class Scope:
    """What the SigV4 signature says about a request."""

    access_key: str
    region: str
    service: str


def scope_of(request: web.BaseRequest) -> Scope | None:
    """The credential scope, from the header or from a presigned URL; None when the request is not signed."""
    match = CREDENTIAL.search(request.headers.get("Authorization", ""))
    if not match and "X-Amz-Credential" in request.raw_path:
        match = PRESIGNED.search(unquote(request.raw_path))
    if not match:
        return None
    access_key, region, service = match.groups()
    return Scope(access_key, region, service.lower())


def service_of(scope: Scope, path: str) -> str:
    """The signing name, except that S3 Control signs as `s3` and only its path tells the two apart."""
    if scope.service == "s3" and path.startswith("/v20180820/"):
        return "s3control"
    return scope.service


def protocol_of(request: web.BaseRequest, service: str) -> str:
    """The wire protocol, seen from the request alone: a caller may choose (CloudWatch speaks three)."""
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "cbor"
    if "X-Amz-Target" in request.headers:
        return "json"
    form = request.content_type == "application/x-www-form-urlencoded"
    if (form and service not in REST_XML) or "Action=" in request.query_string:
        return "ec2" if service == "ec2" else "query"
    return "rest-xml" if service in REST_XML else "rest-json"


def action_of(request: web.BaseRequest, service: str, protocol: str, body: bytes) -> str:
    """The operation's name as in AWS's own models, or `GET /path` when no model knows the request."""
    if protocol == "json":
        return request.headers["X-Amz-Target"].rsplit(".", 1)[-1]
    if protocol == "cbor":
        match = CBOR_PATH.match(request.path)
        return match.group(1) if match else request.path
    if protocol in ("query", "ec2"):
        fields = {**parse_qs(request.query_string), **parse_qs(body.decode("utf-8", "replace"))}
        return fields.get("Action", ["?"])[0]
    return rest_action(service, request) or f"{request.method} {request.path}"
