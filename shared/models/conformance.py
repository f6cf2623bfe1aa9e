"""Compares the model-driven client with botocore on random inputs and answers, over all operations in the list.

For each operation both serialize the same random parameters and parse the same random answer; requests are compared as
a service would read them (decoded query strings and forms, parsed JSON and XML), answers as values. A few requests are
then really signed and sent to a server on the loopback, where botocore signs them again.

    cargo xtask conformance [--count N] [--seed S]      N random inputs, the operations taken in turn
"""

import argparse
import base64
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import tomllib
import urllib.parse
import xml.etree.ElementTree as ElementTree

import botocore.awsrequest
import botocore.parsers
import botocore.serialize
import botocore.session

sys.dont_write_bytecode = True

import answers  # noqa: E402
import signatures  # noqa: E402

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent

# Content types that no service tells apart: botocore sends none with XML, ours sends what the official SDKs send.
TYPES = {("", "application/xml"), ("", "application/octet-stream"), ("", "text/plain")}


# Ids that lose a leading path on their way out; in botocore a handler does that, not the serializer.
PLAIN = {"ResourceId", "DelegationSetId", "ChangeId"}


class Generator:
    """Random values for shapes, as botocore takes them."""

    def __init__(self, rng):
        self.rng = rng

    def structure(self, shape, depth, must=()):
        union = getattr(shape, "is_tagged_union", False)
        names = [self.rng.choice(list(shape.members))] if union and shape.members else list(shape.members)
        out = {}
        for name in names:
            member = shape.members[name]
            needed = union or name in shape.required_members or name in must or "idempotencyToken" in member.metadata
            needed = needed or member.serialization.get("location") == "uri"
            if needed or (depth < 6 and self.rng.random() < (0.6 if depth < 3 else 0.25)):
                out[name] = self.value(member, depth + 1)
        return out

    def value(self, shape, depth):
        if getattr(shape, "is_document_type", False):
            return {"any": [1, "two", None, True]}
        return getattr(self, "a_" + shape.type_name)(shape, depth)

    def a_structure(self, shape, depth):
        return self.structure(shape, depth)

    def a_list(self, shape, depth):
        located = shape.serialization.get("location")
        least = 1 if located else 0
        return [self.value(shape.member, depth + 1) for _ in range(self.rng.randint(least, 2 if depth < 5 else least))]

    def a_map(self, shape, depth):
        keys = [f"key-{n}" for n in range(self.rng.randint(0, 2 if depth < 5 else 0))]
        return {key: self.value(shape.value, depth + 1) for key in keys}

    def a_string(self, shape, _):
        plain = shape.serialization.get("location") in ("header", "headers") or shape.serialization.get("hostLabel")
        if plain or shape.name in PLAIN:
            return "".join(self.rng.choice("abcxyz0189") for _ in range(self.rng.randint(3, 12)))
        letters = "abcXYZ019 -_.~/+=&?#%:@!*'(),;<>\"[]{}|\\^`äß日本\t"
        return "a" + "".join(self.rng.choice(letters) for _ in range(self.rng.randint(0, 12))) + "z"

    a_character = a_string

    def a_integer(self, _, __):
        return self.rng.choice([0, 1, -1, 60, 2**31 - 1, self.rng.randint(0, 10**6)])

    def a_long(self, _, __):
        return self.rng.choice([0, 1, 2**53 + 1, -(2**62), self.rng.randint(0, 10**12)])

    def a_float(self, _, __):
        return self.rng.choice([0.5, 1.25, -3.75, 100.0, 0.1, 1e-3])

    a_double = a_float

    def a_boolean(self, _, __):
        return self.rng.random() < 0.5

    def a_blob(self, _, __):
        return bytes(self.rng.randrange(32, 127) for _ in range(self.rng.randint(0, 9)))

    def a_timestamp(self, shape, _):
        seconds = self.rng.randint(0, 2**31)
        whole = shape.serialization.get("location") == "header" or shape.serialization.get("timestampFormat") == "rfc822"
        micros = 0 if whole else self.rng.choice([0, 0, 123000, 500000, 987654])
        start = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return start + datetime.timedelta(seconds=seconds, microseconds=micros)


def as_json(value):
    """Our convention: blobs in base64, timestamps in RFC 3339."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    return value


def same(one, two):
    """Equal values; timestamps as moments, however many zeros they carry."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two or moment(one) == moment(two) is not None


def moment(text):
    try:
        return datetime.datetime.fromisoformat(text) if isinstance(text, str) and "T" in text else None
    except ValueError:
        return None


# --- requests


def expected(model, operation, protocol, params):
    """What botocore would send, in the form in which a service would read it."""
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    request = serializer.serialize_to_request(params, operation)
    prefix = request.pop("host_prefix", None) or ""
    botocore.awsrequest.prepare_request_dict(request, endpoint_url="https://host")
    url = urllib.parse.urlsplit(request["url"])
    body = request["body"]
    if isinstance(body, dict):
        body = urllib.parse.urlencode(body).encode()
    body = body.read() if hasattr(body, "read") else body
    headers = {name.lower(): str(value) for name, value in request["headers"].items()}
    return read(request["method"], url.path, url.query, headers, body, protocol, prefix)


def sent(line, protocol):
    query = "&".join(key if value is None else f"{key}={value}" for key, value in line["query"])
    headers = dict(map(tuple, line["headers"]))
    return read(
        line["method"], line["path"], query, headers, base64.b64decode(line["body"]), protocol, line["host_prefix"]
    )


def read(method, path, query, headers, body, protocol, prefix):
    kind = headers.pop("content-type", "")
    headers.pop("user-agent", None)
    return {
        "method": method,
        "path": path,
        "query": sorted(urllib.parse.parse_qsl(query, keep_blank_values=True)),
        "headers": headers,
        "type": kind,
        "body": body_of(body, protocol, kind),
        "host_prefix": prefix,
    }


def body_of(body, protocol, kind):
    if protocol in ("query", "ec2"):
        return sorted(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    try:
        if body.startswith(b"<"):
            return tree(ElementTree.fromstring(body))
        return json.loads(body) if "json" in kind else body
    except (ValueError, ElementTree.ParseError):
        return body


def tree(element):
    text = element.text or ""
    return (element.tag, sorted(element.attrib.items()), text, [tree(child) for child in element])


# --- the run


class Run:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.generator = Generator(self.rng)
        session = botocore.session.Session()
        self.models = {}
        self.protocols = {}
        wanted = tomllib.loads((HERE / "operations.toml").read_text())
        for name in wanted:
            self.models[name] = session.get_service_model(name)
            self.protocols[name] = json.loads((HERE / f"{name}.json").read_text())["protocol"]
        self.operations = [(name, operation) for name, list_ in wanted.items() for operation in list_.split()]

    def cases(self, count):
        """Lines for our side, and for each a check of its answer."""
        for n in range(count):
            if n % len(self.operations) == 0:
                self.rng.shuffle(self.operations)
            name, operation_name = self.operations[n % len(self.operations)]
            operation = self.models[name].operation_model(operation_name)
            yield self.request(name, operation)
            if operation_name != "GetBucketLocation":
                yield self.answer(name, operation)

    def request(self, name, operation):
        protocol = self.protocols[name]
        params = self.generator.structure(operation.input_shape, 0) if operation.input_shape else {}
        line = {"service": name, "operation": operation.name, "params": as_json(params)}

        def check(found):
            if "error" in found:
                return "serializer", found["error"]
            ours, theirs = sent(found, protocol), expected(self.models[name], operation, protocol, params)
            ours_type, theirs_type = ours.pop("type"), theirs.pop("type")
            wrong = [f"{key}: {ours[key]!r} and not {theirs[key]!r}" for key in theirs if ours[key] != theirs[key]]
            if wrong:
                return "serializer", "; ".join(wrong)
            if ours_type != theirs_type:
                return ("type" if (theirs_type, ours_type) in TYPES else "serializer"), f"{ours_type} {theirs_type}"
            return None

        return "serializer", line, check

    def answer(self, name, operation):
        protocol = self.protocols[name]
        value = self.generator.structure(operation.output_shape, 0) if operation.output_shape else {}
        response = answers.response(operation, protocol, value, self.rng)
        line = {"service": name, "operation": operation.name, **response}
        line["body"] = base64.b64encode(response["body"]).decode()

        def check(found):
            parser = botocore.parsers.create_parser(protocol)
            headers = botocore.awsrequest.HeadersDict(response["headers"])
            given = {"status_code": response["status"], "headers": headers, "body": response["body"]}
            parsed = parser.parse(given, operation.output_shape)
            parsed.pop("ResponseMetadata", None)
            theirs = as_json(answers.payload_as_bytes(operation, parsed))
            if "error" in found:
                return "parser", found["error"]
            ours = found["output"]
            return None if same(ours, theirs) else ("parser", f"{ours} and not {theirs}")

        return "parser", line, check


def programs():
    """Where the two examples are that stand for our side."""
    if "FORESTER_BIN_DIR" not in os.environ:
        sys.exit("FORESTER_BIN_DIR is not set: run this through `cargo xtask conformance`, which builds what it needs")
    return pathlib.Path(os.environ["FORESTER_BIN_DIR"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5000, help="random inputs (5000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same inputs (1)")
    given = parser.parse_args()
    ours = programs()
    cases = list(Run(given.seed).cases(given.count))
    lines = "".join(json.dumps(line) + "\n" for _, line, _ in cases)
    done = subprocess.run([ours / "conformance"], input=lines.encode(), capture_output=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    tally = {"serializer": [0, 0], "parser": [0, 0]}
    types, failures = 0, []
    for (kind, line, check), answer in zip(cases, found, strict=True):
        wrong = check(answer)
        tally[kind][1] += 1
        tally[kind][0] += wrong is None or wrong[0] == "type"
        types += wrong is not None and wrong[0] == "type"
        if wrong is not None and wrong[0] != "type":
            failures.append(f"{wrong[0]} {line['service']}:{line['operation']}: {wrong[1]}")
    signed, of, wrong = signatures.compare(ours / "call")
    failures.extend(wrong)
    for failure in failures[:20]:
        print(failure[:1500], file=sys.stderr)
    print(
        f"conformance: serializer {tally['serializer'][0]}/{tally['serializer'][1]}"
        f" ({types} differ in a Content-Type that botocore leaves out), parser {tally['parser'][0]}/{tally['parser'][1]},"
        f" signatures {signed}/{of}; seed {given.seed}"
    )
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
