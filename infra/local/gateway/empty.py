"""Lists of services that no emulator has.

Nothing can have been made there, so when a test asks for it (`unknown_is_empty`), a list that the emulator lacks is
answered as an empty one, in the caller's protocol. Without that, code that goes through every service of AWS would meet
an error at most of them.
"""

from __future__ import annotations

import uuid

from aiohttp import web

from .call import Call

# Services whose calls moto takes for something else: paths of S3 on Outposts would be buckets.
NOWHERE = {"s3-outposts"}

READS = ("Describe", "Get", "List", "Lookup", "Search")


def answer(call: Call) -> web.Response | None:
    """An answer without anything in it, to a call that only reads."""
    if not call.action.startswith((*READS, "GET ")):
        return None
    body, content_type = BODIES.get(call.protocol, json_body)(call)
    return web.Response(headers={"x-amzn-RequestId": str(uuid.uuid4()), "Content-Type": content_type}, body=body)


def json_body(call: Call) -> tuple[bytes, str]:
    """Every member of a JSON answer may be absent."""
    return b"{}", "application/json" if call.protocol == "rest-json" else "application/x-amz-json-1.1"


def query_body(call: Call) -> tuple[bytes, str]:
    """The result element, and nothing below it."""
    name = call.action
    return f"<{name}Response><{name}Result/></{name}Response>".encode(), "text/xml"


def ec2_body(call: Call) -> tuple[bytes, str]:
    """EC2's answers have no result element."""
    return f"<{call.action}Response/>".encode(), "text/xml"


def xml_body(call: Call) -> tuple[bytes, str]:
    """REST services with XML bodies read the root element whatever it is called."""
    return f"<{call.action}Result/>".encode(), "application/xml"


BODIES = {"query": query_body, "ec2": ec2_body, "rest-xml": xml_body}
