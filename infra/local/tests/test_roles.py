"""Each role of the templates is refused what it must not do, by the policies as they are deployed."""

from __future__ import annotations

import json
import unittest
from collections.abc import Callable
from typing import Any

from .deployed import BUCKET, acting, inside, resources
from .support import MANAGEMENT, Caller, code_of, enable_policies, member, organization, stack

FUNCTIONS = ("AccountBaseline", "SandboxReset", "BudgetRouter", "AlarmFanout", "AlertDelivery", "AlertActions")
REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
OTHER = f"arn:aws:iam::{MANAGEMENT}:role/Administrator"
TASK = "arn:aws:iam::aws:policy/root-task"
Deed = Callable[[Caller], Any]


def table() -> str:
    return resources()["StateTable"]


def key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "x"}}


def queue(logical: str) -> str:
    return resources()[logical]


def policy(name: str, **tags: str) -> str:
    """A service control policy of the organization; its id."""
    organization()
    enable_policies("SERVICE_CONTROL_POLICY")
    organizations = Caller()("organizations")
    content = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "x:y", "Resource": "*"}]})
    made = organizations.create_policy(
        Name=name, Type="SERVICE_CONTROL_POLICY", Description="", Content=content,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    return made["Policy"]["PolicySummary"]["Id"]


def enter(who: Caller, role: str) -> Any:
    inside("no")
    arn = f"arn:aws:iam::{member('held-no')}:role/{role}"
    return who("sts").assume_role(RoleArn=arn, RoleSessionName="somebody")


def enter_root(who: Caller, task: str) -> Any:
    return who("sts").assume_root(TargetPrincipal=member("entered"), TaskPolicyArn={"arn": f"{TASK}/{task}"})


def trail(who: Caller, role: str) -> Any:
    arn = f"arn:aws:iam::{MANAGEMENT}:role/{role}"
    group = f"arn:aws:logs:us-east-1:{MANAGEMENT}:log-group:trail:*"
    return who("cloudtrail").create_trail(
        Name="t", S3BucketName="b", CloudWatchLogsRoleArn=arn, CloudWatchLogsLogGroupArn=group)


# What nobody may do, whatever they are for.
NOBODY: dict[str, Deed] = {
    "delete the state": lambda who: who("dynamodb").delete_table(TableName=table()),
    "read another table": lambda who: who("dynamodb").get_item(TableName="orders", Key=key("a")),
    "change the file": lambda who: who("s3").put_object(Bucket=BUCKET, Key="forester.yaml", Body=b""),
    "delete receipts": lambda who: who("s3").delete_object(Bucket=resources()["ReceiptsBucket"], Key="receipts/x"),
    "delete the bucket of receipts": lambda who: who("s3").delete_bucket(Bucket=resources()["ReceiptsBucket"]),
    "enter by another role": lambda who: enter(who, "OrganizationAccountAccessRole"),
    "become another role at home": lambda who: who("sts").assume_role(RoleArn=OTHER, RoleSessionName="somebody"),
    "read other secrets": lambda who: who("secretsmanager").get_secret_value(SecretId="prod/database"),
    "read other parameters": lambda who: who("ssm").get_parameter(Name="/prod/database"),
    "write the kill switch": lambda who: who("ssm").put_parameter(Name="/forester/stop", Value="off", Type="String"),
    "make users": lambda who: who("iam").create_user(UserName="eve"),
    "make keys": lambda who: who("iam").create_access_key(UserName="root"),
    "change its own code": lambda who: who("lambda").update_function_code(FunctionName="forester-sandbox-reset", ZipFile=b"x"),
    "delete its own stack": lambda who: who("cloudformation").delete_stack(StackName="forester"),
    "purge its queues": lambda who: who("sqs").purge_queue(QueueUrl=queue("OutboxQueue")),
    "leave the organization": lambda who: who("organizations").leave_organization(),
    "delete the organization": lambda who: who("organizations").delete_organization(),
    "start machines": lambda who: who("ec2").run_instances(ImageId="ami-1", MinCount=1, MaxCount=1),
    "stop the trail": lambda who: who("cloudtrail").stop_logging(Name="t"),
    "set a root password": lambda who: enter_root(who, "IAMCreateRootUserPassword"),
}


# What is some function's work, and for whom: everybody else is refused.
SOMEBODY: dict[str, tuple[set[str], Deed]] = {
    "remember": (set(FUNCTIONS), lambda who: who("dynamodb").get_item(TableName=table(), Key=key("a"))),
    "read the file": (set(FUNCTIONS), lambda who: who("s3").get_object(Bucket=BUCKET, Key="forester.yaml")),
    "deliver": (set(FUNCTIONS), lambda who: who("sqs").send_message(
        QueueUrl=queue("OutboxQueue"), MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")),
    # Lambda itself puts what the notices' schedule could not start there, with the function's role.
    "write to the dead letters": ({"SandboxReset"}, lambda who: who("sqs").send_message(
        QueueUrl=queue("DeadLetters"), MessageBody="x")),
    "read the organization": (set(FUNCTIONS[:4]), lambda who: who("organizations").list_accounts()),
    "enter members": (set(FUNCTIONS[:4]), lambda who: enter(who, "ForesterMember")),
    "move accounts": ({"AccountBaseline", "SandboxReset"}, lambda who: who("organizations").move_account(
        AccountId=member("entered"), SourceParentId="r-0000", DestinationParentId="r-0000")),
    "tag accounts": ({"AccountBaseline", "SandboxReset"}, lambda who: who("organizations").tag_resource(
        ResourceId=member("entered"), Tags=[{"Key": "a", "Value": "b"}])),
    "delete root credentials": ({"AccountBaseline", "SandboxReset"}, lambda who: enter_root(who, "IAMDeleteRootUserCredentials")),
    "unlock buckets": ({"SandboxReset"}, lambda who: enter_root(who, "S3UnlockBucketPolicy")),
    "close accounts": ({"SandboxReset"}, lambda who: who("organizations").close_account(AccountId="999988887777")),
    "create accounts": ({"AccountBaseline", "SandboxReset"}, lambda who: who("organizations").create_account(
        Email="new@acme.example", AccountName="new")),
    "make units": ({"AccountBaseline"}, lambda who: who("organizations").create_organizational_unit(
        ParentId="r-0000", Name="x")),
    "attach policies": ({"AccountBaseline", "SandboxReset", "BudgetRouter"}, lambda who: who("organizations").attach_policy(
        PolicyId="p-00000000", TargetId=member("entered"))),
    "keep receipts": ({"SandboxReset"}, lambda who: who("s3").put_object(
        Bucket=resources()["ReceiptsBucket"], Key="receipts/x", Body=b"")),
    "start resets": ({"BudgetRouter"}, lambda who: who("stepfunctions").start_execution(
        stateMachineArn=resources()["ResetMachine"], name="x", input="{}")),
    "start other machines": (set(), lambda who: who("stepfunctions").start_execution(
        stateMachineArn=f"arn:aws:states:us-east-1:{MANAGEMENT}:stateMachine:payroll", input="{}")),
    "read the kill switch": ({"SandboxReset", "BudgetRouter", "AlertDelivery", "AlertActions"},
                             lambda who: who("ssm").get_parameter(Name="/forester/stop")),
    "read keys of channels": ({"AlertDelivery", "AlertActions"},
                              lambda who: who("secretsmanager").get_secret_value(SecretId="forester/slack")),
    "publish": ({"AlertDelivery"}, lambda who: who("sns").publish(
        TopicArn=f"arn:aws:sns:us-east-1:{MANAGEMENT}:security", Message="x")),
    "publish to topics of others": (set(), lambda who: who("sns").publish(
        TopicArn="arn:aws:sns:us-east-1:999988887777:security", Message="x")),
    "put events": ({"AlertDelivery"}, lambda who: who("events").put_events(
        Entries=[{"Source": "x", "DetailType": "x", "Detail": "{}"}])),
    "send mail": ({"AlertDelivery"}, lambda who: who("sesv2").send_email(
        FromEmailAddress="a@acme.example", Content={"Simple": {"Subject": {"Data": "x"}, "Body": {}}})),
    "search logs": ({"AlarmFanout"}, lambda who: who("logs").filter_log_events(logGroupName="trail")),
    "look at budgets": ({"AccountBaseline", "BudgetRouter"}, lambda who: who("budgets").describe_budget(
        AccountId=MANAGEMENT, BudgetName="b")),
    "make roles at home": ({"AccountBaseline"}, lambda who: who("iam").create_role(
        RoleName="made", AssumeRolePolicyDocument="{}")),
    "make service roles": ({"AccountBaseline"}, lambda who: who("iam").create_service_linked_role(
        AWSServiceName="config.amazonaws.com")),
    "hand the trail its role": ({"AccountBaseline"}, lambda who: trail(who, "AcmeForesterTrailLogs")),
    "hand the trail another role": (set(), lambda who: trail(who, "Administrator")),
}


class Functions(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        organization()
        # Root users can be entered, so that a refusal is one of the caller's policies.
        Caller()("organizations").enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
        Caller()("iam").enable_organizations_root_credentials_management()
        Caller()("iam").enable_organizations_root_sessions()

    def test_nobody_may_do_what_is_nobodys_work(self) -> None:
        for what, deed in NOBODY.items():
            for function in FUNCTIONS:
                with self.subTest(what, function=function):
                    self.assertIn(code_of(lambda: deed(acting(function))), REFUSED)

    def test_work_is_allowed_to_whom_it_belongs_and_refused_to_all_others(self) -> None:
        for what, (whose, deed) in SOMEBODY.items():
            with self.subTest(what):
                may = {function for function in FUNCTIONS if code_of(lambda: deed(acting(function))) not in REFUSED}
                self.assertEqual(may, whose)

    def test_only_policies_that_carry_our_tag_are_changed_and_only_policies_are_tagged(self) -> None:
        ours, others = policy("ours", forester="reset"), policy("theirs", team="platform")
        for function in ("SandboxReset", "BudgetRouter"):
            organizations = acting(function)("organizations")
            for change in (organizations.update_policy, organizations.delete_policy):
                self.assertIn(code_of(lambda: change(PolicyId=others)), REFUSED, function)
        for function in ("AccountBaseline", "AlarmFanout", "AlertDelivery", "AlertActions"):
            self.assertIn(code_of(lambda: acting(function)("organizations").delete_policy(PolicyId=ours)), REFUSED, function)
        made = code_of(lambda: acting("BudgetRouter")("organizations").create_policy(
            Name="freeze", Type="SERVICE_CONTROL_POLICY", Description="", Content='{"Version": "2012-10-17", "Statement": []}',
            Tags=[{"Key": "forester", "Value": "reset"}]))
        self.assertNotIn(made, REFUSED)
        self.assertEqual(code_of(lambda: acting("BudgetRouter")("organizations").update_policy(
            PolicyId=ours, Description="again")), "ok")
        self.assertEqual(code_of(lambda: acting("SandboxReset")("organizations").delete_policy(PolicyId=ours)), "ok")


class Services(unittest.TestCase):
    """The roles with which schedules and the state machine act: the stack lets them act without, so they are tried here."""

    def may(self, role: str, **deeds: Deed) -> set[str]:
        return {what for what, deed in deeds.items() if code_of(lambda: deed(acting(role))) not in REFUSED}

    def test_they_start_what_the_template_names_and_nothing_else(self) -> None:
        def invoke(function: str) -> Deed:
            return lambda who: who("lambda").invoke(FunctionName=resources()[function], InvocationType="DryRun")

        def send(name: str) -> Deed:
            return lambda who: who("sqs").send_message(QueueUrl=queue(name), MessageBody="x")

        deeds = {name: invoke(name) for name in FUNCTIONS} | {
            name: send(name) for name in ("BaselineQueue", "AlarmQueue", "BudgetQueue", "DeadLetters", "DeadDeliveries")}
        deeds["reset"] = lambda who: who("stepfunctions").start_execution(
            stateMachineArn=resources()["ResetMachine"], name="by-role", input="{}")
        deeds["enter"] = lambda who: enter(who, "ForesterMember")
        deeds["remember"] = lambda who: who("dynamodb").get_item(TableName=table(), Key=key("a"))
        self.assertEqual(self.may("ResetMachine", **deeds), {"SandboxReset", "reset"})
        self.assertEqual(self.may("Scheduler", **deeds), {
            "SandboxReset", "AlertDelivery", "BudgetRouter", "BaselineQueue", "AlarmQueue", "DeadLetters", "reset"})


# What a baseline does in a member, and what it never does.
KEEPS: dict[str, Deed] = {
    "look at networks": lambda who: who("ec2").describe_vpcs(),
    "protect buckets": lambda who: who("s3").put_bucket_policy(Bucket="trail-logs", Policy="{}"),
    "make the roles of the file": lambda who: who("iam").create_role(RoleName="made", AssumeRolePolicyDocument="{}"),
    "switch on the trail": lambda who: who("cloudtrail").describe_trails(),
    "make service roles": lambda who: who("iam").create_service_linked_role(AWSServiceName="config.amazonaws.com"),
}
EMPTIES: dict[str, Deed] = {
    "end machines": lambda who: who("ec2").terminate_instances(InstanceIds=["i-00000000000000000"]),
    "delete buckets": lambda who: who("s3").delete_bucket(Bucket="somebodys"),
    "delete databases": lambda who: who("rds").delete_db_instance(DBInstanceIdentifier="orders"),
    "delete functions": lambda who: who("lambda").delete_function(FunctionName="orders"),
    "read objects": lambda who: who("s3").get_object(Bucket="somebodys", Key="x"),
    "delete keys": lambda who: who("kms").schedule_key_deletion(KeyId="00000000-0000-0000-0000-000000000000"),
}
NEVER: dict[str, Deed] = {
    "make users": lambda who: who("iam").create_user(UserName="eve"),
    "make keys": lambda who: who("iam").create_access_key(UserName="eve"),
    "make passwords": lambda who: who("iam").create_login_profile(UserName="eve", Password="x"),
    "go on to another account": lambda who: who("sts").assume_role(
        RoleArn="arn:aws:iam::999988887777:role/Administrator", RoleSessionName="somebody"),
    "become what it made": lambda who: who("sts").assume_role(
        RoleArn=f"arn:aws:iam::{MANAGEMENT}:role/made", RoleSessionName="somebody"),
    "leave the organization": lambda who: who("organizations").leave_organization(),
    "give itself more": lambda who: who("iam").attach_role_policy(
        RoleName="ForesterMember", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
    "lose its boundary": lambda who: who("iam").delete_role_permissions_boundary(RoleName="ForesterMember"),
    "open the other way in": lambda who: who("iam").update_assume_role_policy(
        RoleName="OrganizationAccountAccessRole", PolicyDocument="{}"),
    "buy for a term": lambda who: who("ec2").purchase_reserved_instances_offering(
        InstanceCount=1, ReservedInstancesOfferingId="x"),
}


class Members(unittest.TestCase):
    def test_a_baseline_keeps_the_account_and_empties_nothing(self) -> None:
        for what, deed in KEEPS.items():
            self.assertNotIn(code_of(lambda: deed(inside("no"))), REFUSED, what)
        for what, deed in EMPTIES.items():
            self.assertIn(code_of(lambda: deed(inside("no"))), REFUSED, what)

    def test_a_sandbox_may_be_emptied(self) -> None:
        for what, deed in (KEEPS | EMPTIES).items():
            self.assertNotIn(code_of(lambda: deed(inside("yes"))), REFUSED, what)

    def test_the_boundary_holds_whatever_else_is_allowed(self) -> None:
        for reset in ("no", "yes"):
            for what, deed in NEVER.items():
                self.assertIn(code_of(lambda: deed(inside(reset))), REFUSED, f"{what} with Reset={reset}")


class Judging(unittest.TestCase):
    """The stack's own judgement, on roles made for it."""

    def worker(self, name: str, *statements: dict[str, Any]) -> Caller:
        """Whoever acts with a role of these statements."""
        inside_account = Caller().assume(member("judged"))
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{member('judged')}:root"}, "Action": "sts:AssumeRole"}
        iam = inside_account("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
        if statements:
            self.permit(name, *statements)
        return inside_account.assume(member("judged"), name)

    def permit(self, name: str, *statements: dict[str, Any]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        Caller().assume(member("judged"))("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)

    def allow(self, action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
        return {"Effect": "Allow", "Action": action, "Resource": resource} | ({"Condition": condition} if condition else {})

    def test_what_is_not_allowed_is_denied_until_it_is_allowed(self) -> None:
        worker = self.worker("later")
        self.assertIn(code_of(lambda: worker("ec2").describe_vpcs()), REFUSED)
        self.permit("later", self.allow("ec2:Describe*"))
        self.assertEqual(code_of(lambda: worker("ec2").describe_vpcs()), "ok")
        self.assertIn(code_of(lambda: worker("ec2").create_vpc(CidrBlock="10.0.0.0/16")), REFUSED)

    def test_a_denial_wins(self) -> None:
        deny = {"Effect": "Deny", "Action": "ec2:DescribeVpcs", "Resource": "*"}
        worker = self.worker("denied", self.allow("*"), deny)
        self.assertIn(code_of(lambda: worker("ec2").describe_vpcs()), REFUSED)
        self.assertEqual(code_of(lambda: worker("ec2").describe_subnets()), "ok")

    def test_resources_are_held_apart(self) -> None:
        worker = self.worker("apart", self.allow("sqs:*", "arn:aws:sqs:*:*:mine-*"))
        self.assertEqual(code_of(lambda: worker("sqs").create_queue(QueueName="mine-1")), "ok")
        self.assertIn(code_of(lambda: worker("sqs").create_queue(QueueName="yours-1")), REFUSED)

    def test_a_condition_that_nobody_here_knows_is_read_closed(self) -> None:
        for n, (operator, value) in enumerate((("StringEquals", "x"), ("StringNotEquals", "x"), ("Null", "true"))):
            worker = self.worker(f"conditional-{n}", self.allow("ec2:*", **{operator: {"ec2:Sun": value}}))
            self.assertIn(code_of(lambda: worker("ec2").describe_vpcs()), REFUSED, operator)
        deny = {"Effect": "Deny", "Action": "ec2:DescribeVpcs", "Resource": "*", "Condition": {"Bool": {"ec2:Sun": "true"}}}
        worker = self.worker("conditional-denial", self.allow("*"), deny)
        self.assertIn(code_of(lambda: worker("ec2").describe_vpcs()), REFUSED)
        log = (stack().contract["workdir"] + "/gateway.log")
        with open(log, encoding="utf-8") as lines:
            self.assertIn("nobody here knows ec2:sun", lines.read())

    def test_verdicts_can_be_read_and_judging_can_be_switched_off(self) -> None:
        worker = self.worker("free")
        stack().control("POST", "config", {"enforce_roles": False})
        self.addCleanup(stack().control, "POST", "config", {"enforce_roles": True})
        self.assertEqual(code_of(lambda: worker("ec2").describe_vpcs()), "ok")
        stack().control("POST", "config", {"enforce_roles": True})
        self.assertIn(code_of(lambda: worker("ec2").describe_vpcs()), REFUSED)
        verdicts = stack().control("GET", "permissions")[1][f"{member('judged')}/free"]
        self.assertEqual(verdicts, {"because no policy allows the ec2:DescribeVpcs action": {"ec2:DescribeVpcs": 1}})


if __name__ == "__main__":
    unittest.main()
