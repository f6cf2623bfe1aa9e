"""`/_local`: what tests and the demo ask of the stack itself, apart from AWS."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import CIMultiDict

from . import events
from .route import MINISTACK

if TYPE_CHECKING:
    from .app import Gateway


@dataclass
class Config:
    """What can be switched while the stack runs."""

    # Whether creating, moving, tagging and closing accounts puts events on the management account's bus, as AWS does.
    organization_events: bool = True
    # Ids for the next accounts that CreateAccount makes; random ones when it is used up.
    account_ids: list[str] = field(default_factory=list)
    # How often a closing account is looked at until it is closed; and how many are closed at most, -1 being no limit.
    closing_looks: int = 0
    close_quota: int = -1
    # Whether service control policies that are attached to an account itself are judged.
    enforce_policies: bool = False
    # Whether roles are held to their policies: functions' and those in members, as far as IAM knows them.
    enforce_roles: bool = True
    # Whether the first page of every log search with a pattern is empty and has a nextToken, as AWS's often are.
    empty_log_pages: bool = True
    # Step Functions' waits and retry intervals are multiplied by this; 0 skips them.
    wait_scale: float = 1.0
    # How many calls of a service fail in each region of an account that is created from now on; `*` is any other.
    asleep: dict[str, int] = field(default_factory=dict)
    # How many attempts to assume a role in such an account are denied.
    assume_denied: int = 0
    # The only regions that accounts say they have; empty: all. Fewer make a test of every region short.
    regions: list[str] = field(default_factory=list)
    # Whether lists of services that no emulator has are answered as empty, instead of with an error.
    unknown_is_empty: bool = False

    def change(self, wanted: dict[str, Any]) -> None:
        """Apply the given settings; ValueError names what is wrong."""
        types = {entry.name: type(getattr(self, entry.name)) for entry in fields(self)}
        for name, value in wanted.items():
            if name not in types:
                raise ValueError(f"unknown setting {name!r}; there are {', '.join(types)}")
            if not isinstance(value, (types[name], int) if types[name] is float else types[name]):
                raise ValueError(f"{name} must be of type {types[name].__name__}")
        for service, calls in wanted.get("asleep", {}).items():
            if not isinstance(calls, int) or calls < 0:
                raise ValueError(f"asleep.{service} must be a number of calls")
        for name, value in wanted.items():
            setattr(self, name, value)


def add_routes(app: web.Application, gateway: Gateway) -> None:
    """The control API's routes."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "calls": len(gateway.log)})

    async def log(request: web.Request) -> web.Response:
        return web.json_response(gateway.log.since(int(request.query.get("since", "0"))))

    async def get_faults(_: web.Request) -> web.Response:
        return web.json_response(gateway.faults.view())

    async def post_faults(request: web.Request) -> web.Response:
        return web.json_response(gateway.faults.add(await request.json()).view())

    async def delete_faults(_: web.Request) -> web.Response:
        gateway.faults.clear()
        return web.json_response([])

    async def get_config(_: web.Request) -> web.Response:
        return web.json_response(asdict(gateway.config))

    async def post_config(request: web.Request) -> web.Response:
        wanted = await request.json()
        gateway.config.change(wanted)
        if "wait_scale" in wanted:
            await scale_waits(gateway)
        return web.json_response(asdict(gateway.config))

    async def get_permissions(_: web.Request) -> web.Response:
        return web.json_response(gateway.roles.verdicts)

    async def post_spend(request: web.Request) -> web.Response:
        return web.json_response(gateway.spend.order(await request.json()))

    async def get_mail(_: web.Request) -> web.Response:
        return web.json_response(gateway.mail.sent)

    async def post_events(request: web.Request) -> web.Response:
        return web.json_response({"id": await events.publish(gateway, await request.json())})

    app.router.add_get("/_local/health", health)
    app.router.add_get("/_local/log", log)
    app.router.add_get("/_local/faults", get_faults)
    app.router.add_get("/_local/mail", get_mail)
    app.router.add_post("/_local/faults", answers_mistakes(post_faults))
    app.router.add_delete("/_local/faults", delete_faults)
    app.router.add_get("/_local/config", get_config)
    app.router.add_post("/_local/config", answers_mistakes(post_config))
    app.router.add_get("/_local/permissions", get_permissions)
    app.router.add_post("/_local/spend", answers_mistakes(post_spend))
    app.router.add_post("/_local/events", answers_mistakes(post_events))


async def scale_waits(gateway: Gateway) -> None:
    """Tell ministack by how much to shorten waits."""
    body = json.dumps({"stepfunctions._SFN_WAIT_SCALE": gateway.config.wait_scale}).encode()
    await gateway.proxy.fetch(MINISTACK, "POST", "/_ministack/config", CIMultiDict(), body)


def answers_mistakes(handler):
    """A wrong order is answered with 400 and the reason."""

    async def checked(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except (ValueError, KeyError, TypeError) as mistake:
            return web.json_response({"message": str(mistake)}, status=400)

    return checked
