"""Which emulator answers a call.

moto is the accounts' control plane: organizations, identities, and everything that lies in member accounts.
ministack is the event plane of the management account: what our own functions are made of and woken by.

A call is judged by the account that holds what it is about, which is the caller's but for a few (`owner.py`).
The split cannot tear one thing in two, because it follows ownership. A stack that CloudFormation creates in the
management account has its functions, queues, tables, buckets *and roles* inside ministack, and ministack uses them
there, in process. Only `iam` of the management account is answered by moto, so a role from the template is not
visible through `iam:GetRole`; nothing of ours reads it. What a function does in a member account goes through
`sts:AssumeRole`, which moto answers, to roles that live in moto.
"""

from __future__ import annotations

import re

from .accounts import MANAGEMENT_ACCOUNT
from .call import Call

MOTO = "moto"
MINISTACK = "ministack"

# The management account's services that ministack answers.
EVENT_PLANE = {
    "cloudformation",
    "dynamodb",
    "events",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "pipes",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
}

# What StackSets are about lies in members, and they go by the organization.
OF_MEMBERS = re.compile(r"StackSet|StackInstance|OrganizationsAccess")

# Complete in ministack, thin in moto, and tied to nothing else: answered by ministack for every account.
MINISTACK_EVERYWHERE = {"budgets"}


def plane_of(call: Call) -> str:
    """The emulator for this call."""
    if call.service in MINISTACK_EVERYWHERE:
        return MINISTACK
    if call.service == "cloudformation" and OF_MEMBERS.search(call.action):
        return MOTO
    if call.owner == MANAGEMENT_ACCOUNT and call.service in EVENT_PLANE:
        return MINISTACK
    return MOTO
