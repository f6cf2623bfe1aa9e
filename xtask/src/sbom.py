"""`sbom.py METADATA LOCK OUT FUNCTION...`: what is in the functions, as a CycloneDX bill of materials.

METADATA is what `cargo metadata` says for one architecture, LOCK is Cargo.lock with the registry's checksums. In the bill
is what a function is linked from or built by; what only tests need is not. The same inputs give the same bytes: the
serial number is made of the content, and no time is in it. https://cyclonedx.org/docs/1.6/json/
"""

import json
import sys
import tomllib
import uuid
from hashlib import sha256

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

VERSION = SchemaVersion.V1_6


def needed(resolve, roots):
    """The ids of packages that `roots` are made of, and which of them each needs."""
    nodes = {node["id"]: node for node in resolve["nodes"]}
    edges, open_ = {}, list(roots)
    while open_:
        package = open_.pop()
        if package in edges:
            continue
        kinds = lambda dep: {kind["kind"] for kind in dep["dep_kinds"]}
        edges[package] = [dep["pkg"] for dep in nodes[package]["deps"] if kinds(dep) - {"dev"}]
        open_ += edges[package]
    return edges


def component(package, checksums):
    """A package as a component; what is of this repository has no checksum of a registry."""
    name, version = package["name"], package["version"]
    checksum = checksums.get((name, version)) if package["source"] else None
    # Old manifests say `MIT/Apache-2.0`: https://doc.rust-lang.org/cargo/reference/manifest.html#the-license-and-license-file-fields
    licence = " OR ".join(part.strip() for part in (package["license"] or "").split("/"))
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        purl=PackageURL("cargo", None, name, version) if package["source"] else None,
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
    )


def bill(metadata, lock, functions):
    """The bill of all functions together: they are built as one, with one choice of features."""
    packages = {package["id"]: package for package in metadata["packages"]}
    roots = [id for id, package in packages.items() if package["name"] in functions and package["source"] is None]
    if len(roots) != len(functions):
        sys.exit(f"cargo metadata knows {len(roots)} of the functions {', '.join(functions)}")
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}
    edges = needed(metadata["resolve"], roots)
    components = {id: component(packages[id], checksums) for id in edges}
    bom = Bom()
    bom.metadata.component = Component(
        type=ComponentType.APPLICATION, name="forester", version=packages[roots[0]]["version"], bom_ref="forester"
    )
    bom.components.update(components.values())
    bom.register_dependency(bom.metadata.component, [components[root] for root in roots])
    for id, needs in edges.items():
        bom.register_dependency(components[id], [components[need] for need in needs])
    return bom


def written(bom):
    """The bill as JSON, without anything that differs from run to run."""
    document = json.loads(make_outputter(bom, OutputFormat.JSON, VERSION).output_as_string())
    document["metadata"].pop("timestamp")
    document.pop("serialNumber")
    digest = sha256(json.dumps(document, sort_keys=True).encode()).digest()
    document["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def main(metadata, lock, out, *functions):
    with open(metadata, encoding="utf-8") as file, open(lock, "rb") as locked:
        bom = bill(json.load(file), tomllib.load(locked), functions)
    text = written(bom)
    mistake = JsonStrictValidator(VERSION).validate_str(text)
    if mistake:
        sys.exit(f"the bill of materials is not CycloneDX {VERSION.to_version()}: {mistake}")
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{len(bom.components)} components")


main(*sys.argv[1:])
