//! Webhooks: a CloudEvent, posted over HTTPS and signed in the manner of Standard Webhooks.
//!
//! `webhook-id` stays the same when a delivery is repeated, so the other side can tell a repetition
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::json;
use sha2::Sha256;

use super::call::{Vendor, post_with, secret};
use super::https::{AGENT, Answer, PATIENCE, Post};
use super::secrets::Secret;
use super::{Channel, Outcome, Thread, Tools};
use crate::alert::outbox::Delivery;
use crate::config::alerts::channels::Webhook;

#[async_trait]
impl Channel for Webhook {
    fn render(&self, delivery: &Delivery) -> String {
        let alert = &delivery.alert;
        let mut event = json!({
            "specversion": "1.0",
            "id": delivery.id,
            "type": format!("forester.alert.{}", alert.status.name()),
            "source": format!("forester/{}", alert.source),
            "subject": alert.identity.thing(),
            "datacontenttype": "application/json",
            "data": alert,
        });
        if let (Some(time), Some(members)) = (alert.time, event.as_object_mut()) {
            members.insert("time".to_owned(), time.to_string().into());
        }
        event.to_string()
    }

    async fn send(&self, delivery: &Delivery, _thread: Option<&Thread>, tools: &Tools, now: Timestamp) -> Outcome {
        let (key, body) = (self.secret.as_ref(), self.render(delivery));
        let signing = match key {
            None => None,
            Some(reference) => match secret(tools, reference).await {
                Ok(secret) => Some(secret),
                Err(outcome) => return outcome,
            },
        };
        let stamp = now.as_second().to_string();
        let mut headers = vec![
            ("content-type", "application/cloudevents+json".to_owned()),
            ("user-agent", AGENT.to_owned()),
            ("webhook-id", delivery.id.clone()),
            ("webhook-timestamp", stamp.clone()),
        ];
        if let Some(secret) = signing {
            match signature(&secret, &delivery.id, &stamp, &body) {
                Some(signature) => headers.push(("webhook-signature", signature)),
                None => return Outcome::Refused("the signing secret is not `whsec_` and base64".to_owned()),
            }
        }
        let build = |url: &Secret| Post {
            url: url.reveal().to_owned(),
            headers: headers.clone(),
            body: body.clone(),
            hosts: &[],
            patience: PATIENCE,
        };
        match post_with(tools, &self.url, now, build, Answer::is_unwelcome).await {
            Ok((answer, _)) => ENDPOINT.sort(&answer).unwrap_or_else(|| Outcome::accepted("taken by the endpoint")),
            Err(outcome) => outcome,
        }
    }
}

/// Whoever it is: what they say is not repeated.
const ENDPOINT: Vendor = Vendor { name: "the endpoint", busy: None };

/// `v1,` and the HMAC over id, time and body. A secret without the prefix `whsec_` is taken as it is.
fn signature(secret: &Secret, id: &str, stamp: &str, body: &str) -> Option<String> {
    let key = match secret.reveal().strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).ok()?,
        None => secret.reveal().as_bytes().to_vec(),
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{stamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn signature_is_that_of_standard_webhooks() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn secret_that_is_not_base64_signs_nothing() {
        assert_eq!(signature(&Secret::new("whsec_%%%"), "a", "1", "{}"), None);
    }
}
