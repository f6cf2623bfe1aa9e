//! Deploys `infra/template.yaml` into the local stack as the README does into AWS: artifacts to a bucket, the template
//! through CloudFormation with the SAM transform.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forester::aws::Scope;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::world::text;
use crate::{Outcome, environment};

/// The functions, as their binaries are called.
pub const FUNCTIONS: [&str; 6] =
    ["account-baseline", "sandbox-reset", "budget-router", "alarm-fanout", "alert-delivery", "alert-actions"];

const ARTIFACTS: &str = "forester-artifacts";
const STACK: &str = "forester";
const LIMIT: Duration = Duration::from_secs(120);

/// The last of the functions' variables in the template; here they get one more, which lets webhooks be on loopback.
const OUTBOX_VARIABLE: &str = "FORESTER_OUTBOX: !Ref OutboxQueue";

/// Writes `bootstrap` (argument 1) into a zip (argument 2) with the mode that Lambda needs; stored, because speed
/// counts here and size does not.
const ZIP: &str = "
import sys, zipfile
entry = zipfile.ZipInfo('bootstrap', (1980, 1, 1, 0, 0, 0))
entry.external_attr = 0o100755 << 16
with zipfile.ZipFile(sys.argv[2], 'w') as archive, open(sys.argv[1], 'rb') as binary:
    archive.writestr(entry, binary.read())
";

/// What CloudFormation made.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
    /// Physical ids by logical id.
    pub resources: BTreeMap<String, String>,
}

impl Deployment {
    /// An output of the template.
    pub fn output(&self, name: &str) -> Outcome<&str> {
        Ok(self.outputs.get(name).ok_or_else(|| format!("the stack has no output {name}: {:?}", self.outputs))?)
    }

    /// The physical id of a resource of the template.
    pub fn resource(&self, name: &str) -> Outcome<&str> {
        Ok(self.resources.get(name).ok_or_else(|| format!("the stack has no resource {name}: {:?}", self.resources))?)
    }
}

/// Uploads configuration and functions, and creates the stack in `home`'s account.
pub async fn deploy(home: &Scope, config: &str, parameters: &[(&str, &str)]) -> Outcome<Deployment> {
    home.call("s3", "CreateBucket", json!({ "Bucket": ARTIFACTS })).await?;
    upload(home, "forester.yaml", config.as_bytes()).await?;
    // Through a bucket, as `aws cloudformation deploy --s3-bucket` does: what is sent along may have 51,200 bytes.
    upload(home, "template.yaml", with_artifacts(home).await?.as_bytes()).await?;
    let config_uri = format!("s3://{ARTIFACTS}/forester.yaml");
    let given = [("ConfigUri", config_uri.as_str()), ("ConfigBucket", ARTIFACTS), ("Architecture", "x86_64")];
    let parameters: Vec<Value> = given
        .iter()
        .chain(parameters)
        .map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value }))
        .collect();
    let template = format!("https://s3.amazonaws.com/{ARTIFACTS}/template.yaml");
    let stack = json!({
        "StackName": STACK, "TemplateURL": template, "Parameters": parameters,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    });
    home.call("cloudformation", "CreateStack", stack).await?;
    created(home).await
}

/// Creates the stack of `infra/member.yaml` in a member, as its StackSet would be named there, and lets resets in or not.
pub async fn admit(member: &Scope, home: &Scope, deployment: &Deployment, reset: &str) -> Outcome<()> {
    let template = std::fs::read_to_string(environment::root()?.join("infra/member.yaml"))?;
    let organization = home.call("organizations", "DescribeOrganization", json!({})).await?;
    let organization = text(&organization, "/Organization/Id")?;
    let given = [
        ("HomeAccount", home.account().as_ref()),
        ("HomeBus", deployment.output("BusArn")?),
        ("BudgetQueueArn", deployment.output("BudgetQueueArn")?),
        ("TrustedRoles", deployment.output("FunctionRoles")?),
        ("OrganizationId", &organization),
        ("Reset", reset),
    ];
    let parameters = given.map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value }));
    let stack = json!({
        "StackName": "StackSet-forester-member", "TemplateBody": template, "Parameters": parameters,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    });
    member.call("cloudformation", "CreateStack", stack).await?;
    Ok(())
}

async fn upload(home: &Scope, key: &str, body: &[u8]) -> Outcome<()> {
    let object = json!({ "Bucket": ARTIFACTS, "Key": key, "Body": STANDARD.encode(body) });
    home.call("s3", "PutObject", object).await?;
    Ok(())
}

/// The template with its local paths replaced by uploaded objects, which is what `aws cloudformation package` does.
async fn with_artifacts(home: &Scope) -> Outcome<String> {
    let infra = environment::root()?.join("infra");
    let mut template = std::fs::read_to_string(infra.join("template.yaml"))?;
    for name in FUNCTIONS {
        let zip = zipped(name).await?;
        upload(home, &format!("{name}.zip"), &zip).await?;
        template = template.replace(&format!("../dist/{name}.zip"), &format!("s3://{ARTIFACTS}/{name}.zip"));
    }
    template = template.replace(OUTBOX_VARIABLE, &format!("{OUTBOX_VARIABLE}\n        FORESTER_ALLOW_LOOPBACK: '1'"));
    let machine = std::fs::read(infra.join("statemachines/sandbox-reset.asl.json"))?;
    upload(home, "sandbox-reset.asl.json", &machine).await?;
    let uploaded = format!("s3://{ARTIFACTS}/sandbox-reset.asl.json");
    Ok(template.replace("statemachines/sandbox-reset.asl.json", &uploaded))
}

async fn zipped(name: &str) -> Outcome<Vec<u8>> {
    let binary = environment::binaries()?.join(name);
    let here = |suffix: &str| std::env::temp_dir().join(format!("forester-{}-{name}.{suffix}", std::process::id()));
    let (bare, target) = (here("bare"), here("zip"));
    // Without its symbols a quick build weighs a fifth.
    run(Command::new("strip").args(["-o", path(&bare)?, path(&binary)?])).await?;
    run(Command::new(environment::python()?).args(["-c", ZIP, path(&bare)?, path(&target)?])).await?;
    let zip = std::fs::read(&target)?;
    std::fs::remove_file(&bare)?;
    std::fs::remove_file(&target)?;
    Ok(zip)
}

async fn run(command: &mut Command) -> Outcome<()> {
    let status = command.status().await.map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}

fn path(path: &Path) -> Outcome<&str> {
    Ok(path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))?)
}

async fn created(home: &Scope) -> Outcome<Deployment> {
    let began = std::time::Instant::now();
    loop {
        let answer = home.call("cloudformation", "DescribeStacks", json!({ "StackName": STACK })).await?;
        let status = text(&answer, "/Stacks/0/StackStatus")?;
        match status.as_str() {
            "CREATE_COMPLETE" => return described(home, &answer).await,
            "CREATE_IN_PROGRESS" if began.elapsed() < LIMIT => tokio::time::sleep(Duration::from_millis(200)).await,
            _ => return Err(format!("the stack is {status} after {:?}: {}", began.elapsed(), why(home).await?).into()),
        }
    }
}

async fn why(home: &Scope) -> Outcome<String> {
    let events = home.call("cloudformation", "DescribeStackEvents", json!({ "StackName": STACK })).await?;
    let failed = |event: &&Value| event["ResourceStatus"].as_str().is_some_and(|status| status.ends_with("FAILED"));
    let failed: Vec<&Value> = events["StackEvents"].as_array().into_iter().flatten().filter(failed).collect();
    Ok(serde_json::to_string(&failed)?)
}

async fn described(home: &Scope, stacks: &Value) -> Outcome<Deployment> {
    let resources = home.call("cloudformation", "DescribeStackResources", json!({ "StackName": STACK })).await?;
    let pairs = |list: Option<&Value>, key: &str, value: &str| -> BTreeMap<String, String> {
        let entries = list.and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(|entry| Some((entry[key].as_str()?.to_owned(), entry[value].as_str()?.to_owned()))).collect()
    };
    Ok(Deployment {
        outputs: pairs(stacks.pointer("/Stacks/0/Outputs"), "OutputKey", "OutputValue"),
        resources: pairs(resources.get("StackResources"), "LogicalResourceId", "PhysicalResourceId"),
    })
}
