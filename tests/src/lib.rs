//! The real binaries on the local stack: what the end-to-end tests, the benchmarks and `cargo xtask demo` stand on.
#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for what it lacks, and a check then fails")]

pub mod bench;
pub mod command;
pub mod control;
pub mod deploy;
pub mod environment;
pub mod flood;
pub mod http;
pub mod jobs;
pub mod judge;
pub mod local;
pub mod memory;
pub mod paths;
pub mod runtime_api;
pub mod seed;
pub mod seeds;
pub mod stack;
pub mod webhook;
pub mod world;

/// What every step here returns: it worked, or a sentence about what did not.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
