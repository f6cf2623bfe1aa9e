//! What a flood runs over: the stack, the deployed template, the lanes' ends, and the library's own parts wired to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use forester::aws::dynamodb::Table;
use forester::aws::{AccessRoles, Accounts, Entry, Scope, Sdk, SdkAccounts};
use forester::config::Config;
use forester::store::{DirectoryObjects, DynamoStore};
use forester::{Forester, Settings, org};
use serde_json::{Value, json};

use super::cloud::Cloud;
use super::lanes::{LANES, Lane, ROOT};
use super::recorder::{Recorder, Taken};
use crate::Outcome;
use crate::deploy::{Deployment, deploy};
use crate::http::{Response, Server};
use crate::stack::Stack;
use crate::world::{HOME, as_root, text};

/// The ground of a flood.
pub struct Ground {
    /// The emulators.
    pub stack: Stack,
    /// The management account as its root.
    pub home: Scope,
    /// What CloudFormation made.
    pub deployment: Deployment,
    /// Looks nothing up: an AWS that refuses everything, so that nothing may be held up by that.
    pub router: Forester,
    /// Delivers.
    pub deliverer: Forester,
    /// The way to the table in this process: past the gateway, because ten calls of eleven are the table's.
    table: Sdk,
    recorders: BTreeMap<&'static str, Recorder>,
    cloud: Cloud,
    _refusing: Server,
}

impl Ground {
    /// Starts, fills and deploys everything.
    pub async fn lay() -> Outcome<Self> {
        let stack = Stack::start().await?;
        let sdk = stack.sdk(&HOME.parse()?).await;
        let home = as_root(&sdk, &stack.management).await?;
        let mut recorders = BTreeMap::new();
        for lane in LANES.into_iter().chain([ROOT]).filter(|lane| !lane.is_in_the_stack()) {
            recorders.insert(lane.name, Recorder::listen(lane).await?);
        }
        let urls = recorders.iter().map(|(name, recorder)| (*name, recorder.url())).collect();
        let cloud = Cloud::make(&home, &urls).await?;
        let text = configuration(&urls.into_iter().chain(cloud.ends.clone()).collect());
        let deployment = deploy(&stack, &home, &text, &[]).await?;
        let refusing =
            Server::start(|_| async { Response::json(403, r#"{"__type":"AccessDeniedException"}"#) }).await?;
        let nowhere = Sdk::at(&refusing.url(), stack.management.as_ref(), &HOME.parse()?).await;
        let table = Sdk::at(&stack.event_plane, stack.management.as_ref(), &HOME.parse()?).await;
        let router = wired(&text, &deployment, [&sdk, &table, &nowhere])?;
        let deliverer = wired(&text, &deployment, [&sdk, &table, &sdk])?;
        Ok(Self { stack, home, deployment, router, deliverer, table, recorders, cloud, _refusing: refusing })
    }

    /// The outbox's URL.
    pub fn outbox(&self) -> Outcome<&str> {
        self.deployment.output("OutboxUrl")
    }

    /// Takes the deployed deliverer from the outbox, so that this process may read it.
    pub async fn unplug(&self) -> Outcome<()> {
        let function = self.deployment.resource("AlertDelivery")?;
        let found = self.home.call("lambda", "ListEventSourceMappings", json!({ "FunctionName": function })).await?;
        let mapping = text(&found, "/EventSourceMappings/0/UUID")?;
        self.home.call("lambda", "DeleteEventSourceMapping", json!({ "UUID": mapping })).await?;
        Ok(())
    }

    /// Makes AWS busy at times: what sends and what remembers is throttled, fails, or answers nobody.
    pub async fn trouble(&self) -> Outcome<()> {
        let faults = [
            ("sns", "Publish", "throttle", 0.1),
            ("ses", "SendEmail", "throttle", 0.1),
            ("events", "PutEvents", "5xx", 0.1),
            ("dynamodb", "UpdateItem", "throttle", 0.002),
            ("dynamodb", "UpdateItem", "lost", 0.002),
            ("dynamodb", "GetItem", "5xx", 0.002),
            ("sqs", "SendMessage", "lost", 0.005),
        ];
        for (service, action, kind, share) in faults {
            let fault = json!({ "match": { "service": service, "action": action }, "kind": kind, "share": share });
            self.stack.control("faults", &fault).await?;
        }
        Ok(())
    }

    /// Puts a service's event on the default bus.
    pub async fn put_event(&self, event: &Value) -> Outcome<()> {
        self.stack.control("events", event).await.map(drop)
    }

    /// How many messages a queue has, those in flight included.
    pub async fn depth(&self, url: &str) -> Outcome<u64> {
        let wanted = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
        let answer = self.home.call("sqs", "GetQueueAttributes", wanted).await?;
        let count = |name: &str| answer["Attributes"][name].as_str().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        Ok(count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible"))
    }

    /// What every lane took, by its name.
    pub async fn taken(&self) -> Outcome<BTreeMap<&'static str, Taken>> {
        let mut taken: BTreeMap<_, _> =
            self.recorders.iter().map(|(name, recorder)| (*name, recorder.taken())).collect();
        for lane in LANES.into_iter().filter(Lane::is_in_the_stack) {
            taken.insert(lane.name, self.cloud.taken(&self.home, &self.stack, lane).await?);
        }
        Ok(taken)
    }

    /// The calls of each kind that the gateway saw after call `since`, and those of this process to the table.
    pub async fn calls(&self, since: u64) -> Outcome<BTreeMap<String, usize>> {
        let mut counts = BTreeMap::new();
        for (operation, count) in self.table.meter().by_operation() {
            counts.insert(operation, usize::try_from(count)?);
        }
        for call in self.stack.calls(since).await? {
            *counts.entry(format!("{}:{}", call.service, call.action.unwrap_or_default())).or_insert(0) += 1;
        }
        Ok(counts)
    }
}

/// The parts over the deployed table and queue: the ways to the queue, to the table, and to what is looked up.
fn wired(config: &str, deployment: &Deployment, [sdk, remembers, lookups]: [&Sdk; 3]) -> Outcome<Forester> {
    let config = Arc::new(Config::parse(config, "flood")?);
    let roles = AccessRoles { role: "R".to_owned(), fallback: Vec::new() };
    let accounts: Arc<dyn Accounts> = Arc::new(SdkAccounts::new(lookups, roles, Entry::AssumeRole));
    let directory = org::directory(&config, lookups, &accounts);
    let (table, outbox) = (deployment.resource("StateTable")?, deployment.output("OutboxUrl")?);
    let settings = Settings::from_env(|name| match name {
        "FORESTER_ALLOW_LOOPBACK" => Some("1".to_owned()),
        "FORESTER_TABLE" => Some(table.to_owned()),
        "FORESTER_OUTBOX" => Some(outbox.to_owned()),
        _ => None,
    })?;
    let store = Arc::new(DynamoStore::new(Table::new(remembers, table)));
    let objects = Arc::new(DirectoryObjects::new(std::env::temp_dir()));
    let sdk = sdk.clone();
    Ok(Forester { settings, config, sdk, accounts, directory, store, objects, mailbox: None, timers: None })
}

fn configuration(ends: &BTreeMap<&'static str, String>) -> String {
    let receiver = |lane: &Lane| {
        let end = ends.get(lane.name).map(String::as_str).unwrap_or_default();
        format!("    {}: [{}]\n", lane.name, lane.channel(end))
    };
    let receivers: String = LANES.iter().chain([&ROOT]).map(receiver).collect();
    let routes: String = LANES.iter().map(Lane::routes).collect();
    // A receiver that is slow under a flood is not to be told by another: what is counted here is what arrives.
    format!(
        "version: 1\nmode: virtual-root\nhome_region: {HOME}\nregions: {{govern: [{HOME}]}}\naccess: {{role: R}}\n\
         accounts:\n  root: {{id: \"111122223333\"}}\n  sbx: {{id: \"444455556666\"}}\n\
         alerts:\n  fallback: {{after: {{critical: 6h, high: 6h, medium: 6h, low: 6h, info: 6h}}}}\n  receivers:\n{receivers}  \
         route:\n    receiver: {}\n    routes:\n{routes}",
        ROOT.name
    )
}
