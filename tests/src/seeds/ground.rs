//! What seeds stand on: a network, a role, a key, a topic. Made in each region where a seed asks for it.

use forester::aws::Scope;
use serde_json::{Value, json};

use super::form::Known;
use crate::Outcome;
use crate::world::text;

/// What is known in a region before the first seed; `asked` is the text of all seeds.
pub async fn prepare(scope: &Scope, asked: &str) -> Outcome<Known> {
    let mut known =
        Known::from([("account".to_owned(), json!(scope.account())), ("region".to_owned(), json!(scope.region()))]);
    let wants = |names: &[&str]| names.iter().any(|name| asked.contains(&format!("{{{name}}}")));
    if wants(&["vpc", "subnet", "subnet2", "group"]) {
        network(scope, &mut known).await?;
    }
    if wants(&["role"]) {
        known.insert("role".to_owned(), role(scope).await?);
    }
    if wants(&["key"]) {
        let made = scope.call("kms", "CreateKey", json!({ "Description": "seeds" })).await?;
        known.insert("key".to_owned(), json!(text(&made, "/KeyMetadata/Arn")?));
    }
    if wants(&["topic"]) {
        let made = scope.call("sns", "CreateTopic", json!({ "Name": "seeds" })).await?;
        known.insert("topic".to_owned(), json!(text(&made, "/TopicArn")?));
    }
    Ok(known)
}

async fn network(scope: &Scope, known: &mut Known) -> Outcome<()> {
    let made = scope.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.77.0.0/16" })).await?;
    let vpc = text(&made, "/Vpc/VpcId")?;
    for (name, zone, range) in [("subnet", "a", "10.77.1.0/24"), ("subnet2", "c", "10.77.2.0/24")] {
        let zone = format!("{}{zone}", scope.region());
        let params = json!({ "VpcId": vpc, "CidrBlock": range, "AvailabilityZone": zone });
        let made = scope.call("ec2", "CreateSubnet", params).await?;
        known.insert(name.to_owned(), json!(text(&made, "/Subnet/SubnetId")?));
    }
    let group = json!({ "GroupName": "seeds", "Description": "seeds", "VpcId": vpc });
    let made = scope.call("ec2", "CreateSecurityGroup", group).await?;
    known.insert("group".to_owned(), json!(text(&made, "/GroupId")?));
    known.insert("vpc".to_owned(), json!(vpc));
    Ok(())
}

/// One role for all regions.
async fn role(scope: &Scope) -> Outcome<Value> {
    let services = ["ecs-tasks", "ec2", "lambda", "batch", "sagemaker", "states", "eks", "glue"];
    let services: Vec<String> = services.iter().map(|name| format!("{name}.amazonaws.com")).collect();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": services }, "Action": "sts:AssumeRole" }] });
    let params = json!({ "RoleName": "seeds", "AssumeRolePolicyDocument": trust.to_string() });
    match scope.call("iam", "CreateRole", params).await {
        Ok(made) => Ok(json!(text(&made, "/Role/Arn")?)),
        Err(error) if error.has_code("EntityAlreadyExists") => {
            let found = scope.call("iam", "GetRole", json!({ "RoleName": "seeds" })).await?;
            Ok(json!(text(&found, "/Role/Arn")?))
        }
        Err(error) => Err(error.into()),
    }
}
