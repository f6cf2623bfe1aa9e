"""Prowler's findings about one account, as one JSON document.

    python infra/judge/scan.py [--role ARN] --region R [--region R] CHECK...

It does what `prowler aws --role ARN --region R --scan-unused-services --checks CHECK...` does, from the same package:
assumes the role and runs the checks. Not by Prowler's command, because that imports the clients of twenty other clouds:
2.3 GB to install, of which AWS's checks need a tenth.

    {"CHECK": {"findings": [{"status": "FAIL", "region": "eu-west-1", "said": "..."}], "problems": ["..."]}}

Problems are those of the check's whole service, because Prowler reads a service once for all of its checks.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import logging
import os
import socket
import sys
from typing import Any

LOOPBACK = "127.0.0.1"


def main() -> int:
    """Scan, and print what came out."""
    parser = argparse.ArgumentParser(description="Prowler's findings about one account")
    parser.add_argument("--role", help="the role to assume in the account (default: none, as who calls)")
    parser.add_argument("--region", required=True, action="append", help="where regional checks look")
    parser.add_argument("checks", nargs="+", metavar="CHECK")
    asked = parser.parse_args()
    account_hosts_are_loopback()
    with contextlib.redirect_stdout(sys.stderr):
        results = scan(asked.role, set(asked.region), asked.checks)
    print(json.dumps(results))
    return 0


def scan(role: str | None, regions: set[str], checks: list[str]) -> dict[str, Any]:
    """Run each check in the account."""
    problems = Problems()
    logging.basicConfig(level=logging.ERROR, handlers=[problems])
    from prowler.providers.aws.aws_provider import AwsProvider
    from prowler.providers.common.models import Audit_Metadata

    # An empty account uses nothing, so that without this flag most checks would not look.
    provider = AwsProvider(role_arn=role, regions=regions, scan_unused_services=True)
    # Services read only what the expected checks need.
    provider.audit_metadata = Audit_Metadata(
        services_scanned=0, expected_checks=checks, completed_checks=0, audit_progress=0
    )
    findings: dict[str, list[dict[str, str]]] = {}
    for check in checks:
        problems.service = service_of(check)
        findings[check] = run(check)
    return {check: {"findings": findings[check], "problems": problems.of(service_of(check))} for check in checks}


def service_of(check: str) -> str:
    """The service that a check is about."""
    return check.partition("_")[0]


def run(check: str) -> list[dict[str, str]]:
    """One check. One that breaks has no findings, and its problem is on record."""
    path = f"prowler.providers.aws.services.{service_of(check)}.{check}.{check}"
    try:
        module = importlib.import_module(path)
    except ModuleNotFoundError as missing:
        if path.startswith(str(missing.name)):
            sys.exit(f"Prowler has no check {check}: correct its name in shared/src/baseline/checks.toml")
        sys.exit(f"the check {check} needs a package that infra/judge/requirements.txt lacks: {missing}")
    try:
        reports = getattr(module, check)().execute()
    except Exception as problem:  # what a check may raise is not documented; Prowler, too, goes on
        logging.error("%s: %s", type(problem).__name__, problem)
        return []
    return [
        {"status": str(report.status), "region": report.region, "said": report.status_extended} for report in reports
    ]


class Problems(logging.Handler):
    """What Prowler logs as an error: usually a call that was refused, which leaves a check without findings."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.service = ""
        self._seen: dict[str, set[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record with the service whose check is running."""
        self._seen.setdefault(self.service, set()).add(record.getMessage())

    def of(self, service: str) -> list[str]:
        """What went wrong with a service."""
        return sorted(self._seen.get(service, ()))


def account_hosts_are_loopback() -> None:
    """S3 Control's calls go to `<account>.<endpoint>`, and `444455556666.127.0.0.1` is no name: let it mean loopback.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
    """
    resolve = socket.getaddrinfo

    def loopback(host: Any, *rest: Any, **more: Any) -> Any:
        inside = isinstance(host, str) and host.endswith("." + LOOPBACK)
        return resolve(LOOPBACK if inside else host, *rest, **more)

    socket.getaddrinfo = loopback


if __name__ == "__main__":
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    sys.exit(main())
