//! Deploys into the local stack by `forester deploy`, as a person would into AWS: with the packages of a quick build, and
//! one more variable in the template.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use forester::aws::Scope;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::command::{Ran, Terminal};
use crate::stack::Stack;
use crate::{Outcome, environment};

/// The functions, as their binaries are called.
pub const FUNCTIONS: [&str; 6] =
    ["account-baseline", "sandbox-reset", "budget-router", "alarm-fanout", "alert-delivery", "alert-actions"];

/// Where the packages and the file lie.
pub const BUCKET: &str = "forester-artifacts";
const STACK: &str = "forester";

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

/// A terminal with the file, the packages and the template, from which Forester is deployed.
pub struct Deployer {
    /// Where commands run.
    pub terminal: Terminal,
}

impl Deployer {
    /// Lays out what `forester deploy` reads, with `config` as the file.
    pub async fn prepare(stack: &Stack, config: &str) -> Outcome<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("deploy-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let terminal = Terminal::open(&name, config, Some(stack))?;
        let place = terminal.directory();
        std::fs::create_dir_all(place.join("dist"))?;
        for name in FUNCTIONS {
            zip(name, &place.join("dist")).await?;
        }
        std::fs::write(place.join("dist/architecture"), "x86_64\n")?;
        let template = std::fs::read_to_string(environment::root()?.join("infra/template.yaml"))?;
        let template =
            template.replace(OUTBOX_VARIABLE, &format!("{OUTBOX_VARIABLE}\n        FORESTER_ALLOW_LOOPBACK: '1'"));
        std::fs::write(place.join("template.yaml"), template)?;
        Ok(Self { terminal })
    }

    /// Runs `forester deploy` with these arguments beside the usual ones.
    pub async fn run(&self, arguments: &[&str]) -> Outcome<Ran> {
        let usual = ["deploy", BUCKET, "--template", "template.yaml", "--output", "json"];
        self.terminal.run(&[&usual, arguments].concat()).await
    }
}

/// Deploys into `home`'s account; `arguments` are further ones of `forester deploy`.
pub async fn deploy(stack: &Stack, home: &Scope, config: &str, arguments: &[&str]) -> Outcome<Deployment> {
    let ran = Deployer::prepare(stack, config).await?.run(&[&["--yes"], arguments].concat()).await?;
    // The world of a test is rarely all that `doctor` asks for.
    if !matches!(ran.code, 0 | 4) {
        return Err(format!("forester deploy ended with {}: {}", ran.code, ran.stderr).into());
    }
    described(home).await
}

/// What is deployed now.
pub async fn described(home: &Scope) -> Outcome<Deployment> {
    let named = json!({ "StackName": STACK });
    let stacks = home.call("cloudformation", "DescribeStacks", named.clone()).await?;
    let resources = home.call("cloudformation", "DescribeStackResources", named).await?;
    let pairs = |list: Option<&Value>, key: &str, value: &str| -> BTreeMap<String, String> {
        let entries = list.and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(|entry| Some((entry[key].as_str()?.to_owned(), entry[value].as_str()?.to_owned()))).collect()
    };
    Ok(Deployment {
        outputs: pairs(stacks.pointer("/Stacks/0/Outputs"), "OutputKey", "OutputValue"),
        resources: pairs(resources.get("StackResources"), "LogicalResourceId", "PhysicalResourceId"),
    })
}

/// Packs a function into `NAME.zip` in a directory.
async fn zip(name: &str, directory: &Path) -> Outcome<()> {
    let (bare, target) = (directory.join(name), directory.join(name).with_extension("zip"));
    // Without its symbols a quick build weighs a fifth.
    run(Command::new("strip").args(["-o", path(&bare)?, path(&environment::binaries()?.join(name))?])).await?;
    run(Command::new(environment::python()?).args(["-c", ZIP, path(&bare)?, path(&target)?])).await?;
    std::fs::remove_file(&bare)?;
    Ok(())
}

async fn run(command: &mut Command) -> Outcome<()> {
    let status = command.status().await.map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}

fn path(path: &Path) -> Outcome<&str> {
    Ok(path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))?)
}
