//! Every aspect says which of Prowler's checks judge it: `checks.toml`, which `cargo xtask judge prowler` works through.

use super::ASPECTS;

#[test]
fn every_aspect_names_the_checks_that_judge_it() {
    let sections: toml::Table = include_str!("checks.toml").parse().unwrap();
    let missing: Vec<_> = ASPECTS.iter().map(|kind| kind.name()).filter(|name| !sections.contains_key(*name)).collect();
    assert!(
        missing.is_empty(),
        "shared/src/baseline/checks.toml has no section for {missing:?}; an empty one says that Prowler has no check"
    );
}
