//! Generations: each new account of a name has an address of its own, and no address is ever used again, not even that
//! of an account that was closed long ago.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::Recreate;
use crate::store::{Item, Key, Store, StoreError, When};

/// How many addresses in a row may be taken.
const MOST: u32 = 500;

/// What is remembered of a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Generations {
    /// The latest generation; an account that was not made by a reset is the first.
    latest: u32,
}

/// Takes the next address of a name. Whoever takes one never takes the same again, also when nothing comes of it.
pub(super) async fn next(
    store: &dyn Store,
    rules: &Recreate,
    name: &str,
    taken: &BTreeSet<String>,
) -> Result<Result<String, String>, StoreError> {
    let key = Key::new("generations", name);
    let item = store.get(&key).await?;
    let known = item.as_ref().map(Item::read::<Generations>).transpose()?;
    let first = known.map_or(1, |known| known.latest) + 1;
    for generation in first..first.saturating_add(MOST) {
        let address = match rules.address(name, generation) {
            Ok(address) => address,
            Err(problem) => return Ok(Err(problem)),
        };
        if taken.contains(&address.to_lowercase()) {
            continue;
        }
        let when = match &item {
            Some(item) => When::Version(item.version),
            None => When::AbsentAt(jiff::Timestamp::UNIX_EPOCH),
        };
        store.put(&key, json!(Generations { latest: generation }), None, when).await?;
        return Ok(Ok(address));
    }
    Ok(Err(format!("{MOST} addresses of {name} in a row are taken; change `sandbox.recreate.email`")))
}
