"""AWS errors in the shape that each protocol's SDK understands.

An emulator that answers HTTP 500 with a page of HTML burns a caller's whole retry budget and tells it nothing.
"""

from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

import cbor2
from aiohttp import web

from .call import Call


def error(call: Call, status: int, code: str, message: str) -> web.Response:
    """An error answer in the protocol of the call."""
    request_id = str(uuid.uuid4())
    body, content_type = SHAPES[call.protocol](call, status, code, message, request_id)
    headers = {"x-amzn-RequestId": request_id, "Content-Type": content_type}
    if call.protocol in ("json", "rest-json"):
        headers["x-amzn-ErrorType"] = code
    if call.protocol == "json" and call.service == "sqs":
        headers["x-amzn-query-error"] = f"{code};{fault_side(status)}"
    if call.protocol == "cbor":
        headers["smithy-protocol"] = "rpc-v2-cbor"
    if call.protocol == "rest-xml":
        headers["x-amz-request-id"] = request_id
    return web.Response(status=status, headers=headers, body=body)


def fault_side(status: int) -> str:
    """Whose fault an error is, in the words of the query protocol."""
    return "Receiver" if status >= 500 else "Sender"


def json_body(call: Call, status: int, code: str, message: str, request_id: str) -> tuple[bytes, str]:
    """`application/x-amz-json-1.x` and REST JSON."""
    body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
    return body, "application/json" if call.protocol == "rest-json" else "application/x-amz-json-1.1"


def cbor_body(call: Call, status: int, code: str, message: str, request_id: str) -> tuple[bytes, str]:
    """RPC v2 CBOR."""
    return cbor2.dumps({"__type": code, "message": message}), "application/cbor"


def query_body(call: Call, status: int, code: str, message: str, request_id: str) -> tuple[bytes, str]:
    """The query protocol (IAM, STS, SNS, CloudFormation), and S3 Control and Route 53, which wrap alike."""
    body = (
        f"<ErrorResponse><Error><Type>{fault_side(status)}</Type><Code>{escape(code)}</Code>"
        f"<Message>{escape(message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return body.encode(), "text/xml"


def ec2_body(call: Call, status: int, code: str, message: str, request_id: str) -> tuple[bytes, str]:
    """EC2's own dialect of the query protocol."""
    body = (
        f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>{request_id}</RequestID></Response>"
    )
    return body.encode(), "text/xml"


def xml_body(call: Call, status: int, code: str, message: str, request_id: str) -> tuple[bytes, str]:
    """S3 answers a bare `<Error>`; the other REST XML services wrap it."""
    if call.service != "s3":
        return query_body(call, status, code, message, request_id)[0], "application/xml"
    body = (
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        f"<RequestId>{request_id}</RequestId></Error>"
    )
    return body.encode(), "application/xml"


SHAPES = {
    "json": json_body,
    "rest-json": json_body,
    "cbor": cbor_body,
    "query": query_body,
    "ec2": ec2_body,
    "rest-xml": xml_body,
}
