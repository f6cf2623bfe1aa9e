//! What Forester reads from outside, held against anything at all: no panic, no hang, and what must hold holds.
//!
//! A target takes bytes and panics where something is wrong. `cargo xtask fuzz` lets LLVM's fuzzer search for such bytes;
//! the tests here try every seed and a few changes of each, so that a target that no longer runs is seen at once.

mod configuration;
mod envelope;
mod pattern;
mod seeds;
mod signal;

/// Something that reads what comes from outside.
pub struct Target {
    /// What people call it.
    pub name: &'static str,
    /// Reads the bytes, and panics where that goes wrong.
    pub run: fn(&[u8]),
    /// Bytes to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "envelope", run: envelope::run, seeds: envelope::seeds },
    Target { name: "signal", run: signal::run, seeds: signal::seeds },
    Target { name: "pattern", run: pattern::run, seeds: pattern::seeds },
    Target { name: "configuration", run: configuration::run, seeds: configuration::seeds },
];

/// Bytes as text, as far as they are text.
fn text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change of `seed`, another one for each `turn`: a byte, a piece gone, a piece twice, or the end gone.
    fn changed(seed: &[u8], turn: usize) -> Vec<u8> {
        let at = turn.wrapping_mul(0x9e37_79b9) % seed.len().max(1);
        let (before, after) = seed.split_at(at.min(seed.len()));
        match turn % 4 {
            0 => [before, &[b"\"{}\x00\xff\\9"[turn % 7]], after.get(1..).unwrap_or_default()].concat(),
            1 => [before, after.get(17..).unwrap_or_default()].concat(),
            2 => [before, after.get(..40).unwrap_or(after), after].concat(),
            _ => before.to_vec(),
        }
    }

    #[test]
    fn every_target_bears_its_seeds_and_changes_of_them() {
        for target in TARGETS {
            let seeds = (target.seeds)();
            assert!(seeds.len() > 3, "{} has {} seeds", target.name, seeds.len());
            for (n, seed) in seeds.iter().enumerate() {
                (target.run)(seed);
                (0..6).for_each(|turn| (target.run)(&changed(seed, n + turn)));
            }
        }
    }
}
