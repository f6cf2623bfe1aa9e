"""Reads CloudFormation's YAML as plain data, with every short function in its long form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

import yaml

INFRA = Path(__file__).resolve().parent.parent
ROOT = INFRA.parent
TEMPLATES = sorted(path.name for path in INFRA.glob("*.yaml"))

Resource = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """`!Ref X` becomes `{"Ref": "X"}`, `!GetAtt A.B` becomes `{"Fn::GetAtt": ["A", "B"]}`."""


def _function(loader: yaml.Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def load(name: str) -> dict[str, Any]:
    """A template of this directory."""
    return yaml.load((INFRA / name).read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)


def of_type(template: dict[str, Any], kind: str) -> dict[str, Resource]:
    """The resources of one type, with their properties, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def walk(value: Any) -> Iterator[Any]:
    """The value and everything inside it."""
    yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in inside:
        yield from walk(part)


def references(value: Any) -> set[str]:
    """The logical ids and parameters that a value speaks of: `Ref`, `Fn::GetAtt`, and names inside `Fn::Sub`."""
    found: set[str] = set()
    for part in walk(value):
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("Ref"), str):
            found.add(part["Ref"])
        if isinstance(part.get("Fn::GetAtt"), list):
            found.add(part["Fn::GetAtt"][0])
        text = part.get("Fn::Sub")
        text = text[0] if isinstance(text, list) else text
        if isinstance(text, str):
            found |= {name.split(".")[0] for name in re.findall(r"\$\{(?!!)([A-Za-z0-9:.]+)\}", text)}
    return {name for name in found if not name.startswith("AWS::")}


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Every statement of every policy inside a value."""
    for part in walk(value):
        if isinstance(part, dict) and "Statement" in part:
            for statement in listed(part["Statement"]):
                chosen = statement.get("Fn::If", [None, statement])[1:]
                yield from (one for one in chosen if "Effect" in one)


def listed(value: Any) -> list[Any]:
    """One or many, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]
