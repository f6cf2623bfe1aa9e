"""What AWS refuses to delete is refused here, too."""

from __future__ import annotations

import json
import unittest

from .support import Caller, code_of, member


class Network(unittest.TestCase):
    def setUp(self) -> None:
        self.ec2 = Caller().assume(member("network"))("ec2", "eu-west-3")

    def test_a_default_vpc_goes_after_all_its_parts(self) -> None:
        ec2 = Caller().assume(member("network"))("ec2", "eu-north-1")
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        gateway = ec2.describe_internet_gateways()["InternetGateways"][0]
        self.assertEqual(vpc, gateway["Attachments"][0]["VpcId"])
        for subnet in ec2.describe_subnets()["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        self.assertEqual("DependencyViolation", code_of(lambda: ec2.delete_vpc(VpcId=vpc)))
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
        self.assertEqual("ok", code_of(lambda: ec2.delete_vpc(VpcId=vpc)))
        self.assertEqual([], ec2.describe_vpcs()["Vpcs"])
        self.assertEqual([], ec2.describe_network_acls()["NetworkAcls"], "the default one goes with the VPC")

    def test_groups_that_others_name_stay(self) -> None:
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        named, naming = (
            self.ec2.create_security_group(GroupName=name, Description="test", VpcId=vpc)["GroupId"]
            for name in ("named", "naming")
        )
        rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": named}]}
        self.ec2.authorize_security_group_ingress(GroupId=naming, IpPermissions=[rule])
        self.assertEqual("DependencyViolation", code_of(lambda: self.ec2.delete_security_group(GroupId=named)))
        self.assertEqual("DependencyViolation", code_of(lambda: self.ec2.delete_vpc(VpcId=vpc)))
        self.ec2.delete_security_group(GroupId=naming)
        self.ec2.delete_security_group(GroupId=named)
        self.assertEqual("ok", code_of(lambda: self.ec2.delete_vpc(VpcId=vpc)))

    def test_instances_take_their_interface_with_them(self) -> None:
        instance = self.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
        subnet = {"SubnetId": instance["SubnetId"]}
        self.assertEqual("DependencyViolation", code_of(lambda: self.ec2.delete_subnet(**subnet)))
        self.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
        self.assertEqual("ok", code_of(lambda: self.ec2.delete_subnet(**subnet)))


class Storage(unittest.TestCase):
    def test_buckets_with_old_versions_stay(self) -> None:
        s3 = Caller().assume(member("network"))("s3")
        s3.create_bucket(Bucket="acme-versions")
        s3.put_bucket_versioning(Bucket="acme-versions", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="acme-versions", Key="a b/ü+c", Body=b"x")
        s3.delete_object(Bucket="acme-versions", Key="a b/ü+c")
        self.assertEqual("BucketNotEmpty", code_of(lambda: s3.delete_bucket(Bucket="acme-versions")))
        listed = s3.list_object_versions(Bucket="acme-versions")
        for version in listed["Versions"] + listed["DeleteMarkers"]:
            s3.delete_object(Bucket="acme-versions", Key=version["Key"], VersionId=version["VersionId"])
        self.assertEqual("ok", code_of(lambda: s3.delete_bucket(Bucket="acme-versions")))


class Databases(unittest.TestCase):
    def setUp(self) -> None:
        self.rds = Caller().assume(member("network"))("rds", "eu-west-3")

    def cluster(self, name: str, **more: object) -> dict[str, str]:
        words = {"Engine": "aurora-mysql", "MasterUsername": "acme", "MasterUserPassword": "long-enough-1"}
        self.rds.create_db_cluster(DBClusterIdentifier=name, **words, **more)
        return {"DBClusterIdentifier": name}

    def member(self, cluster: dict[str, str]) -> dict[str, str]:
        member = {"DBInstanceIdentifier": cluster["DBClusterIdentifier"] + "-member"}
        self.rds.create_db_instance(**member, **cluster, Engine="aurora-mysql", DBInstanceClass="db.r5.large")
        return member

    def test_stopped_clusters_are_started_first(self) -> None:
        cluster = self.cluster("stopped")
        member = self.member(cluster)
        self.rds.stop_db_cluster(**cluster)
        for delete in (
            lambda: self.rds.delete_db_cluster(**cluster, SkipFinalSnapshot=True),
            lambda: self.rds.delete_db_instance(**member, SkipFinalSnapshot=True),
        ):
            self.assertEqual("InvalidDBClusterStateFault", code_of(delete))
        self.rds.start_db_cluster(**cluster)
        self.assertEqual("ok", code_of(lambda: self.rds.delete_db_instance(**member, SkipFinalSnapshot=True)))
        self.assertEqual("ok", code_of(lambda: self.rds.delete_db_cluster(**cluster, SkipFinalSnapshot=True)))

    def test_a_protected_cluster_keeps_its_last_member(self) -> None:
        cluster = self.cluster("protected", DeletionProtection=True)
        member = self.member(cluster)
        delete = lambda: self.rds.delete_db_instance(**member, SkipFinalSnapshot=True)  # noqa: E731
        self.assertEqual("InvalidParameterCombination", code_of(delete))
        self.rds.modify_db_cluster(**cluster, DeletionProtection=False)
        self.assertEqual("ok", code_of(delete))

    def test_option_groups_are_listed_without_a_name(self) -> None:
        rds = Caller().assume(member("network"))("rds", "eu-west-2")
        self.assertEqual([], rds.describe_option_groups()["OptionGroupsList"])
        unknown = code_of(lambda: rds.describe_option_groups(OptionGroupName="nothing"))
        self.assertEqual("OptionGroupNotFoundFault", unknown)

    def test_an_export_starts_and_is_cancelled(self) -> None:
        database = {"DBInstanceIdentifier": "exported", "DBInstanceClass": "db.t3.micro", "Engine": "mysql"}
        self.rds.create_db_instance(**database, MasterUsername="acme", MasterUserPassword="long-enough-1", AllocatedStorage=20)
        snapshot = self.rds.create_db_snapshot(DBInstanceIdentifier="exported", DBSnapshotIdentifier="exported")
        task = {"ExportTaskIdentifier": "acme"}
        source = {"SourceArn": snapshot["DBSnapshot"]["DBSnapshotArn"], "S3BucketName": "acme"}
        self.rds.start_export_task(**task, **source, IamRoleArn="acme", KmsKeyId="acme")
        states = [self.rds.describe_export_tasks(**task)["ExportTasks"][0]["Status"]]
        self.rds.cancel_export_task(**task)
        states.append(self.rds.describe_export_tasks(**task)["ExportTasks"][0]["Status"])
        self.assertEqual(["STARTING", "CANCELED"], states)

    def test_what_is_being_deleted_is_gone_when_asked_again(self) -> None:
        cache = Caller().assume(member("network"))("elasticache", "eu-west-3")
        cache.create_cache_cluster(CacheClusterId="going", Engine="memcached", CacheNodeType="cache.t3.micro")
        cache.delete_cache_cluster(CacheClusterId="going")
        states = [[one["CacheClusterStatus"] for one in cache.describe_cache_clusters()["CacheClusters"]] for _ in "ab"]
        self.assertEqual([["deleting"], []], states)


class Identities(unittest.TestCase):
    def test_users_go_after_what_hangs_on_them(self) -> None:
        iam = Caller().assume(member("network"))("iam")
        user = {"UserName": "somebody"}
        iam.create_user(**user)
        key = iam.create_access_key(**user)["AccessKey"]["AccessKeyId"]
        iam.create_login_profile(**user, Password="Correct-horse-7")
        self.assertEqual("DeleteConflict", code_of(lambda: iam.delete_user(**user)))
        iam.delete_access_key(**user, AccessKeyId=key)
        self.assertEqual("DeleteConflict", code_of(lambda: iam.delete_user(**user)))
        iam.delete_login_profile(**user)
        self.assertEqual("ok", code_of(lambda: iam.delete_user(**user)))

    def test_attached_policies_stay(self) -> None:
        iam = Caller().assume(member("network"))("iam")
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn = iam.create_policy(PolicyName="all", PolicyDocument=document)["Policy"]["Arn"]
        role = {"RoleName": "OrganizationAccountAccessRole", "PolicyArn": arn}
        iam.attach_role_policy(**role)
        self.assertEqual("DeleteConflict", code_of(lambda: iam.delete_policy(PolicyArn=arn)))
        iam.detach_role_policy(**role)
        self.assertEqual("ok", code_of(lambda: iam.delete_policy(PolicyArn=arn)))


if __name__ == "__main__":
    unittest.main()
