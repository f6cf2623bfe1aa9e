"""Passing a call on to the emulator that answers it, and the answer back.

The signature is left alone (neither emulator checks it) except for the access key, which is how ministack tells
accounts apart; moto is told the account in a header.
"""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from .call import Call
from .route import MINISTACK

# Headers of one hop, not of the message. Content-Length is set again for the body that is really sent.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "te", "upgrade", "date", "server"}


@dataclass
class Answer:
    """What an emulator said."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip()


class Proxy:
    """Connections to both emulators."""

    def __init__(self, bases: dict[str, str]) -> None:
        self._bases = bases
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client; no connection is kept, because a kept one may be closed just as it is used again."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=128, force_close=True),
            timeout=aiohttp.ClientTimeout(total=900),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def stop(self) -> None:
        """Close the client."""
        if self._session:
            await self._session.close()

    async def send(
        self, plane: str, request: web.BaseRequest, body: bytes, call: Call | None, extra: dict[str, str] | None = None
    ) -> Answer:
        """Pass a request on as it came, but for the caller's identity and some headers more."""
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in HOP)
        headers.update(extra or {})
        path = request.raw_path
        if call and plane == MINISTACK:
            headers["Authorization"] = headers.get("Authorization", "").replace(call.access_key, call.owner, 1)
            path = path.replace(call.access_key, call.owner, 1)
        elif call:
            headers["x-moto-account-id"] = call.owner
            headers["x-local-caller"] = call.caller
        return await self.fetch(plane, request.method, path, headers, body)

    async def fetch(self, plane: str, method: str, path: str, headers: CIMultiDict[str], body: bytes) -> Answer:
        """One request to one emulator."""
        assert self._session is not None
        url = URL(self._bases[plane] + path, encoded=True)
        async with self._session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())


def respond(request: web.BaseRequest, answer: Answer) -> web.Response:
    """The emulator's answer as ours. A HEAD answer keeps the length of the body that it does not have."""
    headers = CIMultiDict((name, value) for name, value in answer.headers.items() if name.lower() not in HOP)
    if request.method == "HEAD" and "Content-Length" in answer.headers:
        headers["Content-Length"] = answer.headers["Content-Length"]
    return web.Response(status=answer.status, headers=headers, body=answer.body or None)
