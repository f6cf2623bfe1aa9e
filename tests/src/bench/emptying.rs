//! What emptying an account costs as the account grows: calls, time and memory of the real client, engine and store
//! against an AWS that answers at once, for 100 to 100,000 resources. Figures, no verdict.
//!
//! The emulated AWS is no measure here: at a few milliseconds of Python a call it would be all that is seen. So four
//! lists are answered from memory: one that is paged by 100, one by 1,000, one by 50, and one whose items are deleted ten
//! at a time. Two of the four are still listed after their delete until they are looked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use forester::aws::{AccessRoles, CallError, Entry, Sdk, SdkAccounts};
use forester::config::Config;
use forester::org::{Account, AccountState, Directory};
use forester::reset::catalogue::Catalogue;
use forester::reset::{Baseliner, Declared, Handover, Next, Nobody, Order, Reset};
use forester::store::{DirectoryObjects, MemoryStore};
use forester::types::{AccountId, Region};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Outcome;
use crate::http::{Request, Response, Server};
use crate::runtime_api::memory_of;

const HOME: &str = "111122223333";
const SANDBOX: &str = "555566667777";
const REGIONS: [&str; 4] = ["ap-southeast-2", "eu-central-1", "eu-west-1", "us-east-1"];

const CONFIG: &str = r#"
version: 1
mode: organization
home_region: eu-west-1
regions: {govern: [eu-west-1]}
access: {role: OrganizationAccountAccessRole}
sandbox:
  match: {ou: Sandbox, tag: {forester-sandbox: "true"}}
  rescan_after: 0s
  default_vpc: delete
  freeze: off
  costs: none
  witnesses: {ask: []}
  guards: {first_run: delete}
  limits: {deletes: 1000000}
"#;

/// The types, in the catalogue's form: the service, its entry, the page and how many go in one call.
const TYPES: [(&str, &str, usize, usize); 4] = [
    (
        "dynamodb",
        r#"
            [[type]]
            name = "AWS::DynamoDB::Table"
            phase = "data"
            id = "{$}"
            list = { operation = "ListTables", items = "TableNames[]" }
            delete = [{ operation = "DeleteTable", params = { TableName = "{$}" } }]
            gone = "listed"
        "#,
        100,
        1,
    ),
    (
        "sqs",
        r#"
            [[type]]
            name = "AWS::SQS::Queue"
            phase = "data"
            id = "{$}"
            list = { operation = "ListQueues", params = { MaxResults = 1000 }, items = "QueueUrls[]" }
            delete = [{ operation = "DeleteQueue", params = { QueueUrl = "{$}" } }]
            gone = "listed"
        "#,
        1000,
        1,
    ),
    (
        "logs",
        r#"
            [[type]]
            name = "AWS::Logs::LogGroup"
            phase = "logs"
            id = "{logGroupName}"
            list = { operation = "DescribeLogGroups", items = "logGroups[]" }
            delete = [{ operation = "DeleteLogGroup", params = { logGroupName = "{logGroupName}" } }]
        "#,
        50,
        1,
    ),
    (
        "ssm",
        r#"
            [[type]]
            name = "AWS::SSM::Parameter"
            phase = "data"
            id = "{Name}"
            list = { operation = "DescribeParameters", params = { MaxResults = 50 }, items = "Parameters[]" }
            delete = [{ operation = "DeleteParameter", params = { Name = "{Name}" } }]
            batch = { operation = "DeleteParameters", list = "Names", each = "{Name}", size = 10, failures = "InvalidParameters[]" }
        "#,
        50,
        10,
    ),
];

/// What one size cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Emptying {
    /// How many resources there were.
    pub resources: usize,
    /// Calls that AWS saw.
    pub calls: usize,
    /// The fewest that can do it: one a page, one a deletion, or one for as many as a call takes.
    pub floor: usize,
    /// From the first slice to the end.
    pub seconds: f64,
    /// The most memory that the process held.
    pub peak_kib: u64,
    /// Slices that it took.
    pub slices: usize,
    /// The largest checkpoint.
    pub checkpoint: u64,
    /// What was proved.
    pub verdict: String,
    /// What is still there.
    pub left: usize,
}

/// What is in the account, by region and service.
#[derive(Debug, Default)]
struct World {
    things: BTreeMap<(String, String), BTreeSet<String>>,
    calls: usize,
}

type Shared = Arc<Mutex<World>>;

/// Measures one size: the account is answered for by this process, and emptied by another, whose memory counts.
pub async fn measure(resources: usize) -> Outcome<Emptying> {
    let world: Shared = Arc::new(Mutex::new(seeded(resources)));
    let floor = floor(&world);
    let shared = Arc::clone(&world);
    let server = Server::start(move |request| {
        let answer = answer(&shared, &request);
        async move { answer }
    })
    .await?;
    let program = std::env::current_exe()?;
    let mut command = tokio::process::Command::new(program);
    command.args(["--empty", &server.url()]).env_remove("AWS_ENDPOINT_URL").kill_on_drop(true);
    let output = command.stderr(std::process::Stdio::inherit()).output().await?;
    if !output.status.success() {
        return Err(format!("the process that empties ended with {}", output.status).into());
    }
    let emptied: Emptying = serde_json::from_slice(&output.stdout)?;
    let world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let left = world.things.values().map(BTreeSet::len).sum();
    Ok(Emptying { resources, calls: world.calls, floor, left, ..emptied })
}

fn seeded(resources: usize) -> World {
    let mut world = World::default();
    for n in 0..resources {
        let cell = n % (TYPES.len() * REGIONS.len());
        let (Some(region), Some((service, ..))) = (REGIONS.get(cell % REGIONS.len()), TYPES.get(cell / REGIONS.len()))
        else {
            continue;
        };
        let name =
            if *service == "sqs" { format!("https://sqs/{SANDBOX}/name-{n:06}") } else { format!("name-{n:06}") };
        world.things.entry(((*region).to_owned(), (*service).to_owned())).or_default().insert(name);
    }
    world
}

fn floor(world: &Shared) -> usize {
    let world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let mut calls = 0;
    for (service, _, page, batch) in TYPES {
        for region in REGIONS {
            let there = world.things.get(&(region.to_owned(), service.to_owned())).map_or(0, BTreeSet::len);
            calls += there.div_ceil(page).max(1) + there.div_ceil(batch);
        }
    }
    calls
}

/// An answer of AWS's. Who asks, and where, is told by the signature.
fn answer(world: &Shared, request: &Request) -> Response {
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let signed = request.headers.get("authorization").map(String::as_str).unwrap_or_default();
    let mut scope = signed.split("Credential=").nth(1).unwrap_or_default().split('/');
    let (key, region) = (scope.next().unwrap_or_default().to_owned(), scope.nth(1).unwrap_or_default().to_owned());
    let text = String::from_utf8_lossy(&request.body);
    let xml = |name: &str, inner: &str| {
        let body = format!("<{name}Response><{name}Result>{inner}</{name}Result></{name}Response>");
        Response { status: 200, headers: vec![("content-type", "text/xml".to_owned())], body: body.into_bytes() }
    };
    if text.contains("Action=GetCallerIdentity") {
        let account = if key == "AKIDMEMBER" { SANDBOX } else { HOME };
        return xml("GetCallerIdentity", &format!("<Account>{account}</Account>"));
    }
    if text.contains("Action=AssumeRole") {
        let keys = "<AccessKeyId>AKIDMEMBER</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
            <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>";
        let whose = format!("<Arn>arn:aws:sts::{SANDBOX}:assumed-role/Forester/forester</Arn>");
        return xml(
            "AssumeRole",
            &format!("<Credentials>{keys}</Credentials><AssumedRoleUser>{whose}</AssumedRoleUser>"),
        );
    }
    if text.contains("Action=DescribeRegions") {
        let items: String =
            REGIONS.iter().map(|region| format!("<item><regionName>{region}</regionName></item>")).collect();
        let body = format!("<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>");
        return Response {
            status: 200,
            headers: vec![("content-type", "text/xml".to_owned())],
            body: body.into_bytes(),
        };
    }
    // What the guards look for in the account (stacks, aliases): there is none.
    if let Some(action) = text.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        return xml(action, "");
    }
    world.calls += 1;
    let target = request.headers.get("x-amz-target").cloned().unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let params: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    Response::json(200, execute(&mut world, &region, operation, &params).to_string())
}

fn execute(world: &mut World, region: &str, operation: &str, params: &Value) -> Value {
    let cell = |service: &str| (region.to_owned(), service.to_owned());
    let text = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut page = |service: &str, token: &str, size: usize| -> (Vec<String>, Option<String>) {
        let from = text(token);
        let there = world.things.entry(cell(service)).or_default();
        let names: Vec<String> = there.range((Excluded(from), Unbounded)).take(size).cloned().collect();
        let more = names.len() == size && names.last().is_some_and(|last| there.last() != Some(last));
        let next = names.last().filter(|_| more).cloned();
        (names, next)
    };
    match operation {
        "ListTables" => {
            let (names, next) = page("dynamodb", "ExclusiveStartTableName", 100);
            json!({ "TableNames": names, "LastEvaluatedTableName": next })
        }
        "ListQueues" => {
            let (names, next) = page("sqs", "NextToken", 1000);
            json!({ "QueueUrls": names, "NextToken": next })
        }
        "DescribeLogGroups" => {
            let (names, next) = page("logs", "nextToken", 50);
            let groups: Vec<Value> = names.iter().map(|name| json!({ "logGroupName": name })).collect();
            json!({ "logGroups": groups, "nextToken": next })
        }
        "DescribeParameters" => {
            let (names, next) = page("ssm", "NextToken", 50);
            let parameters: Vec<Value> = names.iter().map(|name| json!({ "Name": name })).collect();
            json!({ "Parameters": parameters, "NextToken": next })
        }
        "DeleteParameters" => {
            let names: Vec<String> =
                params.get("Names").and_then(|names| serde_json::from_value(names.clone()).ok()).unwrap_or_default();
            let there = world.things.entry(cell("ssm")).or_default();
            names.iter().for_each(|name| _ = there.remove(name));
            json!({ "DeletedParameters": names, "InvalidParameters": [] })
        }
        _ => {
            let found = [("dynamodb", "TableName"), ("sqs", "QueueUrl"), ("logs", "logGroupName"), ("ssm", "Name")];
            for (service, member) in found {
                world.things.entry(cell(service)).or_default().remove(&text(member));
            }
            json!({})
        }
    }
}

/// Empties the account that is answered for at `url`, and tells what it took; for a process of its own.
pub async fn empty(url: &str) -> Outcome<Emptying> {
    let directory = std::env::temp_dir().join(format!("forester-emptying-{}", std::process::id()));
    let reset = reset(url, &directory).await?;
    let began = Instant::now();
    let account: AccountId = SANDBOX.parse()?;
    let (mut slices, mut checkpoint) = (0, 0);
    let report = loop {
        let deadline = Timestamp::now().checked_add(SignedDuration::from_mins(10))?;
        let slice = format!("slice-{slices}");
        let order =
            Order { account: account.clone(), run: "run".to_owned(), plan: None, slice, deadline, insists: true };
        let report = reset.slice(&order).await?;
        slices += 1;
        checkpoint = largest(&directory).max(checkpoint);
        match report.next {
            Next::Continue => {}
            Next::Wait => tokio::time::sleep(Duration::from_secs(report.seconds)).await,
            Next::Done | Next::Stuck | Next::Refused => break report,
        }
    };
    std::fs::remove_dir_all(&directory).ok();
    Ok(Emptying {
        resources: 0,
        calls: 0,
        floor: 0,
        seconds: began.elapsed().as_secs_f64(),
        peak_kib: memory_of(std::process::id()).map_or(0, |memory| memory.peak_kib),
        slices,
        checkpoint,
        verdict: report.verdict.map_or_else(|| report.progress.clone(), |verdict| verdict.to_string()),
        left: 0,
    })
}

/// The largest file below a directory that is a checkpoint.
fn largest(directory: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => largest(&entry.path()),
        Ok(meta) if entry.file_name().to_string_lossy().starts_with("checkpoint") => meta.len(),
        _ => 0,
    };
    entries.map(size).max().unwrap_or_default()
}

async fn reset(url: &str, directory: &std::path::Path) -> Outcome<Reset> {
    let region: Region = "eu-west-1".parse()?;
    let sdk = Sdk::at(url, "AKIDHOME", &region).await;
    let roles = AccessRoles { role: "OrganizationAccountAccessRole".to_owned(), fallback: Vec::new() };
    let files: Vec<(&str, &str)> = TYPES.iter().map(|(service, text, ..)| (*service, *text)).collect();
    Ok(Reset {
        config: Arc::new(Config::parse(CONFIG, "forester.yaml").map_err(|problems| format!("{problems:?}"))?),
        accounts: Arc::new(SdkAccounts::new(&sdk, roles, Entry::AssumeRole)),
        directory: Arc::new(Sandbox),
        store: Arc::new(MemoryStore::default()),
        objects: Arc::new(DirectoryObjects::new(directory)),
        baseliner: Arc::new(Sandbox),
        people: Arc::new(Nobody),
        catalogue: Box::leak(Box::new(Catalogue::read(&files)?)),
        clock: Arc::new(Timestamp::now),
    })
}

/// An organization of one account, without a baseline.
struct Sandbox;

#[async_trait]
impl Directory for Sandbox {
    async fn accounts(&self) -> Result<Vec<Account>, CallError> {
        let sandbox = SANDBOX.parse().ok().zip("Sandbox".parse().ok()).map(|(id, ou)| Account {
            id,
            name: "sbx".to_owned(),
            email: None,
            state: AccountState::Active,
            ou,
            tags: BTreeMap::from([("forester-sandbox".to_owned(), "true".to_owned())]),
            joined: None,
        });
        Ok(sandbox.into_iter().collect())
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError> {
        Ok(self.accounts().await?.into_iter().find(|account| account.id == *id))
    }

    async fn privileged(&self) -> Result<Vec<AccountId>, CallError> {
        Ok(HOME.parse().into_iter().collect())
    }
}

#[async_trait]
impl Baseliner for Sandbox {
    async fn declared(&self, _: &AccountId) -> Result<Declared, String> {
        Ok(Declared::default())
    }

    async fn baseline(&self, _: &AccountId) -> Result<Handover, String> {
        Ok(Handover { summary: "nothing is declared".to_owned(), failed: Vec::new() })
    }

    async fn seen(&self, _: &AccountId) -> Result<Option<Handover>, String> {
        Ok(None)
    }

    async fn holds(&self, _: &AccountId) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// A line a size.
pub fn table(rows: &[Emptying]) -> String {
    let head =
        "resources    calls    floor  a resource  seconds   calls/s  slices  checkpoint KiB  peak MiB  verdict  left\n";
    let mut text = head.to_owned();
    for row in rows {
        let (calls, resources) = (row.calls as f64, row.resources.max(1) as f64);
        text.push_str(&format!(
            "{:>9} {:>8} {:>8} {:>11.2} {:>8.1} {:>9.0} {:>7} {:>15} {:>9.1}  {:<7} {:>5}\n",
            row.resources,
            row.calls,
            row.floor,
            calls / resources,
            row.seconds,
            calls / row.seconds.max(0.001),
            row.slices,
            row.checkpoint / 1024,
            row.peak_kib as f64 / 1024.0,
            row.verdict,
            row.left,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_is_a_call_a_page_and_a_call_a_deletion() {
        // Ten of each type in each region: a page each, ten deletions each, and one for the ten that go at once.
        let world = Arc::new(Mutex::new(seeded(160)));
        assert_eq!(floor(&world), 4 * (4 + 10 + 10 + 10 + 1));
    }
}
