//! What explains that a witness shows a resource after the last scan: it stays on purpose, or it went and the witness is
//! late. Anything else contradicts.
//!
//! Names are only compared within a region and a service: a queue that is kept says nothing about a table of its name, nor
//! about a queue elsewhere. What is below something that is kept belongs to it; what is below a default does not.

use sha2::{Digest, Sha256};

use super::Shown;
use super::names::{Names, arn_words, fold};
use crate::config::Witness;
use crate::reset::catalogue::SpareAs;
use crate::reset::item::{Found, GLOBAL, ItemKey};
use crate::reset::state::Run;

/// Marks names of what holds other things.
const HOLDS: &str = "in";

/// A resource under all the names that a run may know it by.
struct Sighting<'s> {
    shown: &'s Shown,
    places: Vec<String>,
    resource: &'s str,
}

impl<'s> Sighting<'s> {
    fn new(shown: &'s Shown) -> Self {
        let (service, _) = arn_words(&shown.arn);
        let prefixes = Names::embedded().prefixes(service).chain([service]);
        let places = prefixes.flat_map(|prefix| [shown.region.as_str(), GLOBAL].map(|region| place(region, prefix)));
        let resource = shown.arn.splitn(6, ':').nth(5).unwrap_or_default();
        Self { shown, places: places.collect(), resource }
    }

    /// The ARN, what is behind the account, and what is behind each word of that.
    fn names(&self) -> impl Iterator<Item = &str> {
        let behind = self.resource.match_indices([':', '/']).filter_map(|(at, _)| self.resource.get(at + 1..));
        [self.shown.arn.as_str(), self.resource].into_iter().chain(behind).filter(|name| !name.is_empty())
    }

    /// The words between the one for the type and the last.
    fn above(&self) -> impl Iterator<Item = &str> {
        let words: Vec<&str> = self.resource.split([':', '/']).filter(|word| !word.is_empty()).collect();
        let last = words.len().saturating_sub(1);
        words.into_iter().take(last).skip(1)
    }

    fn any<'n>(&self, mut names: impl Iterator<Item = &'n str>, known: impl Fn(&str, &str) -> bool) -> bool {
        names.any(|name| self.places.iter().any(|place| known(place, name)))
    }
}

fn place(region: &str, prefix: &str) -> String {
    format!("{region} {}", fold(prefix))
}

/// The last word of an id: a queue is known by its address, and Cloud Control writes what something is below before it.
fn last(id: &str) -> &str {
    id.rsplit(['|', '/', ':']).next().filter(|last| !last.is_empty()).unwrap_or(id)
}

/// A name in eight bytes: of what went there may be very much.
fn short(place: &str, name: &str) -> u64 {
    let hash = Sha256::digest(format!("{place} {name}"));
    hash.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte))
}

impl Run {
    /// Whether a resource is one that the last scan found and left, or below such a one.
    pub(super) fn explains(&self, shown: &Shown) -> bool {
        let sighting = Sighting::new(shown);
        sighting.any(sighting.names(), |place, name| self.remaining.contains(&format!("{place} {name}")))
            || sighting.any(sighting.above(), |place, name| self.remaining.contains(&format!("{HOLDS} {place} {name}")))
    }

    /// Whether the run saw it go.
    pub(super) fn saw_go(&self, shown: &Shown) -> bool {
        let sighting = Sighting::new(shown);
        sighting.any(sighting.names(), |place, name| self.departed.contains(&short(place, name)))
    }

    /// Remembers what went, where a witness may show it for a while.
    pub(in crate::reset) fn departs(&mut self, key: &ItemKey) {
        let ask = &self.options.witnesses.ask;
        if ask.contains(&Witness::Tags) || ask.contains(&Witness::Explorer) {
            let place = place(&key.cell.region, key.cell.kind.service());
            self.departed.extend([key.id.as_str(), last(&key.id)].map(|name| short(&place, name)));
        }
    }

    /// Remembers what the last scan found, all of which stays.
    pub(in crate::reset) fn remember(&mut self, found: &[Found]) {
        self.hearings = 0;
        self.remaining.clear();
        for found in found {
            let place = place(&found.key.cell.region, found.key.cell.kind.service());
            let id = found.key.id.as_str();
            let names = [Some(id), Some(last(id)), found.arn.as_deref(), Some(found.name.as_str())];
            let holds = matches!(found.spare, None | Some(SpareAs::DefaultVpc | SpareAs::Organization | SpareAs::Busy));
            for name in names.into_iter().flatten() {
                self.remaining.insert(format!("{place} {name}"));
                if holds {
                    self.remaining.insert(format!("{HOLDS} {place} {name}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::Config;
    use crate::reset::state::Options;
    use crate::types::Mode;

    fn run() -> Run {
        let text = "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {govern: [eu-west-1]}\n\
                    access: {role: OrganizationAccountAccessRole}\nsandbox:\n  match: {ou: Sandbox, tag: {a: b}}\n";
        let config = Config::parse(text, "forester.yaml").unwrap();
        let options = Options::new(&config.sandbox.unwrap(), Mode::Apply, None);
        Run::new("run", &"555566667777".parse().unwrap(), options, "2027-01-15T00:00:00Z".parse().unwrap())
    }

    fn found(region: &str, kind: &str, id: &str, spare: Value) -> Found {
        let found = json!({
            "key": {"cell": {"region": region, "type": kind}, "id": id}, "region": "eu-west-1", "name": id, "arn": null,
            "tags": {"Ok": {}}, "created": null, "spare": spare, "foreign": false, "trimmable": false,
            "needs": [], "with": [], "facts": {},
        });
        serde_json::from_value(found).unwrap()
    }

    fn shown(arn: &str, region: &str) -> Shown {
        Shown { arn: arn.to_owned(), region: region.to_owned(), kind: None, witness: Witness::Tags }
    }

    fn check(kept: &Found, arn: &str, region: &str, expect: bool) {
        let mut run = run();
        run.remember(std::slice::from_ref(kept));
        assert_eq!(run.explains(&shown(arn, region)), expect, "{arn} in {region} by {}", kept.key);
    }

    #[test]
    fn what_is_kept_explains_itself_and_what_is_below_it() {
        let queue = found("eu-west-1", "AWS::SQS::Queue", "web", Value::Null);
        check(&queue, "arn:aws:sqs:eu-west-1:555566667777:web", "eu-west-1", true);
        check(&queue, "arn:aws:sqs:us-east-1:555566667777:web", "us-east-1", false);
        check(&queue, "arn:aws:dynamodb:eu-west-1:555566667777:table/web", "eu-west-1", false);
        let api = found("eu-west-1", "AWS::ApiGateway::RestApi", "a1", Value::Null);
        check(&api, "arn:aws:apigateway:eu-west-1::/restapis/a1/stages/prod", "eu-west-1", true);
        let bucket = found(GLOBAL, "AWS::S3::Bucket", "acme-data", Value::Null);
        check(&bucket, "arn:aws:s3:::acme-data", "eu-west-1", true);
    }

    #[test]
    fn default_explains_nothing_but_itself() {
        let bus = found("eu-west-1", "AWS::Events::EventBus", "default", json!("default"));
        check(&bus, "arn:aws:events:eu-west-1:555566667777:event-bus/default", "eu-west-1", true);
        check(&bus, "arn:aws:events:eu-west-1:555566667777:rule/default/nightly", "eu-west-1", false);
    }

    #[test]
    fn type_of_a_resource_is_not_its_name() {
        let table = found("eu-west-1", "AWS::DynamoDB::Table", "table", Value::Null);
        check(&table, "arn:aws:dynamodb:eu-west-1:555566667777:table/orders", "eu-west-1", false);
    }

    #[test]
    fn what_went_is_known_by_its_arn() {
        let mut run = run();
        for (kind, id) in [
            ("AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/555566667777/web"),
            ("AWS::Cases::Field", "d-1|f-1"),
        ] {
            run.departs(&found("eu-west-1", kind, id, Value::Null).key);
        }
        assert!(run.saw_go(&shown("arn:aws:sqs:eu-west-1:555566667777:web", "eu-west-1")));
        assert!(run.saw_go(&shown("arn:aws:cases:eu-west-1:555566667777:domain/d-1/field/f-1", "eu-west-1")));
        assert!(!run.saw_go(&shown("arn:aws:sqs:eu-west-1:555566667777:mail", "eu-west-1")));
        assert!(!run.saw_go(&shown("arn:aws:sqs:us-east-1:555566667777:web", "us-east-1")));
    }
}
