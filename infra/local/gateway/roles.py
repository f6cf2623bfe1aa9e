"""What the role of a caller permits, judged call by call with the policies that were deployed.

Functions of the management account and sessions of roles in members are judged, each by the policies that the role has in
its account's IAM: inline, attached, and its boundary. Policies are evaluated by ministack, as AWS does: what is not allowed
is denied, and what is denied stays denied. Root users are not judged, nor is a role that no IAM knows.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlencode
from xml.sax.saxutils import unescape

from aiohttp import web
from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, fnmatch_iam, parse_policy_document
from multidict import CIMultiDict

from .accounts import MANAGEMENT_ACCOUNT
from .asked import Asked, asked
from .call import Call
from .errors import error
from .route import MINISTACK, MOTO

if TYPE_CHECKING:
    from .app import Gateway

Policy = list[ParsedStatement]
ASSUMED = re.compile(r"^arn:aws:sts::(\d{12}):assumed-role/([^/]+)/(.+)$")
# The keys of conditions that are looked up here. A statement that asks for another one permits nothing.
RESOURCE_TAG = "aws:resourcetag/"
KNOWN = {"sts:taskpolicyarn", "aws:principalarn", "aws:principalaccount", "aws:requestedregion"}
VERSION = "2010-05-08"
# Operations of IAM after which a role's policies may be others.
CHANGES = re.compile(r"Role|PolicyVersion|DeletePolicy$")


@dataclass
class Role:
    """The policies of a role."""

    policies: list[Policy]
    boundary: list[Policy]


@dataclass
class Roles:
    """What is known of roles, and how their calls were judged."""

    # By account and name; None for a role that IAM does not know.
    known: dict[tuple[str, str], Role | None] = field(default_factory=dict)
    # How often an action was allowed or denied, by role.
    verdicts: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    def forget(self, call: Call) -> None:
        """Policies may have changed with this call."""
        reads = call.action.startswith(("Describe", "Get", "List"))
        touches = call.service == "cloudformation" or (call.service == "iam" and CHANGES.search(call.action))
        if touches and not reads:
            self.known = {key: role for key, role in self.known.items() if key[0] != call.account}

    def count(self, role: str, action: str, verdict: str) -> None:
        """Remember a verdict."""
        actions = self.verdicts.setdefault(role, {}).setdefault(verdict, {})
        actions[action] = actions.get(action, 0) + 1


async def refusal(gateway: Gateway, request: web.BaseRequest, call: Call, body: bytes) -> web.Response | None:
    """The answer to a call that the caller's role does not permit."""
    match = ASSUMED.match(call.caller)
    if not match or not gateway.config.enforce_roles:
        return None
    account, name, _ = match.groups()
    role = await role_of(gateway, account, name)
    if role is None:
        return None
    for one in asked(call, request, body):
        verdict = await judged(gateway, call, role, one)
        gateway.roles.count(f"{account}/{name}", one.action, verdict)
        if verdict != "allowed":
            logging.warning("%s may not %s on %s: %s", call.caller, one.action, one.resource, verdict)
            return denied(call, one, verdict)
    return None


async def judged(gateway: Gateway, call: Call, role: Role, one: Asked) -> str:
    """`allowed`, or what AWS would say of why not."""
    context = one.context | await tags_of(gateway, call, role, one)
    facts = EvalContext(
        principal_arn=principal(call.caller),
        principal_type="AssumedRole",
        principal_account=call.account,
        action=one.action,
        resource_arn=one.resource,
        region=call.region,
        service_context=context,
    )
    limits = [read_closed(role.boundary, one)] if role.boundary else []
    return {
        "Allow": "allowed",
        "Deny": "with an explicit deny",
        "ImplicitDeny": f"because no policy allows the {one.action} action",
    }[evaluate(facts, read_closed(role.policies, one), *limits).decision]


def read_closed(policies: list[Policy], one: Asked) -> list[Policy]:
    """The policies, but that a grant on a condition that is not known here is none, and a denial holds without it."""
    return [[known for statement in policy if (known := closed(statement, one))] for policy in policies]


def closed(statement: ParsedStatement, one: Asked) -> ParsedStatement | None:
    """One statement, read so."""
    keys = {key.lower() for part in statement.conditions.values() for key in part}
    unknown = sorted(key for key in keys - KNOWN if not key.startswith(RESOURCE_TAG))
    if not unknown:
        return statement
    if any(fnmatch_iam(one.action, pattern) for pattern in statement.actions):
        logging.warning("a statement on %s is read closed: nobody here knows %s", one.action, ", ".join(unknown))
    return replace(statement, conditions={}) if statement.effect == "Deny" else None


async def tags_of(gateway: Gateway, call: Call, role: Role, one: Asked) -> dict[str, str]:
    """The tags of the organization's policy or account that a call is about, where a statement asks for them."""
    asks = any(
        key.lower().startswith(RESOURCE_TAG)
        for policy in role.policies
        for statement in policy
        if any(fnmatch_iam(one.action, pattern) for pattern in statement.actions)
        for part in statement.conditions.values()
        for key in part
    )
    if not asks or not one.resource.startswith("arn:aws:organizations:"):
        return {}
    headers = CIMultiDict({
        "X-Amz-Target": "AWSOrganizationsV20161128.ListTagsForResource",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": signature("organizations"),
        "x-moto-account-id": MANAGEMENT_ACCOUNT,
        "x-local-caller": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:root",
    })
    body = json.dumps({"ResourceId": one.resource.rsplit("/", 1)[-1]}).encode()
    answer = await gateway.proxy.fetch(MOTO, "POST", "/", headers, body)
    tags = json.loads(answer.body).get("Tags", []) if answer.status == 200 else []
    return {f"{RESOURCE_TAG}{tag['Key']}".lower(): tag["Value"] for tag in tags}


async def role_of(gateway: Gateway, account: str, name: str) -> Role | None:
    """A role's policies, read from its account's IAM when first asked for."""
    if (account, name) not in gateway.roles.known:
        gateway.roles.known[account, name] = await read(gateway, account, name)
    return gateway.roles.known[account, name]


async def read(gateway: Gateway, account: str, name: str) -> Role | None:
    """What IAM says of a role."""
    found = await ask(gateway, account, "GetRole", RoleName=name)
    if found is None:
        return None
    inline = await ask(gateway, account, "ListRolePolicies", RoleName=name)
    documents = [await ask(gateway, account, "GetRolePolicy", RoleName=name, PolicyName=policy)
                 for policy in re.findall(r"<member>([^<]+)</member>", inline or "")]
    attached = await ask(gateway, account, "ListAttachedRolePolicies", RoleName=name)
    documents += [await managed(gateway, account, arn) for arn in texts("PolicyArn", attached)]
    boundary = [await managed(gateway, account, arn) for arn in texts("PermissionsBoundaryArn", found)]
    return Role([document(one) for one in documents], [document(one) for one in boundary])


async def managed(gateway: Gateway, account: str, arn: str) -> str | None:
    """The version of a managed policy that is in force."""
    found = await ask(gateway, account, "GetPolicy", PolicyArn=arn)
    (version,) = texts("DefaultVersionId", found) or ["v1"]
    return await ask(gateway, account, "GetPolicyVersion", PolicyArn=arn, VersionId=version)


async def ask(gateway: Gateway, account: str, action: str, **parameters: str) -> str | None:
    """One question to the IAM that the account's roles are in; None where the answer is an error."""
    plane = MINISTACK if account == MANAGEMENT_ACCOUNT else MOTO
    headers = CIMultiDict({
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": signature("iam", account),
        "x-moto-account-id": account,
    })
    body = urlencode({"Action": action, "Version": VERSION, **parameters}).encode()
    answer = await gateway.proxy.fetch(plane, "POST", "/", headers, body)
    return answer.body.decode() if answer.status == 200 else None


def signature(service: str, account: str = MANAGEMENT_ACCOUNT) -> str:
    """What the emulators look at in a signature: the account and the service."""
    scope = f"{account}/20260101/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def texts(tag: str, answer: str | None) -> list[str]:
    """The texts of an element, each time it is there."""
    return re.findall(rf"<{tag}>([^<]*)</{tag}>", answer or "")


def document(answer: str | None) -> Policy:
    """The policy that an answer holds; one that cannot be read permits nothing."""
    (written,) = texts("PolicyDocument", answer) or texts("Document", answer) or ["{}"]
    plain = unescape(written, {"&quot;": '"', "&#34;": '"'})
    return parse_policy_document(plain if plain.lstrip().startswith("{") else unquote(plain))


def principal(caller: str) -> str:
    """The role behind a session, which is whom policies know."""
    match = ASSUMED.match(caller)
    return f"arn:aws:iam::{match.group(1)}:role/{match.group(2)}" if match else caller


def denied(call: Call, one: Asked, verdict: str) -> web.Response:
    """The denial, in the words and the form of the call's service."""
    message = f"User: {call.caller} is not authorized to perform: {one.action} on resource: {one.resource} {verdict}"
    code = "UnauthorizedOperation" if call.protocol == "ec2" else "AccessDeniedException"
    return error(call, 403, "AccessDenied" if call.protocol in ("query", "rest-xml") else code, message)
