//! What the end-to-end tests, the demonstration and the benchmarks stand on.

pub mod bench;
pub mod http;
pub mod runtime_api;
