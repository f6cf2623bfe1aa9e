"""Service-managed StackSets: which accounts they reach, what members see of them, and accounts that come and go."""

from __future__ import annotations

import json
import unittest
from typing import Any

from .support import MANAGEMENT, Caller, code_of, create_account, organization

REGIONS = ["us-east-1", "eu-west-1"]
TRUSTED = "member.org.stacksets.cloudformation.amazonaws.com"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
]})


def template(topic: str) -> str:
    """A template that takes a parameter."""
    name = {"Fn::Sub": f"{topic}-${{Suffix}}"}
    return json.dumps({
        "Parameters": {"Suffix": {"Type": "String"}},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}},
    })


def unit(name: str, parent: str | None = None) -> str:
    """A new OU."""
    made = Caller()("organizations").create_organizational_unit(ParentId=parent or organization(), Name=name)
    return made["OrganizationalUnit"]["Id"]


def account_in(name: str, place: str) -> str:
    """A new account in an OU."""
    account = create_account(f"stacks-{name}@acme.example")["AccountId"]
    move(account, organization(), place)
    return account


def move(account: str, source: str, target: str) -> None:
    """Move an account."""
    Caller()("organizations").move_account(AccountId=account, SourceParentId=source, DestinationParentId=target)


def stacks_in(account: str, region: str = "us-east-1") -> list[str]:
    """The names of an account's stacks that are there."""
    listed = Caller().assume(account)("cloudformation", region).describe_stacks()["Stacks"]
    return [stack["StackName"] for stack in listed]


def create(name: str, body: str) -> Any:
    """A StackSet, and the client that made it."""
    client = Caller()("cloudformation")
    client.activate_organizations_access()
    client.create_stack_set(
        StackSetName=name, TemplateBody=body, PermissionModel="SERVICE_MANAGED",
        AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False},
        Parameters=[{"ParameterKey": "Suffix", "ParameterValue": "one"}],
    )
    return client


def bring(client: Any, name: str, units: list[str]) -> list[dict[str, Any]]:
    """Bring stacks to OUs, and say how it went."""
    operation = client.create_stack_instances(
        StackSetName=name, DeploymentTargets={"OrganizationalUnitIds": units}, Regions=REGIONS
    )["OperationId"]
    return client.list_stack_set_operation_results(StackSetName=name, OperationId=operation)["Summaries"]


def leave(client: Any, name: str, place: str) -> None:
    """Take stacks from an OU."""
    client.delete_stack_instances(
        StackSetName=name, DeploymentTargets={"OrganizationalUnitIds": [place]}, Regions=REGIONS, RetainStacks=False
    )


class StackSets(unittest.TestCase):
    def test_only_an_organization_that_trusts_them_has_them(self) -> None:
        organization()
        client, organizations = Caller()("cloudformation"), Caller()("organizations")
        client.activate_organizations_access()
        organizations.disable_aws_service_access(ServicePrincipal=TRUSTED)
        self.assertEqual("DISABLED", client.describe_organizations_access()["Status"])
        make = {"StackSetName": "early", "TemplateBody": template("early"), "PermissionModel": "SERVICE_MANAGED"}
        self.assertEqual("ValidationError", code_of(lambda: client.create_stack_set(**make)))
        client.activate_organizations_access()
        self.assertEqual("ENABLED", client.describe_organizations_access()["Status"])

    def test_members_below_an_ou_have_and_see_a_stack(self) -> None:
        above = unit("Reached")
        account = account_in("reached", unit("Deep", unit("Below", above)))
        client = create("reached", template("reached"))
        told = bring(client, "reached", [above])
        self.assertEqual({(account, region) for region in REGIONS}, {(one["Account"], one["Region"]) for one in told})
        for region in REGIONS:
            self.assertEqual(1, len(stacks_in(account, region)))
            topics = Caller().assume(account)("sns", region).list_topics()["Topics"]
            self.assertEqual([f"arn:aws:sns:{region}:{account}:reached-one"], [topic["TopicArn"] for topic in topics])
        described = client.describe_stack_set(StackSetName="reached")["StackSet"]
        self.assertEqual(([above], sorted(REGIONS)), (described["OrganizationalUnitIds"], described["Regions"]))

    def test_an_ou_without_accounts_is_a_target_and_has_no_region_yet(self) -> None:
        place = unit("Empty")
        client = create("empty", template("empty"))
        self.assertEqual([], bring(client, "empty", [place]))
        self.assertEqual([], client.describe_stack_set(StackSetName="empty")["StackSet"].get("Regions", []))
        listed = client.list_stack_set_auto_deployment_targets(StackSetName="empty")["Summaries"]
        self.assertEqual([{"OrganizationalUnitId": place, "Regions": sorted(REGIONS)}], listed)

    def test_root_is_every_member_but_the_management_account(self) -> None:
        account = account_in("everywhere", unit("Everywhere"))
        client = create("everywhere", template("everywhere"))
        reached = {one["Account"] for one in bring(client, "everywhere", [organization()])}
        leave(client, "everywhere", organization())
        self.assertIn(account, reached)
        self.assertNotIn(MANAGEMENT, reached)

    def test_update_reaches_every_stack(self) -> None:
        place = unit("Updated")
        account = account_in("updated", place)
        client = create("updated", template("updated"))
        bring(client, "updated", [place])
        same = [{"ParameterKey": "Suffix", "UsePreviousValue": True}]
        client.update_stack_set(StackSetName="updated", TemplateBody=template("anew"), Parameters=same)
        topics = Caller().assume(account)("sns").list_topics()["Topics"]
        self.assertEqual([f"arn:aws:sns:us-east-1:{account}:anew-one"], [topic["TopicArn"] for topic in topics])

    def test_accounts_that_come_get_a_stack_and_those_that_go_lose_it(self) -> None:
        place, other = unit("Coming"), unit("Elsewhere")
        client = create("coming", template("coming"))
        bring(client, "coming", [place])
        account = account_in("late", place)
        self.assertEqual(1, len(stacks_in(account)))
        move(account, place, other)
        self.assertEqual([], stacks_in(account))

    def test_stacks_are_taken_from_ous_that_are_left(self) -> None:
        place = unit("Left")
        account = account_in("left", place)
        client = create("left", template("left"))
        bring(client, "left", [place])
        leave(client, "left", place)
        self.assertEqual([], stacks_in(account))
        self.assertEqual([], client.describe_stack_set(StackSetName="left")["StackSet"]["OrganizationalUnitIds"])

    def test_what_one_account_refuses_is_told_of_that_account(self) -> None:
        place = unit("Refusing")
        account = account_in("refusing", place)
        Caller().assume(account)("iam").create_role(RoleName="Taken", AssumeRolePolicyDocument=TRUST)
        body = json.dumps({
            "Parameters": {"Suffix": {"Type": "String"}},
            "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {
                "RoleName": "Taken", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}}},
        })
        told = bring(create("refusing", body), "refusing", [place])
        self.assertEqual({"FAILED"}, {one["Status"] for one in told})
        self.assertIn("Taken", told[0]["StatusReason"])

        def statuses() -> set[str]:
            listed = Caller()("cloudformation").list_stack_instances(StackSetName="refusing")["Summaries"]
            return {one["Status"] for one in listed}

        self.assertEqual({"OUTDATED"}, statuses())
        Caller().assume(account)("iam").delete_role(RoleName="Taken")
        same = [{"ParameterKey": "Suffix", "UsePreviousValue": True}]
        Caller()("cloudformation").update_stack_set(StackSetName="refusing", TemplateBody=body, Parameters=same)
        # The role is of one region's stack; in the other its name is taken still.
        self.assertEqual({"CURRENT", "OUTDATED"}, statuses())


if __name__ == "__main__":
    unittest.main()
