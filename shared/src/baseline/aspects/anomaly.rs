//! Cost anomalies: a monitor that learns what an account usually spends, and who is told when it spends more.
//!
//! Monitors of single accounts are the payer's: in an organization the management account has one for each account, 500
//! at most. Elsewhere the account itself has the one monitor of all services that AWS lets it have, which may be there
//! already under another name (<https://docs.aws.amazon.com/cost-management/latest/userguide/getting-started-ad.html>).
//! Names are not unique: a monitor is known by what it watches, a subscription by its monitor and its name. A topic is
//! told at once and addresses once a day, so that each has a subscription of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use super::budget::Subscriber;
use super::list;
use crate::aws::{CallError, ErrorClass, Scope};
use crate::baseline::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::types::{AccountId, Region};

/// Monitors and subscriptions.
pub struct Anomaly;

/// What there is.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    /// Forester does not stand in the account that pays.
    NotPayer,
    /// The monitor's ARN and its subscriptions, by name.
    Payer(Option<String>, BTreeMap<String, Existing>),
}

/// A subscription as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Existing {
    arn: String,
    threshold: Option<Decimal>,
    told: BTreeSet<Subscriber>,
}

/// What a monitor watches.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// One account of the organization.
    Account(AccountId),
    /// Every service of the account itself.
    Services,
}

/// A subscription as it should be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// From which impact in USD on somebody is told.
    pub threshold: Decimal,
    /// Who is told.
    pub told: BTreeSet<Subscriber>,
}

/// What can be done about anomalies.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Makes the monitor with its subscriptions.
    CreateMonitor {
        /// Its name.
        name: String,
        /// What it watches.
        watches: Watched,
        /// Who is told.
        subscriptions: Vec<Subscription>,
    },
    /// Makes a subscription to a monitor that is there.
    CreateSubscription {
        /// The monitor's ARN.
        monitor: String,
        /// The subscription.
        subscription: Subscription,
    },
    /// Sets threshold and subscribers.
    UpdateSubscription {
        /// Its ARN.
        arn: String,
        /// The subscription.
        subscription: Subscription,
    },
    /// Removes a subscription of ours that is not declared any more.
    DeleteSubscription {
        /// Its ARN.
        arn: String,
        /// Its name.
        name: String,
    },
}

#[async_trait]
impl Aspect for Anomaly {
    const NAME: &'static str = "anomaly";
    type Facts = Facts;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        let place = if target.forest.organization.is_some() { Place::Organization } else { Place::Global };
        target.wanted.anomaly.as_ref().map(|_| place).into_iter().collect()
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Facts, CallError> {
        let payer = target.forest.organization.as_ref().map(|organization| &organization.management);
        if payer.is_some_and(|payer| payer != look.account()) {
            return Ok(Facts::NotPayer);
        }
        let monitors = look.pages("ce", "GetAnomalyMonitors", json!({ "MaxResults": 100 })).await?;
        let watched = watched(target);
        let found = monitors.iter().find(|monitor| watched.is_watched_by(monitor));
        let Some(arn) = found.and_then(|monitor| monitor.get("MonitorArn")?.as_str()) else {
            return Ok(Facts::Payer(None, BTreeMap::new()));
        };
        let params = json!({ "MonitorArn": arn, "MaxResults": 100 });
        let subscriptions = look.pages("ce", "GetAnomalySubscriptions", params).await?;
        Ok(Facts::Payer(Some(arn.to_owned()), subscriptions.iter().filter_map(Existing::read).collect()))
    }

    fn plan(target: &Target, facts: &Facts) -> Planned<Action> {
        let (monitor, seen) = match facts {
            Facts::NotPayer => {
                let reason = "monitors of single accounts are made in the management account, and Forester does not \
                              run there";
                let kept = vec![("the anomaly monitor".to_owned(), reason.to_owned())];
                return Planned { kept, ..Planned::nothing() };
            }
            Facts::Payer(monitor, seen) => (monitor, seen),
        };
        let wanted = match wanted(target) {
            Ok(wanted) => wanted,
            Err(problem) => return Planned::problem(problem),
        };
        let Some(monitor) = monitor else {
            let (name, watches) = (name(target), watched(target));
            return Planned::steps(vec![Action::CreateMonitor { name, watches, subscriptions: wanted }]);
        };
        let mut steps = Vec::new();
        if target.strict() {
            let ours = names(target).into_iter().filter(|name| !wanted.iter().any(|wanted| wanted.name == *name));
            let extra = ours.filter_map(|name| Some((seen.get(&name)?.arn.clone(), name)));
            steps.extend(extra.map(|(arn, name)| Action::DeleteSubscription { arn, name }));
        }
        steps.extend(wanted.into_iter().filter_map(|wanted| match seen.get(&wanted.name) {
            None => Some(Action::CreateSubscription { monitor: monitor.clone(), subscription: wanted }),
            Some(found) => found.mended(wanted, target.strict()),
        }));
        Planned::steps(steps)
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        match action {
            Action::CreateMonitor { name, watches, subscriptions } => {
                let answer = scope.call("ce", "CreateAnomalyMonitor", watches.described(name)).await;
                let answer = answer.map_err(|error| refused(error, watches))?;
                let arn = answer.get("MonitorArn").and_then(Value::as_str).unwrap_or_default();
                for subscription in subscriptions {
                    subscribe(scope, arn, subscription).await?;
                }
            }
            Action::CreateSubscription { monitor, subscription } => subscribe(scope, monitor, subscription).await?,
            Action::UpdateSubscription { arn, subscription } => {
                let mut params = subscription.described();
                if let Value::Object(params) = &mut params {
                    params.insert("SubscriptionArn".to_owned(), arn.clone().into());
                }
                scope.call("ce", "UpdateAnomalySubscription", params).await?;
            }
            Action::DeleteSubscription { arn, .. } => {
                let outcome = scope.call("ce", "DeleteAnomalySubscription", json!({ "SubscriptionArn": arn })).await;
                super::fine_if_gone(outcome)?;
            }
        }
        Ok(Taken::Done)
    }
}

/// The monitor's name; subscriptions begin with it.
fn name(target: &Target) -> String {
    match watched(target) {
        Watched::Account(account) => format!("forester-{account}"),
        Watched::Services => target.labelled("forester"),
    }
}

/// The names of our subscriptions: of the topic, and of the addresses.
fn names(target: &Target) -> [String; 2] {
    let name = name(target);
    [format!("{name}-topic"), format!("{name}-mail")]
}

fn watched(target: &Target) -> Watched {
    match target.forest.organization {
        Some(_) => Watched::Account(target.account.id.clone()),
        None => Watched::Services,
    }
}

fn wanted(target: &Target) -> Result<Vec<Subscription>, String> {
    let declared = target.wanted.anomaly.clone().unwrap_or_default();
    let threshold =
        declared.threshold_usd.ok_or("no layer of this account says from which amount on (`threshold_usd`)")?.amount();
    let notify = declared.notify.unwrap_or_default();
    let subject = target.account.subject();
    let topics: Result<BTreeSet<_>, _> = notify.sns.iter().map(|to| subject.fill(to).map(Subscriber::Sns)).collect();
    let emails = notify.email.iter().flatten();
    let emails: Result<BTreeSet<_>, _> = emails.map(|to| subject.fill(to).map(Subscriber::Email)).collect();
    let all = names(target).into_iter().zip([topics?, emails?]);
    let all = all.map(|(name, told)| Subscription { name, threshold, told });
    let wanted: Vec<Subscription> = all.filter(|subscription| !subscription.told.is_empty()).collect();
    if wanted.is_empty() {
        return Err("no layer of this account says who is told of an anomaly (`notify`)".to_owned());
    }
    Ok(wanted)
}

impl Watched {
    fn is_watched_by(&self, monitor: &Value) -> bool {
        match self {
            Self::Account(account) => {
                let accounts = monitor.pointer("/MonitorSpecification/Dimensions");
                let key = accounts.and_then(|accounts| accounts.get("Key"));
                key == Some(&"LINKED_ACCOUNT".into())
                    && accounts.is_some_and(|accounts| list(accounts, "Values") == [Value::from(account.as_ref())])
            }
            Self::Services => monitor.get("MonitorDimension") == Some(&"SERVICE".into()),
        }
    }

    fn described(&self, name: &str) -> Value {
        let monitor = match self {
            Self::Account(account) => json!({ "MonitorName": name, "MonitorType": "CUSTOM",
                "MonitorSpecification": { "Dimensions": { "Key": "LINKED_ACCOUNT", "Values": [account] } } }),
            Self::Services => {
                json!({ "MonitorName": name, "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE" })
            }
        };
        json!({ "AnomalyMonitor": monitor })
    }
}

impl Subscription {
    fn described(&self) -> Value {
        let topic = self.told.iter().any(|who| matches!(who, Subscriber::Sns(_)));
        let told = self.told.iter().map(|who| match who {
            Subscriber::Email(to) => json!({ "Type": "EMAIL", "Address": to }),
            Subscriber::Sns(to) => json!({ "Type": "SNS", "Address": to }),
        });
        json!({ "SubscriptionName": self.name, "Frequency": if topic { "IMMEDIATE" } else { "DAILY" },
            "Subscribers": told.collect::<Vec<_>>(), "ThresholdExpression": { "Dimensions": {
                "Key": IMPACT, "MatchOptions": [AT_LEAST], "Values": [self.threshold.to_string()] } } })
    }
}

const IMPACT: &str = "ANOMALY_TOTAL_IMPACT_ABSOLUTE";
const AT_LEAST: &str = "GREATER_THAN_OR_EQUAL";

impl Existing {
    fn read(subscription: &Value) -> Option<(String, Self)> {
        let text = |member: &str| Some(subscription.get(member)?.as_str()?.to_owned());
        let limit = subscription.pointer("/ThresholdExpression/Dimensions").filter(|limit| {
            limit.get("Key") == Some(&IMPACT.into()) && list(limit, "MatchOptions") == [Value::from(AT_LEAST)]
        });
        let threshold = limit.and_then(|limit| Decimal::from_str(list(limit, "Values").first()?.as_str()?).ok());
        let told = list(subscription, "Subscribers").iter().filter_map(|who| {
            let address = who.get("Address")?.as_str()?.to_owned();
            match who.get("Type")?.as_str()? {
                "EMAIL" => Some(Subscriber::Email(address)),
                "SNS" => Some(Subscriber::Sns(address)),
                _ => None,
            }
        });
        let told = told.collect();
        Some((text("SubscriptionName")?, Self { arn: text("SubscriptionArn")?, threshold, told }))
    }

    /// The step that makes it what is wanted. Addresses of others stay; a topic is one.
    fn mended(&self, mut wanted: Subscription, strict: bool) -> Option<Action> {
        let email = |who: &&Subscriber| matches!(who, Subscriber::Email(_));
        if !strict && wanted.told.iter().any(|who| email(&who)) {
            wanted.told.extend(self.told.iter().filter(email).cloned());
        }
        let same = self.threshold == Some(wanted.threshold) && self.told == wanted.told;
        (!same).then(|| Action::UpdateSubscription { arn: self.arn.clone(), subscription: wanted })
    }
}

async fn subscribe(scope: &Scope, monitor: &str, subscription: &Subscription) -> Result<(), StepError> {
    let mut described = subscription.described();
    if let Value::Object(described) = &mut described {
        described.insert("MonitorArnList".to_owned(), json!([monitor]));
    }
    let outcome = scope.call("ce", "CreateAnomalySubscription", json!({ "AnomalySubscription": described })).await;
    match outcome {
        Err(error) if error.class == ErrorClass::Invalid => Err(StepError::lasting(
            error,
            "look at `anomaly.notify`: a topic must let costalerts.amazonaws.com publish to it",
        )),
        outcome => Ok(outcome.map(|_| ())?),
    }
}

fn refused(error: CallError, watches: &Watched) -> StepError {
    match (error.class, watches) {
        (ErrorClass::Invalid, Watched::Account(_)) => StepError::lasting(
            error,
            "the management account may have all the monitors that AWS lets it have (500): ask for more, or declare \
             `anomaly` for fewer accounts",
        ),
        // An account has one such monitor: somebody made it since we looked.
        (ErrorClass::Invalid, Watched::Services) => StepError {
            cause: error,
            hint: "it may be there by now; the next run looks again".to_owned(),
            may_pass: true,
        },
        _ => error.into(),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateMonitor { name, watches, subscriptions } => {
                match watches {
                    Watched::Account(account) => write!(f, "create anomaly monitor {name} for {account}")?,
                    Watched::Services => write!(f, "create anomaly monitor {name} for all services")?,
                }
                subscriptions.iter().try_for_each(|subscription| write!(f, ", {subscription}"))
            }
            Self::CreateSubscription { subscription, .. } | Self::UpdateSubscription { subscription, .. } => {
                write!(f, "of anomalies, {subscription}")
            }
            Self::DeleteSubscription { name, .. } => write!(f, "remove anomaly subscription {name}"),
        }
    }
}

impl fmt::Display for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.told.iter().map(ToString::to_string).collect();
        write!(f, "from {} USD on tell {}", self.threshold, told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::fake::{FakeMember, FakeOrganization};
    use crate::baseline::world::{World, id};

    const LAYER: &str = "- {match: {all: true}, enforce: ENFORCE, anomaly: {threshold_usd: 20, notify: \
                         {email: [ops@acme.example], sns: \"arn:aws:sns:us-east-1:111122223333:money\"}}}";

    fn management() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn forest() -> World {
        let organization = FakeOrganization::new(&management(), &[])
            .with(&management(), FakeMember::new("root", ""))
            .with(&id(), FakeMember::new("dev", ""));
        World::organization(&format!("layers:\n{}", LAYER.replace("ENFORCE", "additive")), organization)
    }

    #[tokio::test]
    async fn payer_has_a_monitor_for_each_account() {
        let world = forest();
        for account in [management(), id()] {
            assert_eq!(world.apply_to(&account).await.complaints(), Vec::<String>::new());
        }
        assert!(world.cloud.account(&id()).monitors.is_empty());
        let payer = world.cloud.account(&management());
        let watched: Vec<&Value> =
            payer.monitors.iter().map(|monitor| &monitor["MonitorSpecification"]["Dimensions"]["Values"][0]).collect();
        assert_eq!(watched, ["111122223333", "444455556666"]);
        let told: Vec<(&Value, &Value)> =
            payer.subscriptions.iter().map(|one| (&one["SubscriptionName"], &one["Frequency"])).collect();
        assert_eq!(
            told[2..],
            [
                (&"forester-444455556666-topic".into(), &"IMMEDIATE".into()),
                (&"forester-444455556666-mail".into(), &"DAILY".into()),
            ]
        );
        world.cloud.writes();
        world.apply_to(&id()).await;
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn monitor_of_all_services_that_is_there_is_used() {
        let world = World::fresh(LAYER);
        world.cloud.change(&id(), |account| {
            account.monitors.push(json!({ "MonitorArn": "arn:m", "MonitorName": "Default-Services-Monitor",
                "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE" }));
        });
        assert_eq!(world.apply().await.complaints(), Vec::<String>::new());
        let account = world.cloud.account(&id());
        assert_eq!((account.monitors.len(), account.subscriptions.len()), (1, 2));
        assert_eq!(account.subscriptions[0]["MonitorArnList"][0], "arn:m");
    }

    #[tokio::test]
    async fn threshold_is_mended_and_addresses_of_others_stay() {
        let world = World::fresh(LAYER);
        world.apply().await;
        world.cloud.change(&id(), |account| {
            let mail = account.subscriptions.iter_mut().find(|one| one["Frequency"] == "DAILY").unwrap();
            mail["ThresholdExpression"]["Dimensions"]["Values"][0] = "500".into();
            mail["Subscribers"].as_array_mut().unwrap().push(json!({ "Type": "EMAIL", "Address": "cfo@acme.example" }));
        });
        world.cloud.writes();
        world.apply().await;
        assert_eq!(world.cloud.writes(), ["UpdateAnomalySubscription"]);
        let account = world.cloud.account(&id());
        let mail = account.subscriptions.iter().find(|one| one["Frequency"] == "DAILY").unwrap();
        assert_eq!(mail["ThresholdExpression"]["Dimensions"]["Values"][0], "20");
        assert_eq!(mail["Subscribers"].as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn subscription_lost_after_the_monitor_was_made_is_made_next_time() {
        let world = World::fresh(LAYER);
        world.cloud.fail("CreateAnomalySubscription", None, ErrorClass::Throttled, "LimitExceededException");
        assert!(world.apply().await.failed[0].may_pass);
        world.cloud.heal();
        assert!(world.apply().await.is_clean());
        let account = world.cloud.account(&id());
        assert_eq!((account.monitors.len(), account.subscriptions.len()), (1, 2));
    }
}
