//! LLVM's fuzzer over one target, which `FORESTER_FUZZ` names: `cargo xtask fuzz` starts it. Seeds are put into the
//! directory that `FORESTER_FUZZ_SEEDS` names, before they are read from there.

#![no_main]

use std::sync::OnceLock;

use forester_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static CHOSEN: OnceLock<&Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("FORESTER_FUZZ").unwrap_or_default();
        let target = TARGETS.iter().find(|target| target.name == name);
        let target = target.unwrap_or_else(|| panic!("FORESTER_FUZZ names no target: `{name}`"));
        plant(CHOSEN.get_or_init(|| target));
    },
    |data: &[u8]| {
        if let Some(target) = CHOSEN.get() {
            (target.run)(data);
        }
    }
);

fn plant(target: &Target) {
    let Some(directory) = std::env::var_os("FORESTER_FUZZ_SEEDS") else { return };
    for (n, seed) in (target.seeds)().into_iter().enumerate() {
        let path = std::path::Path::new(&directory).join(format!("seed-{n:04}"));
        std::fs::write(&path, seed).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }
}
