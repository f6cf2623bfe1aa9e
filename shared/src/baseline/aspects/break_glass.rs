//! An alarm on the use of a role that is for emergencies: as a metric filter where the trail's log group is, because
//! that sees every account and every region and puts nothing into the account of the role. A rule of EventBridge would
//! have to stand in each region of each account, for the event goes wherever the caller's STS endpoint is.
//!
//! Its limits: it sees successful uses only, some minutes late (CloudTrail delivers within about five, the alarm looks
//! every five), and roles without a path, which is how Forester makes them. The role's account must be recorded: by a
//! trail of the organization, or by one of its own. An alarm that is no longer declared stays.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::log_watch::{self, Action, Found, Watch};
use super::{log_alarms, trail};
use crate::aws::{CallError, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::config::{Resolved, Subject, Wanted};
use crate::org::{self, AccountState};
use crate::types::{Arn, Region};

/// The alarms on roles for emergencies.
pub struct BreakGlassAlarm;

/// The longest pattern:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html>
const LONGEST: usize = 1024;

/// A role of one name, in all accounts that declare it.
#[derive(Default)]
struct Namesakes {
    /// The ARNs of those that are watched.
    watched: BTreeSet<String>,
    /// Whether there are others.
    others: bool,
}

/// Whether the trail of this account records every account.
fn records_all(target: &Target) -> bool {
    let whole = target.wanted.trail.as_ref().is_some_and(|trail| trail.organization == Some(true));
    whole && target.forest.organization.is_some()
}

/// Whether another account's trail records this one.
fn recorded_elsewhere(target: &Target) -> bool {
    target.forest.organization.is_some() && trail::administrator(target).is_some() && !records_all(target)
}

/// The roles of this account that are to be watched.
fn own(wanted: &Wanted) -> impl Iterator<Item = &str> {
    let roles = wanted.roles.iter().flatten();
    roles.filter(|(_, role)| role.alarm_on_use == Some(true)).map(|(name, _)| name.as_str())
}

/// The roles that the trail of this account sees, by name.
fn roles(target: &Target) -> BTreeMap<String, Namesakes> {
    let mut found = BTreeMap::new();
    if !records_all(target) {
        add(&mut found, target, target.account.subject(), &target.wanted);
        return found;
    }
    // The forest carries no tags, so those that the file declares count.
    let config = &target.config;
    let untagged = BTreeMap::new();
    for member in target.forest.members.iter().filter(|member| member.state == AccountState::Active) {
        let tags = config.accounts.get(&member.name).map_or(&untagged, |entry| &entry.tags);
        let subject = Subject { id: &member.id, name: &member.name, ou: &member.ou, tags };
        let Resolved { wanted, .. } = config.resolve(subject);
        add(&mut found, target, subject, &wanted);
    }
    found
}

fn add(found: &mut BTreeMap<String, Namesakes>, target: &Target, subject: Subject<'_>, wanted: &Wanted) {
    let label = org::label(&target.config, subject.name);
    for (name, role) in wanted.roles.iter().flatten() {
        let name = format!("{label}{name}");
        let arn = Arn::iam(target.partition(), subject.id, &format!("role/{name}"));
        let namesakes = found.entry(name).or_default();
        match role.alarm_on_use {
            Some(true) => namesakes.watched.extend([arn.to_string()]),
            Some(false) | None => namesakes.others = true,
        }
    }
}

/// What is watched for, and which of it cannot be said as exactly as it should.
pub(super) fn watches(target: &Target) -> (Vec<Watch>, Vec<(String, String)>) {
    let (mut watches, mut kept) = (Vec::new(), Vec::new());
    for (role, Namesakes { watched, others }) in roles(target) {
        if watched.is_empty() {
            continue;
        }
        let exact = pattern(&watched);
        let by_name = pattern(&[format!("*:role/{role}")].into());
        let too_long = exact.len() > LONGEST;
        if others && too_long {
            let reason =
                format!("{} accounts do not fit into a filter: it watches the role in every account", watched.len());
            kept.push((format!("the list of accounts of the alarm on role {role}"), reason));
        }
        watches.push(Watch {
            name: target.labelled(&format!("BreakGlass-{role}")),
            about: format!("Somebody assumed the role {role}, which is for emergencies. severity=critical"),
            pattern: if others && !too_long { exact } else { by_name },
            namespace: "Forester/BreakGlass",
        });
    }
    (watches, kept)
}

/// Successful uses, also by SAML and web identity.
fn pattern(roles: &BTreeSet<String>) -> String {
    let roles: Vec<String> = roles.iter().map(|arn| format!("($.requestParameters.roleArn = \"{arn}\")")).collect();
    format!(
        "{{ ($.eventSource = \"sts.amazonaws.com\") && ($.eventName = \"AssumeRole*\") && ($.errorCode NOT EXISTS) && \
         ({}) }}",
        roles.join(" || ")
    )
}

#[async_trait]
impl Aspect for BreakGlassAlarm {
    const NAME: &'static str = "break-glass-alarm";
    type Facts = Found;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        // Whether the file wants anything watched is seen without looking at every account.
        let anything = target.config.layers.iter().flat_map(|layer| layer.roles.iter().flatten());
        let anything = anything.into_iter().any(|(_, role)| role.alarm_on_use == Some(true));
        let here = match (&target.wanted.trail, recorded_elsewhere(target)) {
            (_, true) => false,
            (Some(_), false) => !watches(target).0.is_empty(),
            (None, false) => own(&target.wanted).next().is_some(),
        };
        if anything && here { vec![Place::Region(target.home().clone())] } else { Vec::new() }
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Found, CallError> {
        match target.wanted.trail {
            Some(_) => log_watch::observe(look, target, &watches(target).0).await,
            None => Ok(Found::default()),
        }
    }

    fn plan(target: &Target, found: &Found) -> Planned<Action> {
        if target.wanted.trail.is_none() {
            let roles: Vec<&str> = own(&target.wanted).collect();
            return Planned::problem(format!(
                "nothing would see who assumes {}: declare a `trail` for this account, or one of the organization",
                roles.join(", ")
            ));
        }
        let (watches, kept) = watches(target);
        let mut planned = log_watch::plan(target, found, &watches);
        planned.kept.extend(kept);
        // The alarms of the benchmark make the topic; nobody shall be asked twice to confirm.
        if log_alarms::declared(target) {
            planned.steps.retain(|step| !matches!(step, Action::CreateTopic { .. } | Action::Subscribe { .. }));
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        log_watch::take(scope, action).await
    }
}

#[cfg(test)]
mod tests {
    use crate::baseline::fake::{FakeMember, FakeOrganization};
    use crate::baseline::world::{World, id};
    use crate::config::Config;
    use crate::types::AccountId;

    const SECTIONS: &str = "accounts: {audit: {id: \"444455556666\"}, prod: {id: \"666677778888\"}}\nlayers:\n\
        - {match: {all: true}, roles: {Rescue: {policies: [AdministratorAccess], trust: [audit], alarm_on_use: true}}}\n\
        - {match: {account: audit}, trail: {organization: true, bucket: acme-trail, alarms: cis, notify: {email: [a@acme.example]}}}\n";

    fn organization() -> FakeOrganization {
        FakeOrganization::new(&"111122223333".parse().unwrap(), &["Workloads"])
            .with(&id(), FakeMember::new("audit", "Workloads"))
            .with(&prod(), FakeMember::new("prod", "Workloads"))
    }

    fn prod() -> AccountId {
        "666677778888".parse().unwrap()
    }

    fn alarms(world: &World, account: &AccountId) -> Vec<String> {
        world.cloud.account(account).alarms.into_keys().filter(|name| name.starts_with("BreakGlass")).collect()
    }

    fn pattern(world: &World) -> String {
        let groups = world.cloud.account(&id()).log_groups;
        let group = groups.values().next().unwrap();
        group.filters["BreakGlass-Rescue"]["filterPattern"].as_str().unwrap().to_owned()
    }

    /// The management account first, which lets the trail's account keep the organization's.
    async fn settled(world: &World) {
        for account in ["111122223333".parse().unwrap(), id(), id(), prod()] {
            world.apply_to(&account).await;
        }
    }

    #[tokio::test]
    async fn one_alarm_where_the_trail_is_watches_the_role_in_every_account() {
        let world = World::organization(SECTIONS, organization());
        settled(&world).await;
        assert_eq!((alarms(&world, &id()), alarms(&world, &prod())), (vec!["BreakGlass-Rescue".to_owned()], vec![]));
        assert_eq!(
            pattern(&world),
            "{ ($.eventSource = \"sts.amazonaws.com\") && ($.eventName = \"AssumeRole*\") && ($.errorCode NOT EXISTS) && \
             (($.requestParameters.roleArn = \"*:role/Rescue\")) }"
        );
        let alarm = &world.cloud.account(&id()).alarms["BreakGlass-Rescue"];
        assert!(alarm["AlarmDescription"].as_str().unwrap().contains("severity=critical"));
        assert_eq!(alarm["AlarmActions"][0], "arn:aws:sns:eu-west-1:444455556666:forester-alarms");
        world.cloud.calls();
        world.apply_to(&id()).await;
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn role_that_is_ordinary_elsewhere_is_watched_only_where_it_is_not() {
        let sections =
            format!("{SECTIONS}- {{match: {{account: prod}}, roles: {{Rescue: {{alarm_on_use: false}}}}}}\n");
        let world = World::organization(&sections, organization());
        settled(&world).await;
        let pattern = pattern(&world);
        assert!(pattern.contains("arn:aws:iam::444455556666:role/Rescue"), "{pattern}");
        assert!(!pattern.contains("*:role"), "{pattern}");
    }

    #[tokio::test]
    async fn account_with_a_trail_of_its_own_watches_its_own_roles() {
        let layer = "  - {match: {all: true}, roles: {Rescue: {trust: [root], alarm_on_use: true}}, trail: {bucket: acme-trail}}\n";
        let world = World::fresh(layer);
        let report = world.apply().await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(alarms(&world, &id()), ["BreakGlass-Rescue"]);
        assert_eq!(world.apply().await.steps, []);
    }

    #[tokio::test]
    async fn role_that_nothing_records_is_a_problem() {
        let layer = "  - {match: {all: true}, roles: {Rescue: {trust: [root], alarm_on_use: true}}}\n  \
                     - {match: {account: root}, trail: {bucket: acme-trail}}\n";
        let report = World::fresh(layer).apply().await;
        assert!(report.errors[0].reason.contains("nothing would see who assumes Rescue"), "{report}");
    }

    #[test]
    fn alarm_without_any_trail_is_refused_before_any_call() {
        let text = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
                    access: {role: R}\nlayers: [{match: {all: true}, roles: {A: {trust: [\"111122223333\"], alarm_on_use: true}}}]\n";
        let found = Config::parse(text, "f").unwrap_err().to_string();
        assert!(found.contains("roles.A.alarm_on_use: nothing would see it: no layer declares a `trail`"), "{found}");
    }
}
