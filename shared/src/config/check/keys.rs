//! Checks of encryption keys.

use super::{Spot, account_name};
use crate::config::load::Problems;
use crate::config::{Config, EbsEncryption, Key, Layer, OperatingMode};
use crate::types::AccountId;

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>
pub(super) fn key(name: &str, key: &Key, problems: &mut Problems, spot: &Spot) {
    let alias = key.alias(name);
    let fits = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
    if alias.is_empty() || alias.len() > 200 || !alias.chars().all(fits) || alias.starts_with("aws/") {
        let message = format!(
            "`{alias}` cannot be a key's alias; expected up to 200 of A-Z a-z 0-9 / _ -, and not `aws/` at the start"
        );
        problems.add(&spot.key("alias"), message);
    }
    for (n, who) in key.use_by.iter().flatten().enumerate() {
        if who.parse::<AccountId>().is_err() {
            account_name(who, problems, &spot.key("use_by").index(n));
        }
    }
}

/// A key that volumes are encrypted with must be declared; which layer declares it does not matter.
pub(super) fn across_layers(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    let Some(EbsEncryption::With { key }) =
        layer.defaults.as_ref().and_then(|defaults| defaults.ebs_encryption.as_ref())
    else {
        return;
    };
    let spot = spot.key("defaults").key("ebs_encryption");
    let names = || config.layers.iter().flat_map(|layer| layer.keys.iter().flatten()).map(|(name, _)| name.as_str());
    if !names().any(|name| name == key) {
        let known = names().collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none".to_owned() } else { known };
        problems.add(&spot.key("key"), format!("no layer declares the key `{key}` under `keys`; known is {known}"));
    }
    if config.mode == OperatingMode::SingleAccount && config.accounts.len() > 1 {
        let message = "in single-account mode every name has a key of its own, and an account has one default";
        problems.add(&spot, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems_of;

    fn check(words: &str, expect: &[&str]) {
        let found = problems_of(words);
        let fits = |(found, expect): (&String, &&str)| found.starts_with(&format!("layers[0].{expect}"));
        assert!(found.len() == expect.len() && found.iter().zip(expect).all(fits), "{found:#?}");
    }

    #[test]
    fn key_with_alias_and_users_is_taken() {
        check("keys: {account: {alias: alias/acme-account, rotate: true, use_by: [audit, \"333344445555\"]}}", &[]);
        check("keys: {account: {}}, defaults: {ebs_encryption: {key: account}}", &[]);
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        check("keys: {k: {alias: aws/ebs}}", &["keys.k.alias: `aws/ebs` cannot be a key's alias"]);
        check("keys: {k: {alias: \"acme account\"}}", &["keys.k.alias: `acme account` cannot be a key's alias"]);
        check("keys: {k: {use_by: [adit]}}", &["keys.k.use_by[0]: `adit` is not an account of this file"]);
        check(
            "keys: {k: {}}, defaults: {ebs_encryption: {key: account}}",
            &["defaults.ebs_encryption.key: no layer declares the key `account` under `keys`; known is k"],
        );
        check(
            "defaults: {ebs_encryption: yes please}",
            &[
                "defaults.ebs_encryption: found the text \"yes please\"; expected true, false, or the name of one of `keys`",
            ],
        );
    }
}
