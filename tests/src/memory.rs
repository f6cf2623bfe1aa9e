//! What each function held at most while it worked, by the kernel's own mark of every process (`VmHWM`).
//!
//! The stack runs functions as processes that stay until it ends, so one look before its end is enough. Most tests run
//! quick builds, which hold more than what goes to Lambda does: what they print is an upper bound.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use crate::runtime_api::memory_of;

/// How the stack tells a function's process who it is.
const NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";
const SIZE: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// What one function held at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The function, as it is called where it is deployed.
    pub function: String,
    /// At most so far.
    pub mib: u64,
    /// Its `MemorySize`.
    pub size: u64,
}

impl Held {
    /// Whether less than half of it is left: for larger events, and for what Lambda itself needs in there.
    pub fn is_tight(&self) -> bool {
        self.mib * 2 > self.size
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} held {} of {} MiB at most", self.function, self.mib, self.size)
    }
}

/// What the functions held that the stack at this endpoint runs, one entry a function. Nothing where the kernel does not say.
pub fn held(endpoint: &str) -> Vec<Held> {
    let mut largest = BTreeMap::<String, Held>::new();
    for held in fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        let (function, size) = who(&fs::read(entry.path().join("environ")).ok()?, endpoint)?;
        Some(Held { function, size, mib: memory_of(process)?.peak_kib.div_ceil(1024) })
    }) {
        let known = largest.entry(held.function.clone()).or_insert_with(|| held.clone());
        known.mib = known.mib.max(held.mib);
    }
    largest.into_values().collect()
}

/// Which function a process is, if it is one of this endpoint, and its size.
fn who(environment: &[u8], endpoint: &str) -> Option<(String, u64)> {
    let text = String::from_utf8_lossy(environment);
    let value = |name: &str| text.split('\0').find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='));
    if value(ENDPOINT)? != endpoint {
        return None;
    }
    Some((value(NAME)?.to_owned(), value(SIZE)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: &[u8] = b"PATH=/bin\0AWS_ENDPOINT_URL=http://127.0.0.1:1\0AWS_LAMBDA_FUNCTION_NAME=forester-reset\0\
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512\0";

    #[test]
    fn a_process_is_a_function_of_its_own_stack_alone() {
        assert_eq!(who(PROCESS, "http://127.0.0.1:1"), Some(("forester-reset".to_owned(), 512)));
        assert_eq!(who(PROCESS, "http://127.0.0.1:2"), None);
        assert_eq!(who(b"PATH=/bin\0", "http://127.0.0.1:1"), None);
    }

    #[test]
    fn more_than_half_is_tight() {
        let held = |mib| Held { function: "forester-reset".to_owned(), mib, size: 512 };
        assert!(!held(256).is_tight());
        assert!(held(257).is_tight());
        assert_eq!(held(88).to_string(), "forester-reset held 88 of 512 MiB at most");
    }
}
