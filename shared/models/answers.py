"""Writes answers as a service would: the counterpart of a parser, which botocore does not have."""

import base64
import calendar
import email.utils
import json
import xml.sax.saxutils as saxutils

HEADERS = ("header", "headers")


def response(operation, protocol, value, rng):
    """Status, headers and body that carry `value`, with a few things in it that no model knows."""
    shape = operation.output_shape
    headers = {"x-amzn-requestid": "request-1", "x-unknown": "1"}
    if shape is None:
        body = b"{}" if "json" in protocol else b"<Empty/>"
        return {"status": 200, "headers": headers, "body": body}
    for name, member in shape.members.items():
        if name in value and member.serialization.get("location") in HEADERS:
            put_header(headers, name, member, value)
    inside = {name: item for name, item in value.items() if "location" not in shape.members[name].serialization}
    payload = shape.serialization.get("payload")
    if payload is not None:
        body = payload_body(shape.members[payload], payload, inside.get(payload), protocol)
    elif "json" in protocol:
        body = json.dumps({**as_json(shape, inside), "unknownMember": [1], "unknownNull": None}).encode()
    else:
        body = xml_body(operation, shape, inside, protocol)
    return {"status": 200, "headers": headers, "body": body}


def payload_as_bytes(operation, parsed):
    """botocore gives a body that is the payload as text; ours is in base64, as all blobs are."""
    shape = operation.output_shape
    payload = shape.serialization.get("payload") if shape else None
    if payload and shape.members[payload].type_name == "blob":
        parsed[payload] = parsed[payload].encode()
    return parsed


def put_header(headers, name, member, value):
    location = member.serialization["location"]
    key = member.serialization.get("name", name).lower()
    if location == "headers":
        for suffix, item in value[name].items():
            headers[key + suffix] = item
    elif location == "header":
        item = value[name]
        if member.type_name == "list":
            headers[key] = ", ".join(text(member.member, part, "rfc822") for part in item)
        else:
            headers[key] = text(member, item, "rfc822")


def text(shape, value, time_format):
    if shape.type_name == "timestamp":
        return str(timestamp(shape, value, time_format))
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return str(value)


def timestamp(shape, value, default):
    form = shape.serialization.get("timestampFormat", default).lower()
    if form == "unixtimestamp":
        seconds = calendar.timegm(value.utctimetuple())
        return seconds + value.microsecond / 1e6 if value.microsecond else seconds
    if form == "rfc822":
        return email.utils.formatdate(calendar.timegm(value.utctimetuple()), usegmt=True)
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if value.microsecond else "%Y-%m-%dT%H:%M:%SZ")


def payload_body(member, name, value, protocol):
    if member.type_name == "blob":
        return value or b""
    if member.type_name == "string":
        return (value or "").encode()
    value = {} if value is None else value
    if "json" in protocol:
        return json.dumps(as_json(member, value)).encode()
    return element(member.serialization.get("name", name), member, value).encode()


# --- JSON


def as_json(shape, value):
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure":
        members = shape.members
        return {members[k].serialization.get("name", k): as_json(members[k], item) for k, item in value.items()}
    if shape.type_name == "list":
        return [as_json(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: as_json(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return timestamp(shape, value, "unixtimestamp")
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return value


# --- XML


def xml_body(operation, shape, value, protocol):
    inside = "".join(children(shape, value)) + "<unknownMember><a>1</a></unknownMember>"
    if protocol == "query":
        wrapper = shape.serialization.get("resultWrapper")
        inside = f"<{wrapper}>{inside}</{wrapper}>" if wrapper else inside
        inside += "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    root = f"{operation.name}Response"
    return f'<?xml version="1.0"?>\n<{root} xmlns="http://example.org/doc/">{inside}</{root}>'.encode()


def children(shape, value):
    for name, item in value.items():
        member = shape.members[name]
        if member.serialization.get("xmlAttribute"):
            continue
        flat_list = member.type_name == "list" and member.serialization.get("flattened")
        own = member.member.serialization.get("name") if flat_list else None
        yield element(own or member.serialization.get("name", name), member, item)


def element(name, shape, value):
    flat = shape.serialization.get("flattened")
    if shape.type_name == "structure":
        return f"<{name}{attributes(shape, value)}>{''.join(children(shape, value))}</{name}>"
    if shape.type_name == "list":
        if flat:
            return "".join(element(name, shape.member, item) for item in value)
        inner = shape.member.serialization.get("name", "member")
        return f"<{name}>{''.join(element(inner, shape.member, item) for item in value)}</{name}>"
    if shape.type_name == "map":
        entries = [entry(shape, key, item) for key, item in value.items()]
        if flat:
            return "".join(f"<{name}>{inside}</{name}>" for inside in entries)
        return f"<{name}>{''.join(f'<entry>{inside}</entry>' for inside in entries)}</{name}>"
    return f"<{name}>{saxutils.escape(text(shape, value, 'iso8601'))}</{name}>"


def entry(shape, key, value):
    names = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    return element(names[0], shape.key, key) + element(names[1], shape.value, value)


def attributes(shape, value):
    out = ""
    for name, item in value.items():
        traits = shape.members[name].serialization
        if traits.get("xmlAttribute"):
            prefix = traits["name"].split(":")[0]
            out += f' xmlns:{prefix}="{prefix}" {traits["name"]}={saxutils.quoteattr(str(item))}'
    return out
