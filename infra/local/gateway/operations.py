"""Names of REST operations, from botocore's models.

REST calls carry no operation name, and a call log that says `PUT /v20180820/configuration/publicAccessBlock`
cannot be matched by a fault or read by a person. Models are loaded when a service is first seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

# Forester's own cuts of the models: they say which name each service signs with. Several may share one.
OURS = Path(__file__).parents[3] / "shared" / "models"
SIGNING = re.compile(r'^"signing":"([^"]+)"', re.MULTILINE)
# The two operations of S3 that only a header tells apart from a put.
COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}


@dataclass(frozen=True)
class Route:
    """How one operation is recognised."""

    name: str
    method: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str | None], ...]
    weight: tuple[int, int]


def rest_action(service: str, request: web.BaseRequest) -> str | None:
    """The operation that this request calls, or None when no model has it."""
    for route in routes(service):
        if route.method == request.method and has_query(route, request) and route.path.fullmatch(request.path):
            return copied(route.name, request)
    return None


def copied(name: str, request: web.BaseRequest) -> str:
    """S3 copies look like puts but for one header."""
    return COPIES.get(name, name) if "x-amz-copy-source" in request.headers else name


def has_query(route: Route, request: web.BaseRequest) -> bool:
    """Whether the literal query parameters of the route (`?acl`, `?list-type=2`) are there."""
    return all(key in request.query and value in (None, request.query[key]) for key, value in route.query)


@cache
def routes(service: str) -> tuple[Route, ...]:
    """All routes of a service, the most specific first."""
    found = [route for model in models().get(service, [service]) for route in model_routes(model)]
    return tuple(sorted(found, key=lambda route: route.weight, reverse=True))


@cache
def models() -> dict[str, list[str]]:
    """Model names by signing name."""
    found: dict[str, list[str]] = {"es": ["es"]}
    for path in sorted(OURS.glob("*.json")):
        signing = SIGNING.search(path.read_text(encoding="utf-8"))
        found.setdefault(signing[1] if signing else path.stem, []).append(path.stem)
    return found


def model_routes(model: str) -> list[Route]:
    """The routes of one model; a service that botocore does not know has none."""
    try:
        operations = Loader().load_service_model(model, "service-2")["operations"]
    except UnknownServiceError:
        return []
    named = {name: operation["http"] for name, operation in operations.items() if "http" in operation}
    return [route(name, http) for name, http in named.items() if name not in COPIES.values()]


def route(name: str, http: dict[str, str]) -> Route:
    """`/2015-03-31/functions/{FunctionName}?x=y` as a pattern and its literal query."""
    path, _, query = http["requestUri"].partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    literal = tuple((key, value if sep else None) for key, sep, value in pairs)
    parts = [part_pattern(part) for part in re.split(r"(\{[^}]+\})", path)]
    fixed = len(re.sub(r"\{[^}]+\}", "", path))
    return Route(name, http["method"], re.compile("".join(parts) + "/?"), literal, (len(literal), fixed))


def part_pattern(part: str) -> str:
    """A label takes one path segment, a greedy label (`{Key+}`) takes the rest, anything else is literal."""
    if part.endswith("+}"):
        return ".+"
    return "[^/]+" if part.startswith("{") else re.escape(part)
