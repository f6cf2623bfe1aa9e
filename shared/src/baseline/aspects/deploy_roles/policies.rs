//! What the roles of a pipeline may do, as AWS describes it for pipelines across accounts
//! (<https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-cross-account.html>).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::roles::{self, Role, Trust};
use crate::baseline::Target;
use crate::config::{DeployRole, DeployRoles};
use crate::types::{AccountId, Arn, Partition};

/// The policy of the role's own.
const NAME: &str = "deploy";

/// The artifacts of a pipeline: where they lie, and what encrypts them.
pub(super) struct Artifacts<'a> {
    pub bucket: Option<&'a str>,
    pub key: Option<&'a str>,
}

/// One role as it should be.
pub(super) fn role(
    target: &Target,
    declared: &DeployRoles,
    pipeline: &AccountId,
    which: DeployRole,
    artifacts: &Artifacts<'_>,
) -> Result<Role, String> {
    let mut statements = artifacts.statements(target.partition());
    let none = Vec::new();
    let (trust, managed) = match which {
        DeployRole::CodePipelineDeploy => {
            statements.extend(starting(target, declared));
            (Trust::account(target, pipeline), &none)
        }
        DeployRole::CodeBuildExec => {
            statements.push(logging());
            (Trust::service("codebuild.amazonaws.com"), declared.build_policies.as_ref().unwrap_or(&none))
        }
        DeployRole::CloudFormationExec => {
            let default = vec!["PowerUserAccess".to_owned()];
            let managed = declared.execution_policies.clone().unwrap_or(default);
            return whole(target, declared, Trust::service("cloudformation.amazonaws.com"), &managed, statements);
        }
    };
    whole(target, declared, trust, managed, statements)
}

fn whole(
    target: &Target,
    declared: &DeployRoles,
    trust: Trust,
    managed: &[String],
    statements: Vec<Value>,
) -> Result<Role, String> {
    let own = json!({ "Version": "2012-10-17", "Statement": statements });
    Ok(Role {
        trust: trust.document(),
        policies: roles::policies(target, managed)?,
        inline: if statements.is_empty() { BTreeMap::new() } else { [(NAME.to_owned(), own)].into() },
        boundary: declared.boundary.as_ref().map(|boundary| roles::policy(target, boundary)).transpose()?,
        ..Role::default()
    })
}

impl Artifacts<'_> {
    /// What whoever takes and leaves artifacts may do.
    fn statements(&self, partition: Partition) -> Vec<Value> {
        let mut statements = Vec::new();
        if let Some(bucket) = self.bucket {
            let arn = bucket_arn(partition, bucket);
            statements.push(json!({ "Effect": "Allow", "Action": OBJECTS, "Resource": format!("{arn}/*") }));
            statements.push(json!({ "Effect": "Allow", "Action": BUCKET, "Resource": arn }));
        }
        if let Some(key) = self.key {
            statements.push(json!({ "Effect": "Allow", "Action": KEY, "Resource": key }));
        }
        statements
    }
}

/// What artifacts are read and written with.
pub(super) const OBJECTS: [&str; 3] = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"];
/// What their bucket is asked.
pub(super) const BUCKET: [&str; 3] = ["s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket"];
/// What they are encrypted and decrypted with.
pub(super) const KEY: [&str; 5] =
    ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"];

/// The ARN of a bucket, which names neither region nor account.
pub(super) fn bucket_arn(partition: Partition, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", partition.id())
}

/// What the pipeline's account starts in this one: stacks and builds, each under a role of its own.
fn starting(target: &Target, declared: &DeployRoles) -> Vec<Value> {
    let mut statements = vec![json!({ "Effect": "Allow", "Resource": "*", "Action": [
        "cloudformation:CreateChangeSet", "cloudformation:CreateStack", "cloudformation:DeleteChangeSet",
        "cloudformation:DeleteStack", "cloudformation:DescribeChangeSet", "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks", "cloudformation:ExecuteChangeSet", "cloudformation:GetTemplate",
        "cloudformation:SetStackPolicy", "cloudformation:UpdateStack", "cloudformation:ValidateTemplate",
    ] })];
    if declared.which().contains(&DeployRole::CloudFormationExec) {
        let role = target.labelled(DeployRole::CloudFormationExec.name());
        let arn = Arn::iam(target.partition(), &target.account.id, &format!("role/{role}"));
        let only = json!({ "StringEquals": { "iam:PassedToService": "cloudformation.amazonaws.com" } });
        statements.push(json!({ "Effect": "Allow", "Action": "iam:PassRole", "Resource": arn, "Condition": only }));
    }
    if declared.which().contains(&DeployRole::CodeBuildExec) {
        statements.push(json!({ "Effect": "Allow", "Resource": "*", "Action": [
            "codebuild:BatchGetBuildBatches", "codebuild:BatchGetBuilds", "codebuild:StartBuild",
            "codebuild:StartBuildBatch", "codebuild:StopBuild",
        ] }));
    }
    statements
}

fn logging() -> Value {
    json!({ "Effect": "Allow", "Resource": "*", "Action": [
        "codebuild:BatchPutTestCases", "codebuild:CreateReport", "codebuild:CreateReportGroup",
        "codebuild:UpdateReport", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
    ] })
}
