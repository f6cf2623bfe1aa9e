//! Alternate contacts: where AWS writes about security, invoices and maintenance, beside the root user's address.
//!
//! The call replaces a whole contact and takes none without a name, a title and a number
//! (<https://docs.aws.amazon.com/accounts/latest/reference/API_PutAlternateContact.html>). So what is not declared is
//! taken from the contact there is, and in a new one the number from the account's primary contact. It is made in the
//! account itself, without its id: named by id, the management account would be refused.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::aspect::global_if;
use super::super::{Aspect, Look, Place, Planned, StepError, Taken, Target};
use crate::aws::{CallError, Scope};
use crate::config;
use crate::types::Region;

/// The declared alternate contacts.
pub struct Contacts;

/// What there is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    contacts: BTreeMap<&'static str, Contact>,
    /// The number of the primary contact, where it is needed.
    phone: Option<String>,
}

/// A whole contact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contact {
    email: String,
    name: String,
    title: String,
    phone: String,
}

/// What can be done about contacts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Sets a contact, whether there is one or not.
    SetContact {
        /// Which one, as the file calls it.
        which: &'static str,
        /// The contact.
        contact: Contact,
    },
}

fn declared(target: &Target) -> impl Iterator<Item = (&'static str, &config::Contact)> {
    target.wanted.contacts.iter().flat_map(config::Contacts::declared)
}

#[async_trait]
impl Aspect for Contacts {
    const NAME: &'static str = "contacts";
    type Facts = Found;
    type Action = Action;

    fn places(target: &Target, _: &[Region]) -> Vec<Place> {
        global_if(declared(target).next().is_some())
    }

    async fn observe(look: &Look<'_>, target: &Target) -> Result<Found, CallError> {
        let mut found = Found::default();
        for (which, _) in declared(target) {
            let params = json!({ "AlternateContactType": which.to_uppercase() });
            match look.call("account", "GetAlternateContact", params).await {
                Ok(answer) => found.contacts.extend(Contact::read(&answer).map(|contact| (which, contact))),
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(error),
            }
        }
        if declared(target).any(|(which, contact)| contact.phone.is_none() && !found.contacts.contains_key(which)) {
            found.phone = primary_phone(look).await?;
        }
        Ok(found)
    }

    fn plan(target: &Target, found: &Found) -> Planned<Action> {
        let mut planned = Planned::nothing();
        for (which, declared) in declared(target) {
            let seen = found.contacts.get(which);
            match wanted(target, which, declared, found) {
                Ok(contact) if seen == Some(&contact) => {}
                Ok(contact) => planned.steps.push(Action::SetContact { which, contact }),
                Err(problem) => planned.problems.push(problem),
            }
        }
        planned
    }

    async fn take(scope: &Scope, action: &Action) -> Result<Taken, StepError> {
        let Action::SetContact { which, contact } = action;
        let params = json!({
            "AlternateContactType": which.to_uppercase(),
            "EmailAddress": contact.email,
            "Name": contact.name,
            "Title": contact.title,
            "PhoneNumber": contact.phone,
        });
        scope.call("account", "PutAlternateContact", params).await?;
        Ok(Taken::Done)
    }
}

impl Contact {
    fn read(answer: &Value) -> Option<Self> {
        let contact = answer.get("AlternateContact")?;
        let text = |member: &str| contact.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { email: text("EmailAddress"), name: text("Name"), title: text("Title"), phone: text("PhoneNumber") })
    }
}

async fn primary_phone(scope: &Scope) -> Result<Option<String>, CallError> {
    match scope.call("account", "GetContactInformation", json!({})).await {
        Ok(answer) => {
            let phone = answer.pointer("/ContactInformation/PhoneNumber").and_then(Value::as_str);
            Ok(phone.map(str::to_owned))
        }
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is declared, over what there is, over what stands in for it.
fn wanted(target: &Target, which: &str, declared: &config::Contact, found: &Found) -> Result<Contact, String> {
    let subject = target.account.subject();
    let seen = found.contacts.get(which);
    let text = |template: &Option<String>, seen: Option<&String>, fallback: &str| match (template, seen) {
        (Some(template), _) => subject.fill(template),
        (None, Some(seen)) => Ok(seen.clone()),
        (None, None) => Ok(fallback.to_owned()),
    };
    let kind = capitalized(which);
    let number = declared.phone.as_ref().or(seen.map(|seen| &seen.phone)).or(found.phone.as_ref());
    let email = declared
        .email
        .as_ref()
        .ok_or_else(|| format!("no layer of this account says the address of the {which} contact; expected `email`"))?;
    Ok(Contact {
        email: subject.fill(email)?,
        name: text(&declared.name, seen.map(|seen| &seen.name), &kind)?,
        title: text(&declared.title, seen.map(|seen| &seen.title), &kind)?,
        phone: number.cloned().ok_or_else(|| {
            format!(
                "AWS takes no {which} contact without a telephone number, and the account has none: declare its `phone`"
            )
        })?,
    })
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::SetContact { which, contact: Contact { email, .. } } = self;
        write!(f, "set the {which} contact to {email}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::baseline::fake::FakeAccount;
    use crate::baseline::world::{REGIONS, World, id};

    const LAYER: &str = "  - match: {all: true}\n    contacts:\n      security: \"sec+{name}@acme.example\"\n      \
        billing: {email: fin@acme.example, name: Finance, title: CFO, phone: \"+31 20 555 0199\"}\n";

    #[tokio::test]
    async fn new_account_gets_its_contacts_and_the_number_it_has() {
        let world = World::fresh(LAYER);
        let report = world.apply().await;
        assert!(report.is_clean(), "{report}");
        let contacts = world.cloud.account(&id()).contacts;
        assert_eq!(contacts.len(), 2);
        assert_eq!(
            contacts["SECURITY"],
            json!({"AlternateContactType": "SECURITY", "EmailAddress": "sec+dev@acme.example", "Name": "Security",
                "Title": "Security", "PhoneNumber": "+31 20 555 0100"})
        );
        assert_eq!(contacts["BILLING"]["PhoneNumber"], "+31 20 555 0199");
        world.cloud.calls();
        assert_eq!(world.apply().await.steps, []);
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_is_not_declared_stays_as_somebody_set_it() {
        let mut account = FakeAccount::fresh(&REGIONS);
        let by_hand = json!({"AlternateContactType": "SECURITY", "EmailAddress": "old@acme.example", "Name": "Ana",
            "Title": "CISO", "PhoneNumber": "1"});
        account.contacts.insert("SECURITY".to_owned(), by_hand.clone());
        account.contacts.insert("OPERATIONS".to_owned(), by_hand.clone());
        let world = World::new(LAYER, account);
        world.apply().await;
        let contacts = world.cloud.account(&id()).contacts;
        assert_eq!(contacts["SECURITY"]["EmailAddress"], "sec+dev@acme.example");
        assert_eq!(contacts["SECURITY"]["Title"], "CISO");
        assert_eq!(contacts["OPERATIONS"], by_hand);
    }

    #[tokio::test]
    async fn contact_without_any_number_is_a_problem_and_the_others_are_set() {
        let world = World::new(LAYER, FakeAccount { phone: None, ..FakeAccount::fresh(&REGIONS) });
        let report = world.apply().await;
        assert_eq!((report.done.len(), report.errors.len()), (1, 1), "{report}");
        assert!(report.errors[0].reason.contains("declare its `phone`"), "{report}");
    }

    #[tokio::test]
    async fn later_layer_changes_a_part_or_drops_a_contact() {
        let later = "  - {match: {account: dev}, contacts: {security: new@acme.example, billing: {remove: true}}}\n";
        let world = World::fresh(&format!("{LAYER}{later}"));
        world.apply().await;
        let contacts = world.cloud.account(&id()).contacts;
        assert_eq!(contacts.len(), 1);
        assert_eq!(contacts["SECURITY"]["EmailAddress"], "new@acme.example");
    }
}
