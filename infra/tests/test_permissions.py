"""Policies are what the code can name: no more, no less, and for the function that runs it."""

from __future__ import annotations

import re
import tomllib
import unittest

from policy_sentry.shared.iam_data import get_service_prefix_data

import permissions
from tests.templates import INFRA, TEMPLATES, listed, load, of_type, statements

TOLD = tomllib.loads((INFRA / "permissions.toml").read_text(encoding="utf-8"))
HOME = load("template.yaml")
# What no code of ours calls: services act with these, on what the template itself names (test_template.py), and what a
# member account may lose or never do (test_forwarding.py).
OF_SERVICES = {("template.yaml", "ResetMachine"), ("template.yaml", "SchedulerRole"), ("member.yaml", "EventsRole"),
               ("member.yaml", "Emptying"), ("member.yaml", "Boundary"), ("forwarder.yaml", "ForwarderRole")}
ROLES = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role")


def granted(template: str, *resources: str) -> set[str]:
    """Every action that these may take, on whatever resource."""
    whole = load(template)["Resources"]
    return {action for name in resources for one in statements(whole[name]["Properties"].get("Policies", whole[name]))
            for action in listed(one["Action"]) if one["Effect"] == "Allow"}


class Derived(unittest.TestCase):
    def test_every_operation_that_the_code_names_is_of_some_policy_and_nothing_else_is(self) -> None:
        self.assertEqual(permissions.problems(), [])
        self.assertGreater(len(permissions.code()), 80)

    def test_templates_permit_what_follows_from_the_code(self) -> None:
        for template in TOLD["statements"]:
            text = (INFRA / template).read_text(encoding="utf-8")
            self.assertEqual(permissions.written(template, text), text, f"run python3 infra/update.py for {template}")

    def test_no_statement_is_written_by_hand(self) -> None:
        """What a function, a shared policy or the member role may do, is in permissions.toml, under the statement's name."""
        found = set()
        for template in TEMPLATES:
            for name, resource in load(template)["Resources"].items():
                if resource["Type"] not in ROLES or (template, name) in OF_SERVICES:
                    continue
                held = resource["Properties"] if resource["Type"].startswith("AWS::IAM::Man") else resource["Properties"].get(
                    "Policies", [])
                found |= {(template, name, one.get("Sid")) for one in statements(held) if one["Effect"] == "Allow"}
        self.assertEqual(found, set(permissions.statements()))

    def test_whoever_may_begin_something_may_do_what_aws_asks_besides(self) -> None:
        told = permissions.declared().needs
        functions = of_type(HOME, "AWS::Serverless::Function")
        roles = [("template.yaml", name, *permissions.attached(function)) for name, function in functions.items()]
        roles.append(("member.yaml", "Baseline", "Watch"))
        met = set()
        for template, *resources in roles:
            may = granted(template, *resources)
            for action in told.keys() & may:
                met.add(action)
                # Of the organization, only the management account is asked.
                needed = {one for one in told[action] if template == "template.yaml" or not one.startswith("organizations:")}
                self.assertLessEqual(needed, may, f"{resources[0]} of {template}, for {action}")
        self.assertEqual(met, told.keys(), "what nobody calls any more needs nothing")

    def test_actions_and_what_they_need_are_those_of_aws_own_reference(self) -> None:
        """The Service Authorization Reference as policy_sentry has it; of needs that it does not know, AWS writes elsewhere."""
        told = permissions.declared().needs
        for action in sorted({action for actions in permissions.statements().values() for action in actions}):
            prefix, _, name = action.partition(":")
            self.assertIn(name, get_service_prefix_data(prefix)["privileges"], action)
            privilege = get_service_prefix_data(prefix)["privileges"][name]
            needs = {one for kind in privilege["resource_types"].values() for one in kind.get("dependent_actions", [])}
            spared = set(TOLD["needs"].get(action, {}).get("spared", []))
            self.assertLessEqual(needs - spared, set(told.get(action, [])), action)
            self.assertLessEqual(spared, needs, f"{action} is spared nothing")
        for action, one in TOLD["needs"].items():
            self.assertTrue(one["source"].startswith("https://docs.aws.amazon.com/"), action)

    def test_every_other_name_of_an_action_is_of_an_operation_in_use(self) -> None:
        named = {operation for one in permissions.code().values() for operation in one.operations}
        self.assertEqual({one for table in TOLD["renamed"].values() for one in table} - named, set())
        self.assertEqual(TOLD["prefixes"].keys() - {one.partition(":")[0] for one in named}, set())

    def test_what_is_only_mentioned_is_not_called(self) -> None:
        for selector in TOLD["elsewhere"]["mentioned"]["code"]:
            path, _, only = selector.partition(":")
            if path.startswith("aws/") or only:
                continue
            text = (permissions.SOURCES / f"{path}.rs").read_text(encoding="utf-8")
            self.assertNotRegex(permissions.without_tests(text), r"\.(call|pages)\(", path)

    def test_the_organization_is_not_taken_for_a_sandbox(self) -> None:
        """Whole files may be left to the role that empties; what they ask of the organization may not."""
        for selector in TOLD["elsewhere"]["emptied"]["code"]:
            operations = permissions.selected(selector)
            self.assertFalse({one for one in operations if one.startswith(("organizations:", "ce:"))}, selector)

    def test_shared_policies_go_to_functions_that_run_their_code(self) -> None:
        """The doors that do not know accounts: who delivers and who answers links enters none and reads no organization."""
        shared = {name: permissions.attached(function) for name, function in
                  of_type(HOME, "AWS::Serverless::Function").items()}
        self.assertEqual({name for name, held in shared.items() if "OrganizationAccess" not in held},
                         {"AlertDelivery", "AlertActions"})
        self.assertEqual({name for name, held in shared.items() if "MemberAccess" in held},
                         {"AccountBaseline", "SandboxReset"})
        self.assertTrue(all("BaseAccess" in held for held in shared.values()))


class Reading(unittest.TestCase):
    """How operations are found in source text."""

    def named(self, text: str, name: str = "baseline/aspects/sample") -> list[str]:
        return sorted(permissions.read(name, permissions.without_tests(text)).operations)

    def test_a_call_names_service_and_operation(self) -> None:
        self.assertEqual(self.named('scope.call("ec2", "DescribeVpcs", json!({})).await?;'), ["ec2:DescribeVpcs"])
        self.assertEqual(self.named('scope\n.pages(\n"ec2",\n"DescribeVpcs",\njson!({}))'), ["ec2:DescribeVpcs"])

    def test_an_operation_may_be_chosen_before_the_call(self) -> None:
        text = 'let (operation, params) = match x { A => ("PutGroupPolicy", a), B => ("CreateGroup", b) };' \
               'scope.call("iam", operation, params)'
        self.assertEqual(self.named(text), ["iam:CreateGroup", "iam:PutGroupPolicy"])

    def test_one_name_of_two_services_is_of_the_one_beside_it(self) -> None:
        text = 'a.call("route53", "GetHostedZone", x); b.pages("organizations", "ListTagsForResource", x)'
        self.assertEqual(self.named(text), ["organizations:ListTagsForResource", "route53:GetHostedZone"])
        unclear = 'a.call("route53", operation, x); b.pages("organizations", "ListRoots", x); let o = "ListTagsForResource";'
        self.assertEqual(self.named(unclear), ["organizations:ListRoots", "organizations:ListTagsForResource",
                                               "route53:ListTagsForResource"])

    def test_tests_and_comments_call_nothing(self) -> None:
        text = '// scope.call("ec2", "DeleteVpc")\n/* "ec2" "DeleteSubnet" */ let url = "https://x"; ' \
               'x.call("ec2", "DescribeVpcs");\n#[cfg(test)]\nmod tests { fn a() { x.call("ec2", "RunInstances") } }'
        self.assertEqual(self.named(text), ["ec2:DescribeVpcs"])

    def test_methods_of_a_typed_client_are_operations(self) -> None:
        text = "let a = self.client.update_item().table_name(t); self.of.client\n.get_item()\n.send()"
        self.assertEqual(self.named(text, "aws/dynamodb"), ["dynamodb:GetItem", "dynamodb:UpdateItem"])

    def test_what_has_no_service_is_not_passed_over(self) -> None:
        named = permissions.read("reset/sample", 'organization.call("CloseAccount", x)')
        self.assertEqual((named.operations, named.strays), (set(), {"CloseAccount"}))

    def test_typed_clients_are_made_where_they_are_read(self) -> None:
        """The services of typed clients, and where else the SDK's crates are named: nowhere."""
        sources = permissions.SOURCES
        outside = [path for path in sources.rglob("*.rs") if re.search(r"\baws_sdk_\w+", path.read_text(encoding="utf-8"))
                   and path.relative_to(sources).parts[0] != "aws"]
        self.assertEqual(outside, [])
        used = {match for path in (sources / "aws").rglob("*.rs")
                for match in re.findall(r"\baws_sdk_(\w+)", permissions.without_tests(path.read_text(encoding="utf-8")))}
        read = {name.removeprefix("aws/") for name in permissions.code() if name.startswith("aws/")}
        self.assertLessEqual(used, read)


class Refusing(unittest.TestCase):
    """What does not fit together is said, and nothing is written."""

    def test_a_selector_of_nothing_is_an_error(self) -> None:
        for selector in ("baseline/aspects/nobody", "aws/dynamodb: DeleteTable"):
            with self.assertRaises(permissions.Problem):
                permissions.selected(selector)

    def test_a_statement_that_is_not_there_is_an_error(self) -> None:
        lines = (INFRA / "template.yaml").read_text(encoding="utf-8").split("\n")
        for resource, sid in (("Nobody", "Remember"), ("BaseAccess", "Nothing"), ("BaseAccess", "ReadOrganization")):
            with self.assertRaises(permissions.Problem):
                permissions.replace(list(lines), "template.yaml", resource, sid, ["s3:GetObject"])

    def test_a_change_of_the_code_changes_the_policy(self) -> None:
        text = (INFRA / "template.yaml").read_text(encoding="utf-8")
        changed = text.replace("ec2:DescribeVpcs\n", "ec2:RunInstances\n", 1)
        self.assertNotEqual(changed, text)
        self.assertEqual(permissions.written("template.yaml", changed), text)


if __name__ == "__main__":
    unittest.main()
