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

use super::https::{Answer, PostError};
use super::secrets::Secret;
use super::{Channel, Outcome, Thread, Tools};
use crate::alert::model::Status;
use crate::alert::outbox::Delivery;
use crate::config::alerts::Webhook;

#[async_trait]
impl Channel for Webhook {
    fn render(&self, delivery: &Delivery) -> String {
        let alert = &delivery.alert;
        let kind = match alert.status {
            Status::Firing => "forester.alert.firing",
            Status::Resolved => "forester.alert.resolved",
        };
        let mut event = json!({
            "specversion": "1.0",
            "id": delivery.id,
            "type": kind,
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
        let url = match tools.secrets.url(&self.url).await {
            Ok(url) => url,
            Err(why) => return Outcome::Later(why, None),
        };
        let secret = match &self.secret {
            None => None,
            Some(reference) => match tools.secrets.get(reference).await {
                Ok(secret) => Some(secret),
                Err(why) => return Outcome::Later(why, None),
            },
        };
        let body = self.render(delivery);
        let stamp = now.as_second().to_string();
        let mut headers = vec![
            ("content-type", "application/cloudevents+json".to_owned()),
            ("user-agent", concat!("forester/", env!("CARGO_PKG_VERSION")).to_owned()),
            ("webhook-id", delivery.id.clone()),
            ("webhook-timestamp", stamp.clone()),
        ];
        if let Some(secret) = secret {
            match signature(&secret, &delivery.id, &stamp, &body) {
                Some(signature) => headers.push(("webhook-signature", signature)),
                None => return Outcome::Refused("the signing secret is not `whsec_` and base64".to_owned()),
            }
        }
        outcome(tools.https.post(url.reveal(), &headers, body, now).await)
    }
}

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

fn outcome(answer: Result<Answer, PostError>) -> Outcome {
    match answer {
        Ok(Answer { status: 200..=299, .. }) => Outcome::accepted("taken by the endpoint"),
        Ok(Answer { status: status @ (408 | 425 | 429 | 500..), retry_after }) => {
            Outcome::Later(format!("the endpoint answered {status}"), retry_after)
        }
        Ok(Answer { status: status @ 300..=399, .. }) => Outcome::Refused(format!(
            "the endpoint answered {status}, and redirects are not followed; name the new address"
        )),
        Ok(Answer { status, .. }) => Outcome::Refused(format!("the endpoint answered {status}")),
        Err(error @ PostError::Silent(_)) => Outcome::Later(error.to_string(), None),
        Err(error @ PostError::Forbidden(_)) => Outcome::Refused(error.to_string()),
    }
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

    #[test]
    fn answers_say_whether_to_try_again() {
        let check = |status, again: bool| {
            let answer = outcome(Ok(Answer { status, retry_after: None }));
            assert_eq!(matches!(answer, Outcome::Later(..)), again, "{status}");
        };
        for status in [429, 500, 502, 503, 504, 408] {
            check(status, true);
        }
        for status in [200, 204, 301, 400, 401, 403, 404, 410] {
            check(status, false);
        }
    }
}
