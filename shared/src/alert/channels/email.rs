//! E-mail through Amazon SES: a text part and a plain HTML part.
//!
//! <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>. SES sets `Message-ID` itself
//! (<https://docs.aws.amazon.com/ses/latest/dg/header-fields.html>), so all mail of an incident refers to one id that
//! no message has; mail programs gather what refers to the same (RFC 5322, section 3.6.4). A message may have 50
//! recipients (<https://docs.aws.amazon.com/ses/latest/dg/quotas.html>).

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::page::{Kind, Limits, Page, Section};
use super::{Channel, Outcome, Thread, Tools};
use crate::alert::Text;
use crate::alert::model::Alert;
use crate::alert::outbox::Delivery;
use crate::alert::text::escaped;
use crate::config::alerts::channels::{Email, OWNER, is_address};

const LIMITS: Limits = Limits { value: 2_000, rows: 400, total: 40_000 };
/// A header line may have 998 characters, and the subject is encoded: this many of four bytes fit.
const SUBJECT: usize = 180;
const RECIPIENTS: usize = 50;

#[async_trait]
impl Channel for Email {
    fn render(&self, delivery: &Delivery) -> String {
        let (to, missed) = self.recipients(&delivery.alert);
        self.request(delivery, &to, missed).to_string()
    }

    async fn send(&self, delivery: &Delivery, _thread: Option<&Thread>, tools: &Tools, _now: Timestamp) -> Outcome {
        let (to, missed) = self.recipients(&delivery.alert);
        if to.is_empty() {
            return Outcome::Refused(missed.unwrap_or_else(|| "nobody to write to".to_owned()));
        }
        let request = self.request(delivery, &to, missed);
        match tools.call(self.region.as_ref(), "sesv2", "SendEmail", request).await {
            Ok(answer) => {
                let id = answer.get("MessageId").and_then(Value::as_str).unwrap_or("without an id");
                Outcome::accepted(format!("taken by SES as {id}"))
            }
            Err(error) => error.into(),
        }
    }
}

impl Email {
    /// Who gets it, and why the owner does not.
    fn recipients(&self, alert: &Alert) -> (Vec<String>, Option<String>) {
        let mut to: Vec<String> = self.to.iter().filter(|to| *to != OWNER).cloned().collect();
        let mut missed = None;
        if self.to.iter().any(|to| to == OWNER) {
            let named = alert.labels.get("owner").map_or("", Text::as_str);
            let owners = named.split([',', ';', ' ']).filter(|part| !part.is_empty());
            let (known, strange): (Vec<&str>, Vec<&str>) = owners.partition(|owner| self.may_write_to(owner));
            missed = match (known.as_slice(), strange.as_slice()) {
                ([], []) => Some("the account has no owner who could be written to".to_owned()),
                (_, []) => None,
                (_, strange) => Some(format!(
                    "{} was not written to: it is no address in {}",
                    strange.join(", "),
                    self.domains.join(", ")
                )),
            };
            to.extend(known.into_iter().map(str::to_owned));
        }
        to.sort();
        to.dedup();
        to.truncate(RECIPIENTS);
        (to, missed)
    }

    fn may_write_to(&self, owner: &str) -> bool {
        let domain = owner.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        is_address(owner) && self.domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
    }

    fn request(&self, delivery: &Delivery, to: &[String], missed: Option<String>) -> Value {
        let mut page = Page::of(delivery).fit(LIMITS);
        if let Some(missed) = missed {
            page.note(&missed);
        }
        let utf8 = |data: String| json!({ "Data": data, "Charset": "UTF-8" });
        let mut request = json!({
            "FromEmailAddress": format!("Forester <{}>", self.from),
            "Destination": { "ToAddresses": to },
            "Content": { "Simple": {
                "Subject": utf8(page.headline.clip(SUBJECT).to_string()),
                "Body": { "Text": utf8(page.plain()), "Html": utf8(html(&page)) },
                "Headers": self.headers(delivery),
            }},
        });
        if let (Some(request), Some(set)) = (request.as_object_mut(), &self.configuration_set) {
            request.insert("ConfigurationSetName".to_owned(), set.as_str().into());
        }
        request
    }

    /// Headers by which mail programs gather an incident's mail, and answer none of it by themselves.
    fn headers(&self, delivery: &Delivery) -> Value {
        let domain = self.from.rsplit_once('@').map_or("forester.invalid", |(_, domain)| domain);
        let root = format!("<{}@{domain}>", plain(&delivery.incident));
        let list = format!("<{}.alerts.{domain}>", plain(&delivery.receiver));
        let headers = [
            ("In-Reply-To", root.clone()),
            ("References", root),
            ("List-Id", list),
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("X-Forester-Delivery", plain(&delivery.id)),
        ];
        headers.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
    }
}

/// What a header can carry.
fn plain(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    text.chars().map(kept).take(120).collect()
}

fn html(page: &Page) -> String {
    let mut html = String::from(
        "<!doctype html><html><head><meta charset=\"utf-8\"></head><body style=\"font-family:sans-serif\">",
    );
    html.push_str(&format!("<h2>{}</h2>", escaped(page.headline.as_str())));
    page.sections.iter().for_each(|part| html.push_str(&section(part)));
    for (name, url) in page.doors() {
        html.push_str(&format!("<p><a href=\"{}\">{}</a></p>", escaped(url), escaped(name)));
    }
    html.push_str("</body></html>");
    html
}

fn section(section: &Section) -> String {
    if section.kind == Kind::Raw {
        let raw = section
            .rows
            .iter()
            .map(|row| format!("<p>{}</p><pre>{}</pre>", escaped(row.name.as_str()), escaped(row.value.as_str())));
        return raw.collect();
    }
    let rows = section.rows.iter().map(|row| {
        let (name, value) = (escaped(row.name.as_str()), escaped(row.value.as_str()));
        format!("<tr><td valign=\"top\"><b>{name}</b></td><td>{value}</td></tr>")
    });
    format!("<table cellpadding=\"3\">{}</table>", rows.collect::<String>())
}
