"""forwarder.yaml and member.yaml hand over what template.yaml takes, and members let in whom they should."""

from __future__ import annotations

import unittest
from typing import Any

import forward
from tests.templates import INFRA, listed, load, of_type, references, statements

HOME = load("template.yaml")
FORWARDER = load("forwarder.yaml")
MEMBER = load("member.yaml")


def patterns(template: dict[str, Any]) -> dict[str, Any]:
    return {name: rule["EventPattern"] for name, rule in of_type(template, "AWS::Events::Rule").items()}


def actions(template: dict[str, Any], resource: str, *sids: str) -> set[str]:
    found = [one for one in statements(template["Resources"][resource]) if one.get("Sid") in sids]
    return {action for statement in found for action in listed(statement["Action"])}


class Forwarding(unittest.TestCase):
    def test_the_rules_are_what_forward_py_writes(self) -> None:
        for name, text in forward.files().items():
            there = (INFRA / name).read_text(encoding="utf-8")
            self.assertTrue(there == text, f"{name} is not current: run python infra/forward.py")

    def test_another_region_hands_over_all_that_is_taken(self) -> None:
        self.assertEqual(patterns(FORWARDER), patterns(HOME))

    def test_members_hand_over_what_does_not_come_to_the_management_account_by_itself(self) -> None:
        taken = patterns(HOME)
        handed = patterns(MEMBER)
        self.assertEqual(handed, {name: taken[name] for name in handed})
        self.assertEqual(taken.keys() - handed.keys(), {"OrganizationRule", "ControlTowerRule"})

    def test_every_rule_goes_home_with_a_role_and_keeps_what_is_refused(self) -> None:
        for template in (FORWARDER, MEMBER):
            for name, rule in of_type(template, "AWS::Events::Rule").items():
                (target,) = rule["Targets"]
                self.assertEqual(target["Arn"], {"Ref": "HomeBus"}, name)
                self.assertIn("RoleArn", target, name)
                self.assertEqual(references(target["DeadLetterConfig"]), {"Undelivered"}, name)

    def test_the_role_of_the_rules_puts_events_on_that_bus_and_nothing_else(self) -> None:
        for template, role in ((FORWARDER, "ForwarderRole"), (MEMBER, "EventsRole")):
            properties = template["Resources"][role]["Properties"]
            (allowed,) = statements(properties["Policies"])
            self.assertEqual((allowed["Action"], allowed["Resource"]), ("events:PutEvents", {"Ref": "HomeBus"}))
            self.assertEqual(properties["Path"], "/forester/")

    def test_the_bus_lets_in_those_roles_of_the_organization_only(self) -> None:
        statement = HOME["Resources"]["Forwarded"]["Properties"]["Statement"]
        self.assertEqual(statement["Action"], "events:PutEvents")
        self.assertEqual(statement["Condition"]["StringEquals"], {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}})
        self.assertTrue(statement["Condition"]["ArnLike"]["aws:PrincipalArn"]["Fn::Sub"].endswith(":role/forester/*"))

    def test_topics_of_other_organizations_reach_no_queue(self) -> None:
        foreign = [one for one in statements(HOME["Resources"]["BudgetQueuePolicy"]) if "aws:SourceOrgID" in str(one)]
        self.assertEqual(len(foreign), 1)
        self.assertEqual(foreign[0]["Condition"]["StringEquals"], {"aws:SourceOrgID": {"Ref": "OrganizationId"}})


class Members(unittest.TestCase):
    def test_only_the_functions_of_the_organization_may_take_the_role(self) -> None:
        role = MEMBER["Resources"]["MemberRole"]["Properties"]
        (trust,) = statements(role["AssumeRolePolicyDocument"])
        self.assertEqual(trust["Condition"], {
            "ArnEquals": {"aws:PrincipalArn": {"Ref": "TrustedRoles"}},
            "StringEquals": {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}},
        })
        named = references(HOME["Outputs"]["FunctionRoles"]["Value"])
        entering = {f"{name}Role" for name, function in of_type(HOME, "AWS::Serverless::Function").items()
                    if "OrganizationAccess" in references(function["Policies"])}
        self.assertEqual(named, entering)

    def test_a_baseline_may_do_in_members_what_it_may_do_at_home(self) -> None:
        sids = ("KeepTheHomeAccount", "ShareFromTheHomeAccount", "WatchTheHomeAccount", "GiveServicesTheirRoles",
                "MakeServiceRoles")
        here = actions(HOME, "AccountBaseline", *sids)
        there = actions(MEMBER, "Baseline", "Keep", "Share") | actions(MEMBER, "Watch", "Watch", *sids[3:])
        self.assertGreater(len(here), 150)
        # Contacts are asked by others as well, and at home with the policy that they share.
        self.assertEqual(there - here, {"account:GetAlternateContact"})
        self.assertLessEqual(here, there)

    def test_everything_may_be_deleted_only_where_resets_are_wanted_and_never_without_the_boundary(self) -> None:
        everything = {name for name, resource in MEMBER["Resources"].items() for one in statements(resource)
                      if one["Effect"] == "Allow" and one.get("Action") == "*"}
        self.assertEqual(everything, {"Emptying", "Boundary"})
        self.assertEqual(MEMBER["Resources"]["Emptying"]["Condition"], "MayBeEmptied")
        self.assertEqual(MEMBER["Parameters"]["Reset"]["Default"], "no")
        self.assertEqual(MEMBER["Resources"]["MemberRole"]["Properties"]["PermissionsBoundary"], {"Ref": "Boundary"})

    def test_the_boundary_denies_credentials_other_accounts_and_other_ways_in(self) -> None:
        denied = {action for one in statements(MEMBER["Resources"]["Boundary"]) if one["Effect"] == "Deny"
                  for action in listed(one["Action"])}
        for action in ("iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile", "sts:AssumeRole",
                       "organizations:LeaveOrganization", "account:CloseAccount", "iam:UpdateAssumeRolePolicy",
                       "iam:DeleteRolePermissionsBoundary", "savingsplans:CreateSavingsPlan", "iam:CreatePolicyVersion",
                       "iam:SetDefaultPolicyVersion", "cloudformation:DeleteStack", "cloudformation:UpdateStack"):
            self.assertIn(action, denied)
        baseline = actions(MEMBER, "Baseline", "Keep", "Share")
        self.assertEqual({action for action in baseline & denied if not action.startswith("iam:")}, set())

    def test_the_stack_of_a_sandbox_is_not_taken_for_foresters_own(self) -> None:
        """A reset refuses the account that holds Forester's own stack, which it knows by the description."""
        self.assertFalse(MEMBER["Description"].startswith(HOME["Description"].split(" -")[0]))


if __name__ == "__main__":
    unittest.main()
