"""Cuts AWS's service models, as botocore ships them, down to the operations that Forester names.

Reads `operations.toml` beside this file and writes one `<service>.json` a service; `--check` writes nothing and exits
with 1 when a file is stale; where each service is offered goes to `../catalogue/offered.json`, and the words that the
states in the catalogue's conditions can have to `../catalogue/states.json`. The output is a function of that list, of the
catalogue and of botocore's version alone: names are sorted, documentation, enums and constraints are dropped, and
endpoints are evaluated from the rule sets into a table.

The format is read by `shared/src/aws/api/model.rs`, which also explains the short keys.
"""

import argparse
import gzip
import json
import pathlib
import re
import sys
import tomllib

import botocore
import botocore.endpoint_provider
import botocore.exceptions
import botocore.session

HERE = pathlib.Path(__file__).parent
OFFERED = HERE.parent / "catalogue" / "offered.json"
STATES = HERE.parent / "catalogue" / "states.json"
BOTOCORE = "1.43.106"

# In order of preference where a service speaks several. CBOR is left out on purpose; query comes before JSON because
# a service that lists CBOR first (CloudWatch) spoke query for a decade, so everything that imitates it does too.
PROTOCOLS = ["rest-json", "rest-xml", "ec2", "query", "json"]

SCALARS = {
    "string": "s",
    "character": "s",
    "integer": "i",
    "long": "i",
    "float": "f",
    "double": "f",
    "boolean": "b",
    "blob": "x",
    "timestamp": "t",
}
LOCATIONS = {"uri", "querystring", "header", "headers", "statusCode"}

# What a rule set may ask for besides the region. Accelerate, Outposts, access points, FIPS and dual stack are not in
# the table; host prefixes are added by the client, from the operation.
KNOBS = {"UseFIPS": False, "UseDualStack": False, "UseGlobalEndpoint": False}


class Refused(Exception):
    """The list asks for something that the client cannot do."""


class Service:
    """One service's model, while it is being cut."""

    def __init__(self, loader, name, operations):
        self.name = name
        try:
            self.model = loader.load_service_model(name, "service-2")
        except botocore.exceptions.UnknownServiceError:
            raise Refused(f"{name}: botocore knows no such service") from None
        self.paginators = self.load_paginators(loader)
        self.rules = loader.load_service_model(name, "endpoint-rule-set-1")
        self.partitions = loader.load_data("partitions")
        self.operations = sorted(set(operations))
        self.shapes = {}

    def load_paginators(self, loader):
        try:
            return loader.load_service_model(self.name, "paginators-1")["pagination"]
        except botocore.exceptions.UnknownServiceError:
            return {}

    # --- the service as a whole

    def compact(self):
        meta = self.model["metadata"]
        operations = {name: self.operation(name) for name in self.operations}
        head = {
            "service": self.name,
            "id": meta["serviceId"],
            "protocol": self.protocol(),
            "version": meta["apiVersion"],
            "signing": meta.get("signingName", meta["endpointPrefix"]),
        }
        if head["protocol"] == "json":
            head["json"] = meta["jsonVersion"]
            head["target"] = meta["targetPrefix"]
        if "awsQueryCompatible" in meta and head["protocol"] == "json":
            head["query_compatible"] = True
        return {
            **head,
            "endpoints": self.endpoints(),
            "operations": operations,
            "shapes": {name: self.shapes[name] for name in sorted(self.shapes)},
        }

    def protocol(self):
        meta = self.model["metadata"]
        offered = meta.get("protocols", [meta["protocol"]])
        for protocol in PROTOCOLS:
            if protocol in offered:
                return protocol
        raise Refused(f"{self.name}: speaks {', '.join(offered)} and nothing else")

    # --- endpoints

    def endpoints(self):
        table = {}
        provider = botocore.endpoint_provider.EndpointProvider(self.rules, self.partitions)
        for partition in self.partitions["partitions"]:
            regions = [r for r in sorted(partition["regions"]) if not r.endswith("-global")]
            table[partition["id"]] = self.fold({r: self.endpoint(provider, r) for r in regions})
        return table

    def endpoint(self, provider, region):
        known = self.rules["parameters"]
        params = {name: value for name, value in KNOBS.items() if name in known} | self.context(known)
        found = provider.resolve_endpoint(Region=region, **params)
        url = found.url.removeprefix("https://").removesuffix("/")
        if "/" in url or ":" in url:
            raise Refused(f"{self.name}: the endpoint of {region} is more than a host: {found.url}")
        schemes = [s for s in found.properties.get("authSchemes", []) if s["name"] == "sigv4"]
        scheme = schemes[0] if schemes else {}
        if scheme.get("signingName", self.signing()) != self.signing():
            raise Refused(f"{self.name}: signs as {scheme['signingName']} in {region}")
        return url, scheme.get("signingRegion", region)

    def context(self, known):
        """What the operations tell the rule set about themselves and it cannot do without; one endpoint a service."""
        given = {}
        for name in self.operations:
            for knob, static in self.model["operations"].get(name, {}).get("staticContextParams", {}).items():
                if known[knob].get("required"):
                    given.setdefault(knob, set()).add(static["value"])
        if any(len(values) > 1 for values in given.values()):
            raise Refused(f"{self.name}: the operations named live at different endpoints")
        return {knob: values.pop() for knob, values in given.items()}

    def signing(self):
        meta = self.model["metadata"]
        return meta.get("signingName", meta["endpointPrefix"])

    @staticmethod
    def fold(by_region):
        """The one entry that holds in most regions of a partition, and those where another does."""

        def template(region):
            host, signing = by_region[region]
            entry = {"host": re.sub(rf"(?<![a-z0-9-]){region}(?![a-z0-9-])", "{region}", host)}
            return entry if signing == region and entry["host"] != host else {"host": host, "region": signing}

        def holds(entry, region):
            return by_region[region] == (entry["host"].replace("{region}", region), entry.get("region", region))

        entries = [template(region) for region in by_region]
        common = max(entries, key=lambda entry: sum(holds(entry, region) for region in by_region))
        odd = {region: template(region) for region in by_region if not holds(common, region)}
        return {**common, "except": odd} if odd else common

    # --- operations

    def operation(self, name):
        operation = self.model["operations"].get(name)
        if operation is None:
            raise Refused(f"{self.name}: no operation {name}")
        if operation.get("authtype", "v4").startswith("none") or "smithy.api#noAuth" in operation.get("auth", []):
            raise Refused(f"{self.name}:{name} is not signed")
        out = {"method": operation["http"]["method"], "uri": operation["http"]["requestUri"]}
        if "input" in operation:
            out["input"] = self.input(operation)
        if "output" in operation:
            out["output"] = self.shape(operation["output"]["shape"])[1:]
            if "resultWrapper" in operation["output"] and self.protocol() == "query":
                out["wrapper"] = operation["output"]["resultWrapper"]
        if "hostPrefix" in operation.get("endpoint", {}):
            out["host_prefix"] = operation["endpoint"]["hostPrefix"]
        if checksum := self.checksum(operation):
            out["checksum"] = checksum
        if page := self.page(name):
            out["page"] = page
        return out

    def input(self, operation):
        """The input shape; rest-xml roots may carry their element name and namespace on the reference."""
        name = self.shape(operation["input"]["shape"])[1:]
        root = {}
        if "locationName" in operation["input"]:
            root["n"] = operation["input"]["locationName"]
        if "xmlNamespace" in operation["input"]:
            root["ns"] = self.namespace(operation["input"]["xmlNamespace"])
        if root:
            self.shapes[name] = {**self.shapes[name], **root}
        return name

    @staticmethod
    def checksum(operation):
        """How the body is summed: `crc32` where the service takes a choice of algorithms, `md5` where it does not."""
        checksum = operation.get("httpChecksum", {})
        if checksum.get("requestAlgorithmMember"):
            return {"algorithm": "crc32", "member": checksum["requestAlgorithmMember"]}
        if checksum.get("requestChecksumRequired") or operation.get("httpChecksumRequired"):
            return {"algorithm": "md5"}
        return None

    def page(self, name):
        paginator = self.paginators.get(name)
        if paginator is None:
            return None
        page = {
            "in": as_list(paginator["input_token"]),
            "out": as_list(paginator["output_token"]),
            "results": as_list(paginator.get("result_key", [])),
        }
        if "more_results" in paginator:
            page["more"] = paginator["more_results"]
        for path in [*page["out"], *page["results"], page.get("more", "x")]:
            if not re.fullmatch(r"[\w.]+( \|\| [\w.]+(\[-1\]\.\w+)?)*", path):
                raise Refused(f"{self.name}:{name}: the paginator's path `{path}` is not understood")
        return page

    # --- shapes

    def shape(self, name):
        """A type: a letter for a scalar, `#Name` for anything with an inside, which is added to the table."""
        shape = self.model["shapes"][name]
        kind = shape["type"]
        if shape.get("document"):
            return "j"
        if kind in SCALARS:
            return SCALARS[kind]
        if name not in self.shapes:
            self.shapes[name] = None
            self.shapes[name] = getattr(self, "compact_" + kind)(name, shape)
        return "#" + name

    def compact_structure(self, name, shape):
        if shape.get("eventstream"):
            raise Refused(f"{self.name}: {name} is an event stream")
        members = {member: self.reference(ref) for member, ref in shape.get("members", {}).items()}
        for member in shape.get("required", []):
            if isinstance(members[member], str):
                members[member] = {"t": members[member]}
            members[member]["req"] = True
        out = {"k": "s", "m": members}
        if "payload" in shape:
            out["payload"] = shape["payload"]
        if "locationName" in shape:
            out["n"] = shape["locationName"]
        if "xmlNamespace" in shape:
            out["ns"] = self.namespace(shape["xmlNamespace"])
        if shape.get("union"):
            out["u"] = True
        return out

    def compact_list(self, _, shape):
        out = {"k": "l", "e": self.reference(shape["member"])}
        return {**out, "flat": True} if shape.get("flattened") else out

    def compact_map(self, _, shape):
        out = {"k": "m", "key": self.reference(shape["key"]), "e": self.reference(shape["value"])}
        return {**out, "flat": True} if shape.get("flattened") else out

    def reference(self, ref):
        """A member: its type, or an object when it has traits; those of the shape count where it has none itself."""
        traits = {**self.model["shapes"][ref["shape"]], **ref}
        if traits.get("jsonvalue"):
            raise Refused(f"{self.name}: {ref['shape']} is JSON inside a header")
        out = {"t": self.shape(ref["shape"])}
        if "locationName" in traits:
            out["n"] = traits["locationName"]
        if traits.get("location") in LOCATIONS:
            out["at"] = traits["location"]
        if "timestampFormat" in traits:
            out["f"] = traits["timestampFormat"]
        if "queryName" in traits:
            out["q"] = traits["queryName"]
        if ref.get("flattened"):
            out["flat"] = True
        if traits.get("xmlAttribute"):
            out["attr"] = True
        if "xmlNamespace" in traits:
            out["ns"] = self.namespace(traits["xmlNamespace"])
        if traits.get("idempotencyToken"):
            out["token"] = True
        if traits.get("hostLabel"):
            out["label"] = True
        return out["t"] if len(out) == 1 else out

    @staticmethod
    def namespace(trait):
        """`uri`, or `prefix uri`."""
        if isinstance(trait, str):
            return trait
        return f"{trait['prefix']} {trait['uri']}" if trait.get("prefix") else trait["uri"]


def as_list(value):
    return value if isinstance(value, list) else [value]


def offered(loader):
    """The regions in which each service is known to be, by partition: `` all, `+a b` only these, `-a b` all but these.

    Says nothing about regions and services that are newer than the data."""
    table = {}
    names = {name: loader.load_service_model(name, "service-2")["metadata"] for name in services(loader)}
    for partition in loader.load_data("endpoints")["partitions"]:
        regions, known = sorted(partition["regions"]), {}
        for name, meta in names.items():
            service = partition["services"].get(meta["endpointPrefix"])
            if service is None:
                continue
            there = {region for region in regions if region in service["endpoints"]}
            if not service.get("isRegionalized", True):
                there = set(regions)
            absent = sorted(set(regions) - there)
            if there:
                known[name] = min("+" + " ".join(sorted(there)), "-" * bool(absent) + " ".join(absent), key=len)
        table[partition["partition"]] = {"regions": " ".join(regions), "services": known}
    inside = ",\n".join(
        f'{compact(id)}:{{"regions":{compact(of["regions"])},"services":{{\n'
        + ",\n".join(f"{compact(k)}:{compact(v)}" for k, v in of["services"].items())
        + "\n}}"
        for id, of in table.items()
    )
    return "{\n" + inside + "\n}\n"


def states(loader, files):
    """The words of each member that a condition of the catalogue asks about, where the model tells them."""
    table = {}
    for entry in sorted(STATES.parent.glob("*.toml")):
        wanted = set(conditions(tomllib.loads(entry.read_text())))
        cut = json.loads(files.get(f"{entry.stem}.json", '{"shapes":{}}'))["shapes"]
        if not wanted or not cut:
            continue
        shapes = loader.load_service_model(entry.stem, "service-2")["shapes"]
        found = {}
        for name in sorted(cut):
            if name.endswith(("Request", "Input")):
                continue
            members = shapes[name].get("members", {}) if shapes[name]["type"] == "structure" else {}
            for member in sorted(wanted & members.keys()):
                shape = shapes[members[member]["shape"]]
                if shape["type"] == "list":
                    shape = shapes[shape["member"]["shape"]]
                if "enum" in shape:
                    found[f"{name}.{member}"] = sorted(shape["enum"])
        if found:
            table[entry.stem] = found
    return "{\n" + ",\n".join(f"{compact(name)}:{{\n{lines(found)}\n}}" for name, found in table.items()) + "\n}\n"


def conditions(entry):
    """The last name of every path that is compared with words."""
    if isinstance(entry, list):
        for inner in entry:
            yield from conditions(inner)
    elif isinstance(entry, dict):
        if "path" in entry and ("is" in entry or "like" in entry):
            yield re.sub(r"\W.*", "", entry["path"].split(".")[-1])
        for inner in entry.values():
            yield from conditions(inner)


def lines(table):
    return ",\n".join(f"{compact(key)}:{compact(value)}" for key, value in table.items())


def services(loader):
    return sorted(loader.list_available_services("service-2"))


def written(model):
    """JSON with an operation and a shape to a line, so that a change shows as the lines it is about."""
    lines = []
    for key, value in model.items():
        if key in ("operations", "shapes", "endpoints"):
            inside = ",\n".join(f"{compact(k)}:{compact(v)}" for k, v in value.items())
            lines.append(f"{compact(key)}:{{\n{inside}\n}}")
        else:
            lines.append(f"{compact(key)}:{compact(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def generate():
    loader = botocore.session.Session().get_component("data_loader")
    wanted = tomllib.loads((HERE / "operations.toml").read_text())
    files, refusals = {}, []
    for name, operations in sorted(wanted.items()):
        try:
            files[f"{name}.json"] = written(Service(loader, name, operations.split()).compact())
        except Refused as refusal:
            refusals.append(str(refusal))
    if refusals:
        sys.exit("operations.toml cannot be followed:\n  " + "\n  ".join(refusals))
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 and name what is stale")
    check = parser.parse_args().check
    if botocore.__version__ != BOTOCORE:
        sys.exit(f"botocore {BOTOCORE} is needed, {botocore.__version__} is installed: pip install botocore=={BOTOCORE}")
    files = generate()
    present = {path.name: path.read_text() for path in HERE.glob("*.json")}
    stale = sorted(name for name in files.keys() | present.keys() if files.get(name) != present.get(name))
    loader = botocore.session.Session().get_component("data_loader")
    beside = {OFFERED: offered(loader), STATES: states(loader, files)}
    late = [path for path, text in beside.items() if not path.exists() or path.read_text() != text]
    for path in [] if check else late:
        path.write_text(beside[path])
    if not check:
        for name in stale:
            (HERE / name).write_text(files[name]) if name in files else (HERE / name).unlink()
    models = list(files.values())
    size = sum(len(text) for text in models)
    packed = len(gzip.compress("".join(models).encode(), mtime=0))
    operations = sum(len(json.loads(text)["operations"]) for text in models)
    print(f"models: {len(models)} services, {operations} operations, {size:,} bytes ({packed:,} packed)")
    verb = "stale" if check else "written"
    stale += [path.name for path in late]
    print("\n".join(f"{verb}: {name}" for name in stale) or "all current")
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
