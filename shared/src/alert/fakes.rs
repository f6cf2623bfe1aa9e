//! What the tests of this capability stand on: answers of AWS by operation, an organization, a queue, an endpoint.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::spending::{Confirmation, Spending};
use crate::aws::budgets::{BudgetFacts, Budgets};
use crate::aws::sns::{Publication, Topics};
use crate::aws::sqs::Queue;
use crate::aws::{Accounts, Call, CallError, ErrorClass, Meter, Scope};
use crate::config::Config;
use crate::event::{Message, open};
use crate::job::Invocation;
use crate::org::{Account, AccountState, Directory};
use crate::store::{Item, Key, MemoryStore, Store, StoreError, When};
use crate::types::{AccountId, Region};

pub fn denied(service: &str, operation: &str) -> CallError {
    CallError {
        class: ErrorClass::Denied,
        service: service.to_owned(),
        operation: operation.to_owned(),
        account: "222233334444".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        code: Some("AccessDeniedException".to_owned()),
        message: "not authorized".to_owned(),
        request_id: None,
    }
}

/// Answers by operation, in order; the last answer stays. An operation without answers is denied.
#[derive(Default)]
pub struct FakeAws {
    answers: Mutex<BTreeMap<String, VecDeque<Value>>>,
    /// Every call: operation and parameters.
    pub calls: Mutex<Vec<(String, Value)>>,
    meter: Meter,
}

impl FakeAws {
    pub fn answering(answers: &[(&str, Value)]) -> Arc<Self> {
        let fake = Self::default();
        for (operation, answer) in answers {
            fake.answers.lock().unwrap().entry((*operation).to_owned()).or_default().push_back(answer.clone());
        }
        Arc::new(fake)
    }

    pub fn asked(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(name, _)| name == operation).map(|(_, params)| params.clone()).collect()
    }

    fn answer(&self, operation: &str, params: Value) -> Option<Value> {
        self.calls.lock().unwrap().push((operation.to_owned(), params));
        let mut answers = self.answers.lock().unwrap();
        let queue = answers.get_mut(operation)?;
        if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() }
    }
}

struct Client(Arc<FakeAws>);

#[async_trait]
impl Call for Client {
    async fn call(&self, service: &str, operation: &str, params: Value) -> Result<Value, CallError> {
        self.0.answer(operation, params).ok_or_else(|| denied(service, operation))
    }

    /// The members of every list in the answer, joined.
    async fn pages(&self, service: &str, operation: &str, params: Value) -> Result<Vec<Value>, CallError> {
        let answer = self.call(service, operation, params).await?;
        let lists = answer.as_object().unwrap().values().filter_map(Value::as_array);
        Ok(lists.flatten().cloned().collect())
    }
}

/// Ways into accounts, all of them the same fake.
pub struct FakeAccounts(pub Arc<FakeAws>);

#[async_trait]
impl Accounts for FakeAccounts {
    async fn scope(&self, account: &AccountId, region: &Region) -> Result<Scope, CallError> {
        Ok(Scope::new(account.clone(), region.clone(), Arc::new(Client(Arc::clone(&self.0)))))
    }

    async fn home(&self) -> Result<AccountId, CallError> {
        Ok("111122223333".parse().unwrap())
    }

    fn meter(&self) -> &Meter {
        &self.0.meter
    }
}

pub struct FakeBudgets(pub Option<BudgetFacts>);

#[async_trait]
impl Budgets for FakeBudgets {
    async fn describe(&self, _owner: &AccountId, _name: &str) -> Result<BudgetFacts, CallError> {
        self.0.clone().ok_or_else(|| denied("budgets", "DescribeBudget"))
    }
}

/// Two accounts: a sandbox with an owner, and a workload without.
pub struct FakeDirectory;

#[async_trait]
impl Directory for FakeDirectory {
    async fn accounts(&self) -> Result<Vec<Account>, CallError> {
        let account = |id: &str, name: &str, ou: &str, tags: &[(&str, &str)]| Account {
            id: id.parse().unwrap(),
            name: name.to_owned(),
            email: None,
            state: AccountState::Active,
            ou: ou.parse().unwrap(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            joined: None,
        };
        Ok(vec![
            account("444455556666", "sbx-ana", "Sandbox", &[("owner", "ana@acme.example")]),
            account("555566667777", "prod", "Workloads/Prod", &[]),
        ])
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError> {
        Ok(self.accounts().await?.into_iter().find(|account| account.id == *id))
    }

    async fn privileged(&self) -> Result<Vec<AccountId>, CallError> {
        Ok(Vec::new())
    }
}

/// Messages sent: body, group, deduplication id.
#[derive(Default)]
pub struct FakeQueue(pub Mutex<Vec<(String, String, String)>>);

#[async_trait]
impl Queue for FakeQueue {
    async fn send(&self, body: &str, group: &str, deduplication: &str) -> Result<(), CallError> {
        self.0.lock().unwrap().push((body.to_owned(), group.to_owned(), deduplication.to_owned()));
        Ok(())
    }

    async fn hide(&self, handle: &str, seconds: i32) -> Result<(), CallError> {
        self.0.lock().unwrap().push((format!("hide {handle}"), String::new(), seconds.to_string()));
        Ok(())
    }
}

/// Publications: topic, subject, message.
#[derive(Default)]
pub struct FakeTopics(pub Mutex<Vec<(String, String, String)>>);

#[async_trait]
impl Topics for FakeTopics {
    async fn publish(&self, p: Publication<'_>) -> Result<String, CallError> {
        self.0.lock().unwrap().push((p.topic.to_string(), p.subject.to_owned(), p.message.to_owned()));
        Ok("m-1".to_owned())
    }
}

/// A store that refuses one write: the `n`th from now, counted from 1. Others get their turn before each answer, as often
/// as `turns` says, so that runs at the same time meet in every way.
#[derive(Default)]
pub struct FlakyStore {
    inner: MemoryStore,
    pub turns: Mutex<VecDeque<u8>>,
    pub refuse: AtomicUsize,
    /// How many writes in a row are refused once it begins.
    pub times: AtomicUsize,
}

impl FlakyStore {
    async fn give_way(&self) {
        let turns = {
            let mut turns = self.turns.lock().unwrap();
            let next = turns.pop_front().unwrap_or(0);
            if next > 0 {
                turns.push_back(next);
            }
            next
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Store for FlakyStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        self.give_way().await;
        self.inner.get(key).await
    }

    async fn put(&self, key: &Key, body: Value, expires_at: Option<Timestamp>, when: When) -> Result<u64, StoreError> {
        self.give_way().await;
        let left = self.refuse.load(Ordering::Relaxed);
        if left == 1 && self.times.load(Ordering::Relaxed) > 0 {
            self.times.fetch_sub(1, Ordering::Relaxed);
            let action = format!("write {}", key.partition);
            return Err(StoreError::Unavailable { action, message: "the process is gone".to_owned() });
        }
        self.refuse.store(left.saturating_sub(1), Ordering::Relaxed);
        self.inner.put(key, body, expires_at, when).await
    }

    async fn delete(&self, key: &Key, when: When) -> Result<(), StoreError> {
        self.inner.delete(key, when).await
    }

    async fn list(&self, partition: &str, prefix: &str) -> Result<Vec<Item>, StoreError> {
        self.inner.list(partition, prefix).await
    }
}

/// A configuration with this `alerts` section.
pub fn config(alerts: Value) -> Arc<Config> {
    let file = json!({ "version": 1, "mode": "organization", "home_region": "eu-west-1", "regions": { "govern": [] },
        "access": { "role": "R" }, "alerts": alerts });
    Arc::new(serde_json::from_value(file).unwrap())
}

/// An invocation that begins at `started` and lasts `seconds`.
pub fn invocation(started: &str, seconds: i64) -> Invocation {
    let started: Timestamp = started.parse().unwrap();
    let deadline = started.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    Invocation { request_id: "r-1".to_owned(), started, deadline }
}

/// The samples of a function: the name of each, and its messages.
pub fn samples(function: &str) -> Vec<(String, Vec<Message>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(function);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |file: &Path| file.file_stem().unwrap().display().to_string();
    files.iter().map(|file| (name(file), messages(file))).collect()
}

/// The messages of one sample (`budget-router/actual-daily`).
pub fn sample(path: &str) -> Vec<Message> {
    messages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(format!("{path}.json")))
}

fn messages(file: &Path) -> Vec<Message> {
    let payload: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    open(&payload, "request-1").messages()
}

/// What an endpoint says that does not answer.
pub const SILENCE: &str = "";

/// A request as an endpoint saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let of =
            |line: &'_ str| line.split_once(": ").map(|(key, _)| key.eq_ignore_ascii_case(name)).unwrap_or_default();
        self.head.lines().find(|line| of(line)).and_then(|line| line.split_once(": ")).map(|(_, value)| value)
    }
}

/// An endpoint on this machine: gives the answers in order, then 200, and keeps what it saw. An answer is a status, header
/// lines, and after an empty line a body; `SILENCE` is none at all.
pub struct Endpoint {
    pub url: String,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Endpoint {
    pub async fn answering(answers: &[&str]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let mut answers: VecDeque<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                kept.lock().unwrap().push(request);
                let answer = answers.pop_front().unwrap_or_else(|| "200 OK\r\n".to_owned());
                if answer == SILENCE {
                    waiting.push(stream);
                    continue;
                }
                let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.trim_end(), ""));
                let length = body.len();
                let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, seen }
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// An `alerts` section that sends everything here, signed with the secret of `variable`.
    pub fn alerts(&self, secret: Option<&str>) -> Value {
        json!({"receivers": {"platform": [{"webhook": {"url": self.url, "secret": secret}}]},
            "route": {"receiver": "platform"}})
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> Seen {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let seen = Seen { head: head.to_owned(), body: body.to_owned() };
        let length = seen.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
        if n == 0 || body.len() >= length {
            return seen;
        }
    }
}

/// The spend of a sandbox's budget, so much of it spent.
pub fn spending(account: &str, percent: &str) -> Spending {
    Spending {
        owner: "111122223333".parse().unwrap(),
        budget: format!("sandbox-{account}"),
        account: Some(account.parse().unwrap()),
        start: "2026-11-01".parse().unwrap(),
        until: "2026-12-01T00:00:00Z".parse().unwrap(),
        percent: Some(percent.parse().unwrap()),
        is_cost: true,
        is_actual: true,
        confirmed: Confirmation::Yes,
    }
}
