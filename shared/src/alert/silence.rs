//! Silences that people give by command, beside those of the file: each with an author, a reason and an end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::digest;
use crate::config::alerts::Matchers;
use crate::store::{Item, Key, Store, StoreError, When};

/// A silence in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// Labels that must all match.
    pub r#match: Matchers,
    /// When it ends.
    pub until: Timestamp,
    /// Why.
    pub because: String,
    /// Who gave it.
    pub by: String,
    /// When it was given.
    pub since: Timestamp,
}

const PARTITION: &str = "silences";

impl Stored {
    /// A silence; everything wrong with it is told.
    pub fn new(r#match: Matchers, until: Timestamp, because: &str, by: &str, since: Timestamp) -> Result<Self, String> {
        let mut wrong: Vec<String> = r#match
            .problems("")
            .into_iter()
            .map(|(at, what)| format!("{}: {what}", at.trim_start_matches(".match.")))
            .collect();
        if r#match.is_empty() {
            wrong.push("this would silence everything; name at least one label".to_owned());
        }
        if because.trim().is_empty() {
            wrong.push("say why: it stands in reports".to_owned());
        }
        if by.trim().is_empty() {
            wrong.push("say who you are: it stands in reports".to_owned());
        }
        if until <= since {
            wrong.push(format!("it would be over already: {until}"));
        }
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        let id = format!("sil_{}", digest(&[&r#match.told(), &until.to_string(), because, by, &since.to_string()]));
        let id = id.get(..16).unwrap_or(&id).to_owned();
        Ok(Self { id, r#match, until, because: because.trim().to_owned(), by: by.trim().to_owned(), since })
    }

    /// What it says of itself in reports.
    pub fn told(&self) -> String {
        format!("silence {} until {} by {}: {}", self.id, self.until, self.by, self.because)
    }
}

/// Keeps the silence.
pub async fn keep(store: &dyn Store, silence: &Stored) -> Result<(), StoreError> {
    let body = serde_json::to_value(silence).unwrap_or_default();
    store.put(&Key::new(PARTITION, &silence.id), body, Some(silence.until), When::Always).await.map(drop)
}

/// The silences that hold.
pub async fn list(store: &dyn Store, now: Timestamp) -> Result<Vec<Stored>, StoreError> {
    let items = store.list(PARTITION, "").await?;
    let silences: Vec<Stored> = items.iter().map(Item::read).collect::<Result<_, _>>()?;
    Ok(silences.into_iter().filter(|silence| silence.until > now).collect())
}

/// Ends the silence; `false`: there is none of this id.
pub async fn end(store: &dyn Store, id: &str) -> Result<bool, StoreError> {
    let key = Key::new(PARTITION, id);
    let known = store.get(&key).await?.is_some();
    store.delete(&key, When::Always).await?;
    Ok(known)
}
