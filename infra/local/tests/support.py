"""One stack for all tests, and clients for it."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

LAUNCHER = Path(__file__).parent.parent / "stack.py"
MANAGEMENT = "111122223333"


class Stack:
    """A running stack."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(LAUNCHER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.contract = json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        """End it by closing its standard input."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A call of the control API: status and answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.contract['control']}/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """The call log."""
        return self.control("GET", f"log?since={since}")[1]


class Caller:
    """Credentials, and clients that use them."""

    def __init__(self, key: str = MANAGEMENT, secret: str = "any", token: str | None = None) -> None:
        self.keys = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}

    def __call__(self, service: str, region: str = "us-east-1", attempts: int = 1, read_timeout: float = 60) -> Any:
        """A client."""
        retries, path = {"total_max_attempts": attempts, "mode": "standard"}, {"addressing_style": "path"}
        config = Config(retries=retries, s3=path, read_timeout=read_timeout)
        endpoint = stack().contract["endpoint"]
        return boto3.client(service, region_name=region, endpoint_url=endpoint, config=config, **self.keys)

    def assume(self, account: str, role: str = "OrganizationAccountAccessRole", **more: str) -> Caller:
        """The caller that an assumed role makes."""
        arn = f"arn:aws:iam::{account}:role/{role}"
        found = self("sts").assume_role(RoleArn=arn, RoleSessionName="test", **more)["Credentials"]
        return Caller(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


@cache
def stack() -> Stack:
    """The stack that all tests share, with an organization in it."""
    started = Stack()
    atexit.register(started.stop)
    return started


@cache
def organization() -> str:
    """The organization's root id."""
    organizations = Caller()("organizations")
    organizations.create_organization(FeatureSet="ALL")
    return organizations.list_roots()["Roots"][0]["Id"]


def enable_policies(kind: str) -> None:
    """Make sure that policies of a type can be attached; the organization is shared by all tests."""
    names = {"RootId": organization(), "PolicyType": kind}
    assert code_of(lambda: Caller()("organizations").enable_policy_type(**names)) in (
        "ok",
        "PolicyTypeAlreadyEnabledException",
    )


def create_account(email: str) -> dict[str, Any]:
    """How the creation of an account ended."""
    organization()
    organizations = Caller()("organizations")
    request = organizations.create_account(Email=email, AccountName=email.split("@")[0])["CreateAccountStatus"]
    return organizations.describe_create_account_status(CreateAccountRequestId=request["Id"])["CreateAccountStatus"]


@cache
def member(name: str) -> str:
    """The id of a member account, made when first asked for."""
    return create_account(f"{name}@acme.example")["AccountId"]


def code_of(call: Callable[[], Any]) -> str:
    """The error code with which a call fails, or `ok`."""
    try:
        call()
    except ClientError as problem:
        return problem.response["Error"]["Code"]
    return "ok"


def eventually(probe: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What the probe finds, asked until it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := probe()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
