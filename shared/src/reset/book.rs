//! Where runs are kept: a small head in the store, written under a condition, that points at the checkpoint among the
//! large objects; and a lock an account.
//!
//! The head makes a run resumable after a kill at any point: the checkpoint is written first, under a name that nobody
//! else writes, and counts only once the head points at it. A slice that was taken for dead and wakes up again loses
//! both the lock and the head, and stops.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::guard::Refusal;
use super::state::{End, Run};
use super::verdict::Verdict;
use crate::store::{Item, Key, Objects, Store, StoreError, When};
use crate::types::AccountId;

/// The partition of all heads.
const RUNS: &str = "resets";

/// What a lock outlives the slice by.
const GRACE: SignedDuration = SignedDuration::from_secs(10);

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The run.
    pub run: String,
    /// Its account.
    pub account: AccountId,
    /// When it began.
    pub started: Timestamp,
    /// When it was saved last.
    pub updated: Timestamp,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// What it proved.
    pub verdict: Option<Verdict>,
    /// One line for people.
    pub progress: String,
    /// Where the checkpoint is.
    pub checkpoint: String,
    /// Where the receipt is, for people.
    pub receipt: Option<String>,
    /// Where the receipt is, for a browser.
    pub html: Option<String>,
    /// The account may be closing: from here on it need not be in use any more.
    #[serde(default)]
    pub closing: bool,
}

/// A run, opened for work.
pub struct Opened {
    /// The checkpoint.
    pub run: Run,
    /// The head as it was read or written last.
    pub head: Head,
    version: u64,
    saves: u64,
}

impl Opened {
    /// A checkpoint that is not of this run of this account is not worked on, wherever it came from.
    pub fn belongs_to(&self, run: &str, account: &AccountId) -> Result<(), Refusal> {
        let claims = [(&self.run.id, &self.run.account), (&self.head.run, &self.head.account)];
        match claims.into_iter().find(|(id, of)| *id != run || *of != account) {
            None => Ok(()),
            Some((id, of)) => Err(Refusal::Run(format!("run {run} belongs to account {of} (as run {id})"))),
        }
    }

    /// The guards of an account that is closing are fewer, and the head tells that it is: it must not say so of a run
    /// that does something else.
    pub fn is_of_one_piece(&self) -> Result<(), Refusal> {
        let closing = self.run.is_closing();
        if closing == self.head.closing {
            return Ok(());
        }
        let (run, account) = (&self.head.run, &self.head.account);
        let message = format!(
            "the head and the checkpoint of run {run} of {account} contradict each other about whether the account is \
             closing; somebody has changed one of them"
        );
        Err(Refusal::Run(message))
    }
}

/// The store and the objects.
#[derive(Clone, Copy)]
pub struct Book<'a> {
    /// Heads and locks.
    pub store: &'a dyn Store,
    /// Checkpoints and receipts.
    pub objects: &'a dyn Objects,
}

impl Book<'_> {
    /// The heads of all runs, oldest first within an account.
    pub async fn heads(&self, prefix: &str) -> Result<Vec<Head>, StoreError> {
        self.store.list(RUNS, prefix).await?.iter().map(Item::read).collect()
    }

    /// The head of one run.
    pub async fn head(&self, run: &str) -> Result<Option<Head>, StoreError> {
        self.store.get(&Key::new(RUNS, run)).await?.as_ref().map(Item::read).transpose()
    }

    /// The heads of an account's runs, oldest first. A name says nothing: a run belongs to the account that it is of.
    pub async fn of(&self, account: &AccountId) -> Result<Vec<Head>, StoreError> {
        Ok(self.heads(account.as_ref()).await?.into_iter().filter(|head| head.account == *account).collect())
    }

    /// The run of an account that has begun and not ended.
    pub async fn unfinished(&self, account: &AccountId) -> Result<Option<Head>, StoreError> {
        Ok(self.of(account).await?.into_iter().rfind(|head| head.end.is_none()))
    }

    /// The run, as it was saved last, or as `fresh` where it is new.
    pub async fn open(&self, fresh: Run) -> Result<Opened, StoreError> {
        let key = Key::new(RUNS, &fresh.id);
        let Some(item) = self.store.get(&key).await? else {
            let head = Head {
                run: fresh.id.clone(),
                account: fresh.account.clone(),
                started: fresh.started,
                updated: fresh.started,
                end: None,
                verdict: None,
                progress: String::new(),
                checkpoint: String::new(),
                receipt: None,
                html: None,
                closing: false,
            };
            return Ok(Opened { run: fresh, head, version: 0, saves: 0 });
        };
        let head: Head = item.read()?;
        let run = self.checkpoint(&key, &head).await?;
        Ok(Opened { run, head, version: item.version, saves: 0 })
    }

    /// A run as it was saved last.
    pub async fn load(&self, run: &str) -> Result<Option<Run>, StoreError> {
        match self.head(run).await? {
            Some(head) => self.checkpoint(&Key::new(RUNS, run), &head).await.map(Some),
            None => Ok(None),
        }
    }

    /// The checkpoint that a head points at.
    async fn checkpoint(&self, key: &Key, head: &Head) -> Result<Run, StoreError> {
        let corrupt = |message: String| StoreError::Corrupt { key: key.clone(), message };
        let body = self.objects.get(&head.checkpoint).await?;
        let body = body.ok_or_else(|| corrupt(format!("its checkpoint {} is missing", head.checkpoint)))?;
        serde_json::from_slice(&body).map_err(|error| corrupt(format!("checkpoint {}: {error}", head.checkpoint)))
    }

    /// Saves the run. `slice` names who saves: two slices never write the same object.
    pub async fn save(&self, opened: &mut Opened, slice: &str, now: Timestamp) -> Result<(), StoreError> {
        let Opened { run, head, version, saves } = opened;
        let key = Key::new(RUNS, &run.id);
        let corrupt = |error| StoreError::corrupt(&key, &error);
        // Two names a slice: the one that the head points at is never overwritten.
        let name = format!("resets/{}/{}/checkpoint-{slice}-{}.json", run.account, run.id, *saves % 2);
        self.objects.put(&name, &serde_json::to_vec(run).map_err(corrupt)?, "application/json").await?;
        (head.updated, head.end, head.checkpoint) = (now, run.end().cloned(), name);
        head.progress = run.progress();
        head.closing = run.is_closing();
        let when = if *version == 0 { When::AbsentAt(now) } else { When::Version(*version) };
        *version = self.store.put(&key, serde_json::to_value(&*head).map_err(corrupt)?, None, when).await?;
        *saves += 1;
        Ok(())
    }

    /// Takes the account's lock for a slice that ends by `deadline`.
    pub async fn lock(
        &self,
        account: &AccountId,
        holder: &str,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Lock, Busy> {
        let key = lock_of(account);
        let until = deadline.checked_add(GRACE).unwrap_or(deadline);
        match self.store.put(&key, json!({ "holder": holder }), Some(until), When::AbsentAt(now)).await {
            Ok(version) => Ok(Lock { key, version, holder: holder.to_owned() }),
            Err(StoreError::Lost { .. }) => Err(Busy::Refused(self.held(account, &key).await?)),
            Err(error) => Err(Busy::Store(error)),
        }
    }

    /// Takes the lock from whoever has it: a slice that was killed cannot give it back, and one that is alive loses it
    /// and stops at its next save. Returns who had it.
    pub async fn unlock(&self, account: &AccountId) -> Result<Option<String>, StoreError> {
        let key = lock_of(account);
        let Some(item) = self.store.get(&key).await? else { return Ok(None) };
        self.store.delete(&key, When::Version(item.version)).await?;
        Ok(Some(holder_of(&item).to_owned()))
    }

    async fn held(&self, account: &AccountId, key: &Key) -> Result<Refusal, StoreError> {
        let item = self.store.get(key).await?;
        let holder = item.as_ref().map_or("somebody", holder_of);
        let until = item.as_ref().and_then(|item| item.expires_at).map(|at| at.to_string());
        let until = until.unwrap_or_else(|| "it is done".to_owned());
        Ok(Refusal::Locked { account: account.clone(), holder: holder.to_owned(), until })
    }

    /// Proves that the lock is still ours, and holds it on until `deadline`.
    pub async fn renew(&self, lock: &mut Lock, deadline: Timestamp) -> Result<(), StoreError> {
        let until = deadline.checked_add(GRACE).unwrap_or(deadline);
        let (body, when) = (json!({ "holder": lock.holder }), When::Version(lock.version));
        lock.version = self.store.put(&lock.key, body, Some(until), when).await?;
        Ok(())
    }

    /// Gives the lock back. Losing it by then is no harm.
    pub async fn release(&self, lock: Lock) {
        if let Err(error) = self.store.delete(&lock.key, When::Version(lock.version)).await {
            tracing::debug!(%error, "the lock was not given back; it expires by itself");
        }
    }
}

fn lock_of(account: &AccountId) -> Key {
    Key::new(format!("reset#{account}"), "lock")
}

fn holder_of(item: &Item) -> &str {
    item.body.get("holder").and_then(Value::as_str).unwrap_or("somebody")
}

/// A lock that is held.
pub struct Lock {
    key: Key,
    version: u64,
    holder: String,
}

/// Why a lock was not had.
pub enum Busy {
    /// Somebody else has it.
    Refused(Refusal),
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Busy {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
