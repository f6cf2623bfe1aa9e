"""What has no place in moto: Cloud Control, and those who can say what an account uses."""

from __future__ import annotations

import json
import unittest
from typing import Any

from .support import Caller, code_of, member

PLAN, NETWORK = "AWS::ARCRegionSwitch::Plan", "AWS::VpcLattice::Listener"


def of(name: str, service: str, region: str = "eu-west-1") -> Any:
    """A member's client."""
    return Caller().assume(member(name))(service, region)


def make(name: str, kind: str, region: str = "eu-west-1", **state: Any) -> str:
    """The identifier of a new resource."""
    made = of(name, "cloudcontrol", region).create_resource(TypeName=kind, DesiredState=json.dumps(state))
    return made["ProgressEvent"]["Identifier"]


class CloudControl(unittest.TestCase):
    def ends(self, client: Any, event: dict[str, Any]) -> list[str]:
        """The states of a request until it ends."""
        states = [event["OperationStatus"]]
        while states[-1] == "IN_PROGRESS":
            status = client.get_resource_request_status(RequestToken=event["RequestToken"])["ProgressEvent"]
            states.append(status["OperationStatus"])
        return states

    def test_deletes_are_in_progress_and_one_at_a_time(self) -> None:
        client = of("control", "cloudcontrol")
        named = {"TypeName": PLAN, "Identifier": make("control", PLAN, Name="one")}
        event = client.delete_resource(**named, ClientToken="a")["ProgressEvent"]
        again = client.delete_resource(**named, ClientToken="a")["ProgressEvent"]
        self.assertEqual(event["RequestToken"], again["RequestToken"])
        other = code_of(lambda: client.delete_resource(**named, ClientToken="b"))
        self.assertEqual("ConcurrentOperationException", other)
        self.assertEqual(["IN_PROGRESS", "IN_PROGRESS", "SUCCESS"], self.ends(client, event))
        self.assertEqual("ResourceNotFoundException", code_of(lambda: client.delete_resource(**named)))

    def test_protection_holds_until_it_is_lifted(self) -> None:
        client = of("control", "cloudcontrol")
        named = {"TypeName": PLAN, "Identifier": make("control", PLAN, Name="two", DeletionProtection=True)}
        self.assertEqual("FAILED", self.ends(client, client.delete_resource(**named)["ProgressEvent"])[-1])
        patch = json.dumps([{"op": "replace", "path": "/DeletionProtection", "value": False}])
        lifted = client.update_resource(**named, PatchDocument=patch)["ProgressEvent"]
        self.assertEqual("SUCCESS", self.ends(client, lifted)[-1])
        self.assertEqual("SUCCESS", self.ends(client, client.delete_resource(**named)["ProgressEvent"])[-1])

    def test_lists_need_what_their_schemas_say(self) -> None:
        client = of("control", "cloudcontrol")
        make("control", NETWORK, Name="l-1", ServiceIdentifier="svc-1")
        self.assertEqual("InvalidRequestException", code_of(lambda: client.list_resources(TypeName=NETWORK)))
        self.assertEqual("TypeNotFoundException", code_of(lambda: client.list_resources(TypeName="AWS::No::Type")))
        below = {"TypeName": NETWORK, "ResourceModel": json.dumps({"ServiceIdentifier": "svc-1"})}
        found = client.list_resources(**below)["ResourceDescriptions"]
        self.assertEqual(["svc-1|l-1"], [one["Identifier"] for one in found])


class Witnesses(unittest.TestCase):
    def test_everybody_tells_of_what_was_made(self) -> None:
        make("seen", PLAN, Name="p", Tags=[{"Key": "stage", "Value": "dev"}])
        arn = f"arn:aws:arc-region-switch:eu-west-1:{member('seen')}:plan/p"
        tagged = of("seen", "resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]
        self.assertIn(arn, [one["ResourceARN"] for one in tagged])
        events = of("seen", "cloudtrail").lookup_events()["Events"]
        self.assertEqual(["CreatePlan", "CreateResource"], [event["EventName"] for event in events])
        explorer = of("seen", "resource-explorer-2")
        self.assertEqual([], explorer.list_indexes()["Indexes"])
        self.assertEqual("UnauthorizedException", code_of(lambda: explorer.search(QueryString="")))
        explorer.create_index()
        found = explorer.search(QueryString="region:eu-west-1")["Resources"]
        self.assertEqual([(arn, PLAN)], [(one["Arn"], one["CfnResourceType"]) for one in found])
        iam = Caller()("iam")
        job = iam.generate_organizations_access_report(EntityPath=f"o-1/r-1/{member('seen')}")["JobId"]
        details = iam.get_organizations_access_report(JobId=job)["AccessDetails"]
        names = [detail["ServiceNamespace"] for detail in details]
        self.assertTrue({"arc-region-switch", "cloudtrail", "resource-explorer-2", "tag"} <= set(names), names)
        self.assertNotIn("sqs", names)

    def test_history_holds_writes_page_by_page_and_tells_which_failed(self) -> None:
        sqs, trail = of("history", "sqs"), of("history", "cloudtrail")
        for name in ("one", "two", "three"):
            sqs.create_queue(QueueName=name)
        sqs.list_queues()
        self.assertEqual("AWS.SimpleQueueService.NonExistentQueue", code_of(lambda: sqs.delete_queue(QueueUrl="none")))
        pages = trail.get_paginator("lookup_events").paginate(PaginationConfig={"PageSize": 2})
        found = [event for page in pages for event in page["Events"]]
        self.assertEqual(["DeleteQueue", "CreateQueue", "CreateQueue", "CreateQueue"], [e["EventName"] for e in found])
        failed = [event["EventName"] for event in found if "errorCode" in json.loads(event["CloudTrailEvent"])]
        self.assertEqual(["DeleteQueue"], failed)
        self.assertEqual([], of("history", "cloudtrail", "us-east-1").lookup_events()["Events"])

    def test_registry_knows_types_and_what_their_lists_need(self) -> None:
        registry = of("seen", "cloudformation")
        pages = registry.get_paginator("list_types").paginate(Visibility="PUBLIC", Type="RESOURCE")
        names = [one["TypeName"] for page in pages for one in page["TypeSummaries"]]
        self.assertTrue(len(names) > 1000 and PLAN in names)
        schema = json.loads(registry.describe_type(Type="RESOURCE", TypeName=NETWORK)["Schema"])
        self.assertEqual(["ServiceIdentifier"], schema["handlers"]["list"]["handlerSchema"]["required"])

    def test_tagged_resources_come_in_pages_of_one_moment(self) -> None:
        ec2, tagging = of("pages", "ec2"), of("pages", "resourcegroupstaggingapi")
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "b"}]}]
        volumes = [ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags) for _ in range(5)]
        first = tagging.get_resources(ResourcesPerPage=2)
        ec2.delete_volume(VolumeId=volumes[0]["VolumeId"])
        found, token = first["ResourceTagMappingList"], first["PaginationToken"]
        while token:
            following = tagging.get_resources(ResourcesPerPage=2, PaginationToken=token)
            found, token = found + following["ResourceTagMappingList"], following.get("PaginationToken")
        self.assertEqual(5, len(found))
