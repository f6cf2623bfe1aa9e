"""An emulator that lacks an operation says so with HTTP 500, or a page of HTML: SDKs would try again and again.

Here it becomes a client error in the caller's protocol, which is not retried and says what is missing.
"""

from __future__ import annotations

import html
import re

from aiohttp import web

from .call import Call
from .errors import error
from .proxy import Answer

READS = ("Describe", "Get", "List")

TAG = re.compile(r"<[^>]+>")


def refusal(call: Call, answer: Answer, plane: str) -> web.Response | None:
    """The error to answer instead, when the emulator has no such operation or broke on it."""
    if lacks_operation(answer) or knows_no_path(call, answer):
        return error(call, 400, "UnsupportedOperation", f"{plane} has no {call.service}:{call.action}")
    if broke(call, answer):
        return error(call, 400, "EmulatorFailure", f"{plane} failed on {call.service}:{call.action}: {words(answer)}")
    return None


def lacks_operation(answer: Answer) -> bool:
    """501, or a web framework's own page for a path that it does not know (an answer to HEAD has no page)."""
    page = answer.content_type == "text/html" and bool(answer.body)
    return answer.status == 501 or (answer.status in (404, 405) and page)


def knows_no_path(call: Call, answer: Answer) -> bool:
    """moto's own answer to a path of a service of which it has another part: 404 with nothing in it."""
    return answer.status == 404 and not answer.body and call.action.startswith(READS)


def broke(call: Call, answer: Answer) -> bool:
    """An exception inside the emulator; trying again would only raise it again."""
    return answer.status == 500 and answer.content_type in ("text/html", "text/plain")


def words(answer: Answer) -> str:
    """What the emulator said, as one short line."""
    text = html.unescape(TAG.sub(" ", answer.body.decode("utf-8", "replace")))
    return " ".join(text.split())[-300:]
