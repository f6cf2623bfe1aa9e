"""Which operations of AWS the code can name, and what that makes of the policies: `python infra/permissions.py`.

Every call names its service and its operation as text (`scope.call("ec2", "DescribeVpcs", …)`), or is a method of a typed
client in `shared/src/aws`. So the operations that a source file can ask for stand in it. `permissions.toml` says which
statement of which policy is for which files; this module reads the files and writes the statements' `Action`. Resources and
conditions stay in the templates, by hand.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Iterator

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from tests.templates import listed, load, references, statements as statements_of  # noqa: E402

SOURCES = HERE.parent / "shared/src"
MODELS = HERE.parent / "shared/models"
WIDTH = 120

# Strings and comments of Rust, so that what looks like one inside the other is not taken for it.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|r(#*)".*?"\1|"(?:\\.|[^"\\])*"|\'(?:\\.[^\']*|[^\'\\])\'', re.DOTALL)
TESTS = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([a-z]+\))?\s+)?mod (\w+)\s*([;{])")
TEXT = re.compile(r'"([A-Za-z0-9-]+)"')
METHOD = re.compile(r"\bclient\s*\.\s*([a-z_]+)\(\)")


class Problem(Exception):
    """The code and `permissions.toml` do not fit together; the message says where and what to do."""


@dataclass(frozen=True)
class Declared:
    """`permissions.toml`."""

    prefixes: dict[str, str]
    renamed: dict[str, str]
    needs: dict[str, list[str]]
    services: dict[str, list[str]]
    elsewhere: dict[str, list[str]]
    statements: dict[str, dict[str, dict[str, list[str] | str]]]


@dataclass
class Named:
    """What one source file names."""

    operations: set[str] = field(default_factory=set)
    # Names of operations whose service the file does not name: an event's name, or a call by way of another file.
    strays: set[str] = field(default_factory=set)


@cache
def declared() -> Declared:
    """What `permissions.toml` says."""
    told = tomllib.loads((HERE / "permissions.toml").read_text(encoding="utf-8"))
    renamed = {operation: action for table in told["renamed"].values() for operation, action in table.items()}
    needs = {action: one["actions"] for action, one in told["needs"].items()}
    elsewhere = {why: one["code"] for why, one in told["elsewhere"].items()}
    return Declared(told["prefixes"], renamed, needs, told["services"], elsewhere, told["statements"])


@cache
def operations() -> dict[str, frozenset[str]]:
    """Every operation that the model-driven client knows, by service."""
    told = tomllib.loads((MODELS / "operations.toml").read_text(encoding="utf-8"))
    return {service: frozenset(names.split()) for service, names in told.items()}


@cache
def code() -> dict[str, Named]:
    """What each source file names, tests left out; by its path below `shared/src`, without `.rs`."""
    tests = set(test_files())
    found = {}
    for path in sorted(SOURCES.rglob("*.rs")):
        if path.stem.endswith("_tests") or not tests.isdisjoint((path, *path.parents)):
            continue
        name = path.relative_to(SOURCES).with_suffix("").as_posix()
        named = read(name, without_tests(path.read_text(encoding="utf-8")))
        if named.operations or named.strays:
            found[name] = named
    return found


def test_files() -> Iterator[Path]:
    """The files and directories of modules that are there in tests only."""
    for path in SOURCES.rglob("*.rs"):
        base = path.parent if path.stem in ("mod", "lib") else path.with_suffix("")
        for module, end in TESTS.findall(path.read_text(encoding="utf-8")):
            if end == ";":
                yield from (base / f"{module}.rs", base / module)


def without_tests(text: str) -> str:
    """A file up to its tests, which stand at its end, and without comments."""
    text = TOKEN.sub(lambda token: "" if token[0].startswith(("//", "/*")) else token[0], text)
    inside = next((match for match in TESTS.finditer(text) if match[2] == "{"), None)
    return text[: inside.start()] if inside else text


def read(name: str, text: str) -> Named:
    """The operations of the services that a file names, and the methods of its typed client."""
    texts = set(TEXT.findall(text))
    known = operations()
    services = (texts & known.keys()) | set(listed_services(name))
    found = {f"{service}:{operation}" for service in services for operation in known.get(service, frozenset()) & texts
             if service in beside(text, operation, services)}
    if name.startswith("aws/"):
        service = name.removeprefix("aws/")
        found |= {f"{service}:{camel(method)}" for method in METHOD.findall(text)}
    here = {operation.partition(":")[2] for operation in found}
    return Named(found, {one for one in texts - here if any(one in names for names in known.values())})


def beside(text: str, operation: str, services: set[str]) -> set[str]:
    """The services that an operation may be of: those beside it, where one stands beside it each time."""
    pairs = re.findall(rf'"([a-z0-9-]+)",\s*"{operation}"', text)
    return set(pairs) if len(pairs) == text.count(f'"{operation}"') else services


def listed_services(name: str) -> list[str]:
    """The services of a file's calls, where the file leaves naming them to another."""
    return declared().services.get(name, [])


def camel(method: str) -> str:
    """`get_item` is `GetItem`."""
    return "".join(part.capitalize() for part in method.split("_"))


def action(operation: str) -> str:
    """What IAM calls an operation; empty where everybody may call it."""
    service, _, name = operation.partition(":")
    told = declared()
    return told.renamed.get(operation, f"{told.prefixes.get(service, service)}:{name}")


def selected(selector: str) -> set[str]:
    """The operations that `path` or `path: Operation Operation` stands for."""
    path, _, only = selector.partition(":")
    files = [named for name, named in code().items() if name == path or name.startswith(f"{path}/")]
    there = {operation for named in files for operation in named.operations}
    if not there:
        raise Problem(f"permissions.toml: `{path}` names no operation; strike it out")
    if not only:
        return there
    wanted = set(only.split())
    chosen = {operation for operation in there if operation.partition(":")[2] in wanted}
    gone = wanted - {operation.partition(":")[2] for operation in chosen}
    if gone:
        raise Problem(f"permissions.toml: `{path}` does not name {', '.join(sorted(gone))} any more; strike it out")
    return chosen


def needed_by(selector: str) -> set[str]:
    """What AWS asks for besides an action: `action`, or `action: what of it`."""
    service, name, *only = selector.split(":", 2)
    needs = declared().needs.get(f"{service}:{name}")
    if needs is None:
        raise Problem(f"permissions.toml: [needs] says nothing of `{service}:{name}`")
    return set(only[0].split()) if only else set(needs)


def statement(selectors: list[str]) -> list[str]:
    """The actions of a statement."""
    found: set[str] = set()
    for selector in selectors:
        if selector.startswith("needed by "):
            found |= needed_by(selector.removeprefix("needed by "))
        else:
            found |= {action(operation) for operation in selected(selector)}
    return sorted(found - {""})


@cache
def statements() -> dict[tuple[str, str, str], list[str]]:
    """The actions of every statement that follows from the code: by template, resource and `Sid`."""
    found = {}
    for template, resources in declared().statements.items():
        for resource, sids in resources.items():
            for sid, selectors in sids.items():
                if isinstance(selectors, str):
                    selectors = declared().statements["template.yaml"][resource_of(selectors)][selectors.split(".")[1]]
                found[template, resource, sid] = statement(listed(selectors))
    return said_once(found)


def said_once(wanted: dict[tuple[str, str, str], list[str]]) -> dict[tuple[str, str, str], list[str]]:
    """No statement repeats what another one of the same role allows on every resource."""
    found = {}
    for key, actions in wanted.items():
        elsewhere = {one for other in before(key, list(wanted)) for one in wanted[other]}
        found[key] = [one for one in actions if one not in elsewhere]
        if not found[key]:
            raise Problem(f"permissions.toml: {'.'.join(key[1:])} allows nothing that the role is not allowed already")
    return found


def before(key: tuple[str, str, str], keys: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The statements that stand for their actions first: of the same role, on every resource, and listed earlier or wider."""
    template, resource, _ = key
    together = same_role(template, resource)
    wide = [other for other in keys if other[0] == template and other[1] in together and other != key and is_wide(other)]
    return [other for other in wide if not is_wide(key) or keys.index(other) < keys.index(key)]


def same_role(template: str, resource: str) -> set[str]:
    """A resource with statements, and the managed policies that its role has besides."""
    resources = load_once(template)["Resources"]
    if template == "member.yaml":
        return references(resources["MemberRole"]["Properties"]["ManagedPolicyArns"][:2])
    return {resource} | attached(resources[resource]["Properties"])


def attached(properties: dict[str, Any]) -> set[str]:
    """The managed policies of the template that a function's role has."""
    return references([one for one in listed(properties.get("Policies")) if "Ref" in one])


def is_wide(key: tuple[str, str, str]) -> bool:
    """Whether a statement is about every resource, on no condition."""
    template, resource, sid = key
    found = next((one for one in statements_of(load_once(template)["Resources"][resource]) if one.get("Sid") == sid), None)
    if found is None:
        raise Problem(f"{template}: {resource} has no statement {sid}")
    return found.get("Resource") == "*" and "Condition" not in found


@cache
def load_once(template: str) -> dict[str, Any]:
    """A template, read once."""
    return load(template)


def resource_of(reference: str) -> str:
    """`AccountBaseline.KeepTheHomeAccount` is a statement of `AccountBaseline`."""
    return reference.split(".")[0]


def written(template: str, text: str) -> str:
    """A template whose statements have the actions that follow from the code."""
    lines = text.split("\n")
    for (where, resource, sid), actions in statements().items():
        if where == template:
            replace(lines, template, resource, sid, actions)
    return "\n".join(lines)


def replace(lines: list[str], template: str, resource: str, sid: str, actions: list[str]) -> None:
    """Puts the actions into one statement."""
    start = find(lines, f"  {resource}:", 0, len(lines), f"{template} has no resource {resource}")
    others = (n for n in range(start + 1, len(lines)) if re.match(r" {0,2}\S", lines[n]) and not lines[n].startswith("  #"))
    end = next(others, len(lines))
    at = find(lines, f"- Sid: {sid}", start, end, f"{template}: {resource} has no statement {sid}")
    begin = next((n for n in range(at, end) if lines[n].lstrip().startswith("Action:")), None)
    if begin is None:
        raise Problem(f"{template}: the statement {sid} of {resource} has no Action")
    indent = lines[begin][: len(lines[begin]) - len(lines[begin].lstrip())]
    stop = begin + 1
    while lines[stop].startswith(f"{indent}  "):
        stop += 1
    lines[begin:stop] = laid_out(indent, actions)


def find(lines: list[str], wanted: str, start: int, end: int, otherwise: str) -> int:
    """The line that says this and nothing else."""
    exact = wanted.startswith("  ")
    for n in range(start, end):
        if lines[n] == wanted if exact else lines[n].strip() == wanted:
            return n
    raise Problem(otherwise)


def laid_out(indent: str, actions: list[str]) -> list[str]:
    """One action, a few on a line, or many below each other."""
    if len(actions) == 1:
        return [f"{indent}Action: {actions[0]}"]
    line = f"{indent}Action: [{', '.join(actions)}]"
    if len(actions) <= 4 and len(line) <= WIDTH:
        return [line]
    return [f"{indent}Action:", *(f"{indent}  - {one}" for one in actions)]


def problems() -> list[str]:
    """What the code names and no statement is for, and the other way round."""
    told = declared()
    used = [one for resources in told.statements.values() for sids in resources.values() for many in sids.values()
            if isinstance(many, list) for one in many if not one.startswith("needed by ")]
    excused = [one for many in told.elsewhere.values() for one in many]
    claimed = [(selector.partition(":")[0], set(selector.partition(":")[2].split())) for selector in used + excused]
    found = []
    for name, named in code().items():
        mine = [only for path, only in claimed if name == path or name.startswith(f"{path}/")]
        for operation in sorted(filter(action, named.operations)):
            if not any(not only or operation.partition(":")[2] in only for only in mine):
                found.append(f"shared/src/{name}.rs names {operation}, and permissions.toml has no statement for it")
        for stray in sorted(named.strays):
            if not any(stray in only for only in mine) and name not in excused:
                found.append(f"shared/src/{name}.rs names {stray} of a service that it does not name: [services] or "
                             "[elsewhere] of permissions.toml has to say why")
    return found + stale(excused)


def stale(excused: list[str]) -> list[str]:
    """What `[elsewhere]` excuses and is not there any more."""
    found = []
    for selector in excused:
        path, _, only = selector.partition(":")
        files = [named for name, named in code().items() if name == path or name.startswith(f"{path}/")]
        there = {one.partition(":")[2] for named in files for one in named.operations} | {
            one for named in files for one in named.strays}
        gone = set(only.split()) - there
        if not files or gone:
            found.append(f"permissions.toml: [elsewhere] excuses `{selector}`, of which nothing is left: strike it out")
    return found


def main() -> int:
    """Writes the templates; the exit code is 1 when code and file do not fit together."""
    for problem in (found := problems()):
        print(problem, file=sys.stderr)
    if found:
        return 1
    for template in declared().statements:
        path = HERE / template
        text = path.read_text(encoding="utf-8")
        path.write_text(written(template, text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Problem as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
