//! One resource of every type that the emulator can hold, as data: what is made, what it is then called, and how it is
//! looked for afterwards. `tests/seeds/<service>.toml`, a seed a type.
//!
//! ```toml
//! [[seed]]
//! type = "AWS::ECS::Cluster"
//! make = [{ operation = "CreateCluster", params = { clusterName = "seed-{n}" }, keep = { arn = "cluster.clusterArn" } }]
//! id = "{arn}"
//! look = { operation = "DescribeClusters", params = { clusters = ["{arn}"] } }
//! ```
//!
//! `keep` takes values out of an answer, by path, for later templates. `id` is what the catalogue calls it. `look` is a
//! plain call whose answer must not show it afterwards (`shows`, or the id, or the id's last part); without one, the
//! catalogue's list is asked. `global = true` makes it once instead of once a region. A call of another service names it
//! (`service = "ec2"`). Ready for every seed: `{account}`, `{region}`, `{n}` (letters and digits, unique), `{vpc}`,
//! `{subnet}`, `{subnet2}`, `{group}`, `{role}` (ARN), `{bucket}`, `{key}` (ARN), `{topic}` (ARN).

mod form;
mod ground;
mod plant;
mod tell;
mod wither;

pub use form::{Seed, read};
pub use plant::{Planted, plant};
pub use tell::{Row, table};
pub use wither::{Emptied, empty, shown};
