"""The gateway itself: one handler for AWS calls, and the control API under `/_local`.

A call is named, logged, perhaps broken on purpose, and passed to its emulator.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
from aiohttp import web

from . import buckets, budgets, control, denials, empty, events, faults, logsearch, roles, unsupported, witnesses
from .accounts import Accounts, Caller
from .call import Call, action_of, protocol_of, scope_of, service_of
from .calllog import CallLog
from .errors import error
from .faults import Fault, Faults
from .mail import Mail
from .newborn import Newborn
from .owner import owner_of
from .proxy import Answer, Proxy, respond
from .regions import Regions
from .route import MINISTACK, plane_of

NOBODY = Caller("unknown", "unknown", "unknown")
LARGEST_BODY = 512 * 1024 * 1024


@dataclass
class Gateway:
    """All state of the gateway."""

    proxy: Proxy
    log: CallLog
    accounts: Accounts = field(default_factory=Accounts)
    faults: Faults = field(default_factory=Faults)
    regions: Regions = field(default_factory=Regions)
    newborn: Newborn = field(default_factory=Newborn)
    denials: denials.Denials = field(default_factory=denials.Denials)
    roles: roles.Roles = field(default_factory=roles.Roles)
    spend: budgets.Spend = field(default_factory=budgets.Spend)
    mail: Mail = field(default_factory=Mail)
    config: control.Config = field(default_factory=control.Config)
    # Whose report of accesses was begun, by job.
    reports: dict[str, str] = field(default_factory=dict)
    # Lists that turned out to be missing: service, operation, region. The emulator is not asked again.
    missing: set[tuple[str, str, str]] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body = await request.read()
        scope = scope_of(request)
        if scope is None:
            return await self.unsigned(request, body)
        service = service_of(scope, request.path)
        protocol = protocol_of(request, service)
        caller = self.accounts.caller(scope.access_key, request.headers.get("X-Amz-Security-Token", "")) or NOBODY
        action = action_of(request, service, protocol, body)
        call = Call(
            service, action, caller.account, scope.region, protocol, scope.access_key, caller.arn, caller.origin
        )
        return await self.logged(request, replace(call, owner=owner_of(call, request, body)), body)

    async def unsigned(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Links that ministack gives out (a custom resource's answer, a function's code) carry no signature."""
        if request.path.startswith("/_ministack/"):
            return respond(request, await self.proxy.send(MINISTACK, request, body, None))
        return web.json_response({"message": "Missing Authentication Token"}, status=403)

    async def logged(self, request: web.Request, call: Call, body: bytes) -> web.StreamResponse:
        """Answer a call, and write down how it went."""
        start = time.monotonic()
        plane = plane_of(call)
        fault = self.faults.take(call)
        status = 0
        try:
            response, status = await self.answer(request, call, body, plane, fault)
            return response
        finally:
            milliseconds = round((time.monotonic() - start) * 1000)
            self.log.add(call, status, fault.kind if fault else None, plane, milliseconds)

    async def answer(
        self, request: web.Request, call: Call, body: bytes, plane: str, fault: Fault | None
    ) -> tuple[web.StreamResponse, int]:
        """The answer and the status for the log, which is 0 when the caller gets none."""
        refused = self.refusal(call, body, fault) or await roles.refusal(self, request, call, body)
        if refused:
            return refused, refused.status
        if fault and fault.kind in ("hang", "reset"):
            await self.broken(request, fault)
        if fault and fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        try:
            answer = await self.forward(request, call, body, plane)
        except aiohttp.ClientError as problem:
            logging.warning("%s did not answer %s:%s: %s", plane, call.service, call.action, problem)
            answer = error(call, 503, "ServiceUnavailable", f"{plane} did not answer: {problem}")
        if fault and fault.kind == "lost":
            faults.reset(request)
            return web.Response(), 0
        if isinstance(answer, Answer):
            answer = self.unknown(call, answer) or unsupported.refusal(call, answer, plane) or respond(request, answer)
        return answer, answer.status

    def unknown(self, call: Call, answer: Answer) -> web.Response | None:
        """An empty list, where the emulator has no such list and the stack's user wants it so."""
        lacks = unsupported.lacks_operation(answer) or unsupported.knows_no_path(call, answer)
        if not (self.config.unknown_is_empty and lacks):
            return None
        self.missing.add((call.service, call.action, call.region))
        return empty.answer(call)

    def refusal(self, call: Call, body: bytes, fault: Fault | None) -> web.Response | None:
        """The answer to a call that reaches no emulator."""
        if call.account == NOBODY.account:
            return error(call, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        injected = faults.refusal(fault, call) if fault else None
        denied = self.denials.refusal(call) if self.config.enforce_policies else None
        early = injected or denied or self.regions.refusal(call) or self.newborn.refusal(call, body)
        early = early or budgets.refusal(call, body)
        return early if early or fault else self.known_missing(call)

    def known_missing(self, call: Call) -> web.Response | None:
        """An empty list at once, where the emulator was asked before."""
        missing = call.service in empty.NOWHERE or (call.service, call.action, call.region) in self.missing
        known = self.config.unknown_is_empty and missing
        return empty.answer(call) if known else None

    async def broken(self, request: web.Request, fault: Fault) -> None:
        """A connection that stays silent, or ends."""
        if fault.kind == "hang":
            await faults.hang(request)
        faults.reset(request)
        raise asyncio.CancelledError

    async def forward(self, request: web.Request, call: Call, body: bytes, plane: str) -> Answer | web.Response:
        """Let the emulator answer, and do what its answer entails."""
        if (call.service, call.action) == ("logs", "FilterLogEvents"):
            return await logsearch.answer(self, request, call, body, plane)
        if (call.service, call.action) == ("cloudtrail", "LookupEvents"):
            return await witnesses.history(self, request, call, body, plane)
        wishes = self.wishes(call) | witnesses.wishes(self, call, body) | await buckets.looked_up(self, call, body)
        answer = await self.proxy.send(plane, request, body, call, wishes)
        self.accounts.learn(call, answer.status, body, answer.body)
        self.regions.learn(call, answer.status, body)
        self.mail.learn(call, answer.status, body)
        witnesses.learn(self, call, body, answer)
        self.roles.forget(call)
        self.denials.learn(call, answer.status, body, answer.body)
        await self.newborn.learn(self, call, answer)
        await events.after(self, call, body, answer)
        return self.regions.shortened(call, self.config.regions, self.spend.merged(call, answer))

    def wishes(self, call: Call) -> dict[str, str]:
        """What the stack's user wants of this call, as headers for our additions to moto."""
        if (call.service, call.action) == ("organizations", "CreateAccount") and self.config.account_ids:
            return {"x-local-account-id": self.config.account_ids.pop(0)}
        if (call.service, call.action) == ("organizations", "CloseAccount"):
            wishes = {"x-local-closing-looks": str(self.config.closing_looks)}
            quota = self.config.close_quota
            return wishes | ({"x-local-close-quota": str(quota)} if quota >= 0 else {})
        return {}


def application(bases: dict[str, str], workdir: Path) -> web.Application:
    """The aiohttp application."""
    proxy = Proxy(bases)
    gateway = Gateway(proxy, CallLog(workdir / "calls.jsonl"))
    app = web.Application(client_max_size=LARGEST_BODY)
    control.add_routes(app, gateway)
    app.router.add_route("*", "/{path:.*}", gateway.handle)

    async def lifetime(_: web.Application):
        await proxy.start()
        yield
        await proxy.stop()

    app.cleanup_ctx.append(lifetime)
    return app
