//! Checks of whom AWS writes to. The limits are those of
//! <https://docs.aws.amazon.com/accounts/latest/reference/API_PutAlternateContact.html>.

use super::Spot;
use crate::config::layers::{Part, parts};
use crate::config::load::Problems;
use crate::config::{Config, Contact, Contacts, Layer};

pub(super) fn contacts(contacts: &Contacts, problems: &mut Problems, spot: &Spot) {
    for (key, contact) in contacts.declared() {
        let spot = spot.key(key);
        if let Some(address) = &contact.email {
            email(address, problems, &spot.key("email"));
        }
        for (key, text, most) in [("name", &contact.name, 64), ("title", &contact.title, 50)] {
            let Some(text) = text else { continue };
            match parts(text) {
                Err(message) => problems.add(&spot.key(key), message),
                Ok(_) if text.trim().is_empty() || text.chars().count() > most => {
                    problems.add(&spot.key(key), format!("expected 1 to {most} characters"));
                }
                Ok(_) => {}
            }
        }
        if let Some(phone) = contact.phone.as_ref().filter(|phone| !is_phone(phone)) {
            let message = format!("`{phone}` is not a telephone number; expected up to 25 digits, spaces and + - ( )");
            problems.add(&spot.key("phone"), message);
        }
    }
}

/// A contact needs an address; which layer says it does not matter.
pub(super) fn across_layers(config: &Config, layer: &Layer, problems: &mut Problems, spot: &Spot) {
    let Some(contacts) = &layer.contacts else { return };
    for (key, contact) in contacts.declared().filter(|(_, contact)| contact.remove != Some(true)) {
        let with_address = |(other, contact): (&str, &Contact)| other == key && contact.email.is_some();
        let told = config.layers.iter().filter_map(|layer| layer.contacts.as_ref());
        if contact.email.is_none() && !told.into_iter().any(|contacts| contacts.declared().any(with_address)) {
            problems.add(&spot.key("contacts").key(key), "no layer says the address; expected `email`");
        }
    }
}

/// An e-mail address, as AWS takes it, in which templates may stand.
pub(super) fn email(address: &str, problems: &mut Problems, spot: &Spot) {
    match parts(address) {
        Err(message) => problems.add(spot, message),
        Ok(pieces) => {
            // A tag may hold any part of the address; names and ids hold neither `@` nor what must not stand in one.
            let tag = pieces.iter().any(|piece| matches!(piece, Part::Tag(_)));
            let text: String =
                pieces.iter().map(|piece| if let Part::Text(text) = piece { text } else { "x" }).collect();
            if !tag && !is_email(&text) {
                problems
                    .add(spot, format!("`{address}` is not an e-mail address; expected for example sec@acme.example"));
            }
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let letters = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    let dotted = domain.rsplit_once('.').is_some_and(|(host, top)| !host.is_empty() && !top.is_empty());
    !local.is_empty() && dotted && letters(local, "_+=.#|!&-") && letters(domain, "_.-") && text.len() <= 254
}

fn is_phone(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_digit() || c.is_whitespace() || "()+-".contains(c);
    text.chars().any(|c| c.is_ascii_digit()) && text.chars().all(letter) && text.chars().count() <= 25
}

#[cfg(test)]
mod tests {
    use super::super::problems_of;

    fn check(contacts: &str, expect: &[&str]) {
        let found = problems_of(&format!("contacts: {contacts}"));
        let fits = |(found, expect): (&String, &&str)| found.starts_with(&format!("layers[0].contacts{expect}"));
        assert!(found.len() == expect.len() && found.iter().zip(expect).all(fits), "{found:#?}");
    }

    #[test]
    fn address_alone_or_a_whole_contact_is_taken() {
        check("{security: sec@acme.example, billing: \"{tag.owner}\", operations: \"ops+{name}@acme.example\"}", &[]);
        check("{billing: {email: fin@acme.example, name: Finance, title: CFO, phone: \"+31 (20) 555-0100\"}}", &[]);
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        check("{security: nobody}", &[".security: `nobody` is not an e-mail address; expected for example"]);
        check("{security: {email: a@b.example, phone: call me}}", &[".security.phone: `call me` is not a telephone"]);
        check("{security: {email: \"{nmae}@acme.example\"}}", &[".security.email: `{nmae}` stands for nothing"]);
        check("{security: {name: Ana}}", &[".security: no layer says the address; expected `email`"]);
        check("{security: 5}", &[".security: found the number 5; expected an e-mail address, or a mapping of"]);
        check("{secrity: a@b.example}", &[".secrity: there is no key `secrity` here; did you mean `security`?"]);
    }
}
