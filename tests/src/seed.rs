//! What a sandbox looks like after a month of use: things that depend on each other, in two regions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forester::aws::Scope;
use serde_json::{Value, json};

use crate::Outcome;
use crate::world::{World, text};

/// Fills the account called `name`.
pub async fn fill(world: &World, name: &str) -> Outcome<()> {
    for region in ["us-east-1", "eu-west-1"] {
        let scope = world.scope(name, region).await?;
        network_and_machines(&scope).await?;
        buckets(&scope).await?;
        data_and_messages(&scope).await?;
    }
    identities(&world.scope(name, "us-east-1").await?).await
}

async fn network_and_machines(scope: &Scope) -> Outcome<()> {
    let make = async |operation: &str, params: Value| scope.call("ec2", operation, params).await;
    let vpc = text(&make("CreateVpc", json!({ "CidrBlock": "10.9.0.0/16" })).await?, "/Vpc/VpcId")?;
    let subnet = make("CreateSubnet", json!({ "VpcId": vpc, "CidrBlock": "10.9.1.0/24" })).await?;
    let gateway = text(&make("CreateInternetGateway", json!({})).await?, "/InternetGateway/InternetGatewayId")?;
    make("AttachInternetGateway", json!({ "VpcId": vpc, "InternetGatewayId": gateway })).await?;
    let mut groups = Vec::new();
    for name in ["front", "back"] {
        let group = json!({ "GroupName": name, "Description": name, "VpcId": vpc });
        groups.push(text(&make("CreateSecurityGroup", group).await?, "/GroupId")?);
    }
    // Each group lets the other in: neither can be deleted before a rule is.
    for (one, other) in [(0, 1), (1, 0)] {
        let (Some(one), Some(other)) = (groups.get(one), groups.get(other)) else { continue };
        let rule =
            json!({ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{ "GroupId": other }] });
        make("AuthorizeSecurityGroupIngress", json!({ "GroupId": one, "IpPermissions": [rule] })).await?;
    }
    let image = json!({
        "ImageId": "ami-12c6146b", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1,
        "SubnetId": text(&subnet, "/Subnet/SubnetId")?, "SecurityGroupIds": groups,
    });
    let machine = text(&make("RunInstances", image).await?, "/Instances/0/InstanceId")?;
    let protect = json!({ "InstanceId": machine, "DisableApiTermination": { "Value": true } });
    make("ModifyInstanceAttribute", protect).await?;
    let zone = format!("{}a", scope.region());
    make("CreateVolume", json!({ "AvailabilityZone": zone, "Size": 8 })).await?;
    Ok(())
}

async fn buckets(scope: &Scope) -> Outcome<()> {
    let bucket = format!("acme-scratch-{}-{}", scope.account(), scope.region());
    let mut create = json!({ "Bucket": bucket });
    if scope.region().as_ref() != "us-east-1" {
        create["CreateBucketConfiguration"] = json!({ "LocationConstraint": scope.region() });
    }
    scope.call("s3", "CreateBucket", create).await?;
    let versioned = json!({ "Bucket": bucket, "VersioningConfiguration": { "Status": "Enabled" } });
    scope.call("s3", "PutBucketVersioning", versioned).await?;
    for (key, body) in [("notes.txt", "first"), ("notes.txt", "second"), ("a b/ü+.txt", "odd key")] {
        let object = json!({ "Bucket": bucket, "Key": key, "Body": STANDARD.encode(body) });
        scope.call("s3", "PutObject", object).await?;
    }
    scope.call("s3", "DeleteObject", json!({ "Bucket": bucket, "Key": "notes.txt" })).await?;
    Ok(())
}

async fn data_and_messages(scope: &Scope) -> Outcome<()> {
    let table = json!({
        "TableName": "scratch", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
    });
    scope.call("dynamodb", "CreateTable", table).await?;
    scope.call("sqs", "CreateQueue", json!({ "QueueName": "scratch" })).await?;
    scope.call("sns", "CreateTopic", json!({ "Name": "scratch" })).await?;
    scope.call("logs", "CreateLogGroup", json!({ "logGroupName": "/scratch/app" })).await?;
    Ok(())
}

async fn identities(scope: &Scope) -> Outcome<()> {
    let make = async |operation: &str, params: Value| scope.call("iam", operation, params).await;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
    let allow = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" }] });
    make("CreateUser", json!({ "UserName": "ci" })).await?;
    make("CreateAccessKey", json!({ "UserName": "ci" })).await?;
    let inline = json!({ "UserName": "ci", "PolicyName": "inline", "PolicyDocument": allow.to_string() });
    make("PutUserPolicy", inline).await?;
    let policy = make("CreatePolicy", json!({ "PolicyName": "scratch", "PolicyDocument": allow.to_string() })).await?;
    let role = json!({ "RoleName": "scratch", "AssumeRolePolicyDocument": trust.to_string() });
    let role = text(&make("CreateRole", role).await?, "/Role/Arn")?;
    let attach = json!({ "RoleName": "scratch", "PolicyArn": text(&policy, "/Policy/Arn")? });
    make("AttachRolePolicy", attach).await?;
    let function = json!({
        "FunctionName": "scratch", "Runtime": "python3.12", "Handler": "index.handler", "Role": role,
        "Code": { "ZipFile": EMPTY_ZIP },
    });
    scope.call("lambda", "CreateFunction", function).await?;
    Ok(())
}

/// A zip file without entries, in base64.
const EMPTY_ZIP: &str = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";
