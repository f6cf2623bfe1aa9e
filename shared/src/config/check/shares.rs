//! Checks of what accounts share.

use std::collections::BTreeMap;

use super::{Spot, account_name};
use crate::config::layers::{Part, parts};
use crate::config::load::Problems;
use crate::config::shares::{AmiShare, DnsShare, EcrShare, PeerShare, RamShare, Share, is_domain};
use crate::config::{Config, OperatingMode, OuPattern};
use crate::types::AccountId;

pub(super) fn all(config: &Config, problems: &mut Problems, spot: &Spot) {
    for (n, share) in config.shares.iter().enumerate() {
        let spot = spot.index(n);
        let Share { ram, ecr, ami, dns, peer } = share;
        let kinds = [ram.is_some(), ecr.is_some(), ami.is_some(), dns.is_some(), peer.is_some()];
        let given = kinds.iter().filter(|given| **given).count();
        if given != 1 {
            let expect = "expected exactly one of `ram`, `ecr`, `ami`, `dns`, `peer`";
            problems.add(&spot, format!("{given} kinds of share are given; {expect}"));
        }
        if let Some(share) = ecr {
            ecr_share(config, share, problems, &spot.key("ecr"));
        }
        if let Some(share) = ami {
            ami_share(config, share, problems, &spot.key("ami"));
        }
        if let Some(share) = dns {
            dns_share(config, share, problems, &spot.key("dns"));
        }
        if let Some(share) = peer {
            peer_share(config, share, problems, &spot.key("peer"));
        }
        if let Some(share) = ram {
            let spot = spot.key("ram");
            ram_share(config, share, problems, &spot);
            let same = |other: &Share| other.ram.as_ref().is_some_and(|other| other.called() == share.called());
            if config.shares.iter().take(n).any(same) {
                let message = format!("an earlier share is called {} as well; expected another `name`", share.called());
                problems.add(&spot, message);
            }
        }
    }
}

fn ram_share(config: &Config, share: &RamShare, problems: &mut Problems, spot: &Spot) {
    account(&share.owner, problems, &spot.key("owner"));
    tags(&share.subnets.tag, problems, &spot.key("subnets").key("tag"));
    units(config, &share.to, problems, &spot.key("to"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if let Some(name) = share.name.as_ref().filter(|name| name.is_empty() || !name.chars().all(plain)) {
        problems.add(&spot.key("name"), format!("`{name}` is no name for a share; expected A-Z a-z 0-9 . _ -"));
    }
}

fn ecr_share(config: &Config, share: &EcrShare, problems: &mut Problems, spot: &Spot) {
    account(&share.owner, problems, &spot.key("owner"));
    for (key, pattern) in [("pull", &share.pull), ("replicate_to", &share.replicate_to)] {
        if let Some(pattern) = pattern {
            units(config, pattern, problems, &spot.key(key));
        }
    }
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._/*-".contains(c);
    if share.repos.is_empty() || !share.repos.chars().all(fits) {
        let message = format!("`{}` fits no repository; expected a-z 0-9 . _ / - and `*`", share.repos);
        problems.add(&spot.key("repos"), message);
    }
    let by_prefix = share.repos.strip_suffix('*').is_some_and(|prefix| !prefix.contains('*'));
    if share.replicate_to.is_some() && !by_prefix {
        let message = format!("AWS copies by the start of the name; expected one `*`, at the end of `{}`", share.repos);
        problems.add(&spot.key("repos"), message);
    }
    if share.pull.is_none() && share.replicate_to.is_none() {
        problems.add(spot, "nobody gets anything; expected `pull` or `replicate_to`");
    }
    if share.key_grant && share.pull.is_none() {
        problems.add(&spot.key("key_grant"), "keys are for those that may pull; expected `pull`");
    }
}

fn ami_share(config: &Config, share: &AmiShare, problems: &mut Problems, spot: &Spot) {
    account(&share.owner, problems, &spot.key("owner"));
    units(config, &share.to, problems, &spot.key("to"));
    if share.name.is_empty() {
        problems.add(&spot.key("name"), "the name is empty; expected a name, or `*` for every image");
    }
}

fn dns_share(config: &Config, share: &DnsShare, problems: &mut Problems, spot: &Spot) {
    account(&share.owner, problems, &spot.key("owner"));
    if let Some(to) = &share.to {
        units(config, to, problems, &spot.key("to"));
    }
    if !is_domain(&share.zone) {
        let message = format!("`{}` is no domain; expected for example acme.example, in lower case", share.zone);
        problems.add(&spot.key("zone"), message);
    }
    let spot = spot.key("child");
    let pieces = match parts(&share.child) {
        Ok(pieces) => pieces,
        Err(message) => return problems.add(&spot, message),
    };
    let example = |part: &Part<'_>| if let Part::Text(text) = part { (*text).to_owned() } else { "x".to_owned() };
    let name: String = pieces.iter().map(example).collect();
    if !is_domain(&name) || !name.ends_with(&format!(".{}", share.zone)) {
        let message = format!("`{}` is no domain below {}; expected for example {{name}}.{1}", share.child, share.zone);
        problems.add(&spot, message);
    }
    if pieces.iter().all(|part| matches!(part, Part::Text(_))) {
        problems.add(&spot, "every account would have the same; expected {name}, {id} or {tag.KEY} in it");
    }
}

fn peer_share(config: &Config, share: &PeerShare, problems: &mut Problems, spot: &Spot) {
    for (n, name) in share.mesh.iter().enumerate() {
        let at = spot.key("mesh").index(n);
        account(name, problems, &at);
        if share.mesh.iter().take(n).any(|other| other == name) {
            problems.add(&at, format!("`{name}` is in the mesh already"));
        }
    }
    if share.mesh.len() < 2 {
        problems.add(&spot.key("mesh"), "a mesh is made of at least two accounts");
    }
    if config.mode == OperatingMode::SingleAccount {
        problems.add(spot, "in single-account mode every name is the same account; there is nothing to peer");
    }
    tags(&share.tag, problems, &spot.key("tag"));
    if let Some(region) = share.region.as_ref().filter(|region| !config.regions.govern.contains(region)) {
        problems.add(&spot.key("region"), format!("{region} is not one of `regions.govern`"));
    }
}

/// OUs that something is shared with; only the file itself tells them outside organization mode.
fn units(config: &Config, pattern: &OuPattern, problems: &mut Problems, spot: &Spot) {
    let told = config.mode != OperatingMode::Organization;
    let fits = |place: &Option<_>| place.as_ref().is_some_and(|place| pattern.covers(place));
    if told && !config.accounts.values().any(|entry| fits(&entry.ou)) {
        problems.add(spot, format!("no account of the file is in an OU that fits `{pattern}`"));
    }
}

/// An account by its name in the file, or by its id.
fn account(word: &str, problems: &mut Problems, spot: &Spot) {
    if word.parse::<AccountId>().is_err() {
        account_name(word, problems, spot);
    }
}

fn tags(tags: &BTreeMap<String, String>, problems: &mut Problems, spot: &Spot) {
    if tags.is_empty() {
        problems.add(spot, "no tag is given; expected at least one, or everything would be meant");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "version: 1\nmode: MODE\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
        access: {role: Admin}\naccounts: {net: {id: \"222233334444\", ou: Shared}}\nshares:\n";

    /// Each share has a line of its own; each expectation is the path and the start of the message.
    fn check(mode: &str, shares: &[&str], expect: &[&str]) {
        let lines: String = shares.iter().map(|share| format!("- {{{share}}}\n")).collect();
        let found = match Config::parse(&format!("{}{lines}", HEAD.replace("MODE", mode)), "f") {
            Ok(_) => Vec::new(),
            Err(errors) => errors.problems,
        };
        let found: Vec<String> = found.into_iter().map(|found| format!("{}: {}", found.path, found.message)).collect();
        assert!(found.len() == expect.len() && found.iter().zip(expect).all(|(f, e)| f.starts_with(e)), "{found:#?}");
    }

    #[test]
    fn owner_tags_and_ous_are_looked_at() {
        check(
            "virtual-root",
            &["ram: {owner: nett, subnets: {tag: {}}, to: Workloads, name: a b}"],
            &[
                "shares[0].ram.owner: `nett` is not an account of this file",
                "shares[0].ram.subnets.tag: no tag is given",
                "shares[0].ram.to: no account of the file is in an OU that fits `Workloads`",
                "shares[0].ram.name: `a b` is no name for a share",
            ],
        );
    }

    #[test]
    fn repositories_are_copied_by_the_start_of_their_names() {
        check(
            "organization",
            &[
                "ecr: {owner: net, repos: \"a*b*\", replicate_to: Shared}",
                "ecr: {owner: net, repos: App, key_grant: true}",
                "ecr: {owner: net, repos: \"app/*\", pull: Shared, replicate_to: Shared, key_grant: true}",
            ],
            &[
                "shares[0].ecr.repos: AWS copies by the start of the name",
                "shares[1].ecr: nobody gets anything",
                "shares[1].ecr.repos: `App` fits no repository",
                "shares[1].ecr.key_grant: keys are for those that may pull",
            ],
        );
    }

    #[test]
    fn parts_of_a_domain_lie_below_it_and_differ() {
        check(
            "organization",
            &[
                "dns: {owner: net, zone: Acme.example, child: \"{name}.acme.example\"}",
                "dns: {owner: net, zone: acme.example, child: www.acme.example}",
                "dns: {owner: net, zone: acme.example, child: \"{name}.other.example\"}",
                "dns: {owner: net, zone: acme.example, child: \"{stage}.acme.example\"}",
                "dns: {owner: net, zone: acme.example, child: \"{tag.stage}.acme.example\"}",
            ],
            &[
                "shares[0].dns.zone: `Acme.example` is no domain",
                "shares[0].dns.child: `{name}.acme.example` is no domain below Acme.example",
                "shares[1].dns.child: every account would have the same",
                "shares[2].dns.child: `{name}.other.example` is no domain below acme.example; expected for example \
                 {name}.acme.example",
                "shares[3].dns.child: `{stage}` stands for nothing; expected {name}, {id} or {tag.KEY}",
            ],
        );
    }

    #[test]
    fn meshes_are_of_different_accounts_with_a_tag() {
        check(
            "organization",
            &["peer: {mesh: [net, net, nobody], tag: {}, region: us-east-1}", "peer: {mesh: [net], tag: {a: b}}"],
            &[
                "shares[0].peer.mesh[1]: `net` is in the mesh already",
                "shares[0].peer.mesh[2]: `nobody` is not an account of this file",
                "shares[0].peer.tag: no tag is given",
                "shares[0].peer.region: us-east-1 is not one of `regions.govern`",
                "shares[1].peer.mesh: a mesh is made of at least two accounts",
            ],
        );
    }

    #[test]
    fn organization_knows_ous_that_the_file_does_not() {
        check("organization", &["ram: {owner: net, subnets: {tag: {a: b}}, to: \"Workloads/**\"}"], &[]);
    }

    #[test]
    fn each_share_is_of_one_kind_and_shares_differ_in_name() {
        let share = "ram: {owner: net, subnets: {tag: {a: b}}, to: Shared}";
        check("organization", &[share, share], &["shares[1].ram: an earlier share is called forester-a-b as well"]);
        let both = format!("{share}, ami: {{owner: net, name: \"\", to: Shared}}");
        check("organization", &[&both], &["shares[0]: 2 kinds", "shares[0].ami.name: the name is empty"]);
        check("organization", &[""], &["shares[0]: 0 kinds of share are given"]);
    }
}
