//! Posting with a secret, and sorting what comes back: never again, or later.
//!
//! A secret that the other side refuses may have been rotated since it was read, so it is read anew, once. Neither a
//! secret nor a URL that carries one gets into what is said about a failure.

use std::time::Duration;

use jiff::Timestamp;

use super::https::{Answer, Post, PostError};
use super::secrets::Secret;
use super::{Outcome, Tools};
use crate::alert::Text;
use crate::config::alerts::{Reference, Secretive};

/// The other side.
pub(super) struct Vendor {
    /// What it is called in messages.
    pub name: &'static str,
    /// How long to wait when it is busy and does not say how long; `None`: as the delivery thinks best.
    pub busy: Option<Duration>,
}

impl Vendor {
    /// What an answer without success means; `None`: it was taken.
    pub fn sort(&self, answer: &Answer) -> Option<Outcome> {
        let said = format!("{} answered {}", self.name, answer.status);
        match answer.status {
            200..=299 => None,
            429 => Some(Outcome::Later(said, answer.retry_after.or(self.busy))),
            408 | 425 | 500.. => Some(Outcome::Later(said, answer.retry_after)),
            300..=399 => {
                Some(Outcome::Refused(format!("{said}, and redirects are not followed; name the new address")))
            }
            _ => Some(Outcome::Refused(said)),
        }
    }

    /// The same, with what the other side says about it. A secret that it repeats is blotted out.
    pub fn sort_with_words(&self, answer: &Answer, secret: &Secret) -> Option<Outcome> {
        let words = Text::line(&secret.blot(&answer.body)).clip(200).to_string();
        let told = |said: String| if words.is_empty() { said } else { format!("{said}: {words}") };
        self.sort(answer).map(|outcome| match outcome {
            Outcome::Refused(said) => Outcome::Refused(told(said)),
            Outcome::Later(said, wait) => Outcome::Later(told(said), wait),
            accepted @ Outcome::Accepted { .. } => accepted,
        })
    }
}

impl Answer {
    /// Whether the other side may have refused the secret, or no longer knows the address that is one.
    pub fn is_unwelcome(&self) -> bool {
        matches!(self.status, 401 | 403 | 404 | 410)
    }
}

/// A secret, or what its absence means.
pub(super) async fn secret(tools: &Tools, reference: &Reference) -> Result<Secret, Outcome> {
    tools.secrets.get(reference).await.map_err(|why| Outcome::Later(why, None))
}

/// Posts what `build` makes of the secret. Where `refused` says so and the secret has changed since it was read, it
/// posts once more.
pub(super) async fn post_with<'a>(
    tools: &Tools,
    kept: &Secretive,
    now: Timestamp,
    build: impl Fn(&Secret) -> Post<'a> + Send,
    refused: impl Fn(&Answer) -> bool + Send,
) -> Result<(Answer, Secret), Outcome> {
    let secret = tools.secrets.url(kept).await.map_err(|why| Outcome::Later(why, None))?;
    let answer = post(tools, build(&secret), now).await?;
    let Secretive::Kept(reference) = kept else { return Ok((answer, secret)) };
    if !refused(&answer) {
        return Ok((answer, secret));
    }
    match tools.secrets.again(reference).await {
        Ok(renewed) if renewed != secret => Ok((post(tools, build(&renewed), now).await?, renewed)),
        Ok(_) | Err(_) => Ok((answer, secret)),
    }
}

/// Posts, once.
pub(super) async fn post(tools: &Tools, post: Post<'_>, now: Timestamp) -> Result<Answer, Outcome> {
    tools.https.post(post, now).await.map_err(|error| match error {
        PostError::Silent(_) => Outcome::Later(error.to_string(), None),
        PostError::Forbidden(_) => Outcome::Refused(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VENDOR: Vendor = Vendor { name: "the vendor", busy: Some(Duration::from_secs(120)) };

    fn answer(status: u16, retry_after: Option<u64>) -> Answer {
        Answer { status, retry_after: retry_after.map(Duration::from_secs), body: String::new() }
    }

    #[test]
    fn answers_say_whether_to_try_again() {
        for status in [429, 500, 502, 503, 504, 408] {
            assert!(matches!(VENDOR.sort(&answer(status, None)), Some(Outcome::Later(..))), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 410, 413] {
            assert!(matches!(VENDOR.sort(&answer(status, None)), Some(Outcome::Refused(_))), "{status}");
        }
        assert_eq!(VENDOR.sort(&answer(202, None)), None);
    }

    #[test]
    fn busy_vendors_are_given_the_time_they_ask_for() {
        let wait = |retry_after| match VENDOR.sort(&answer(429, retry_after)) {
            Some(Outcome::Later(_, wait)) => wait.unwrap().as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!((wait(Some(30)), wait(None)), (30, 120));
    }

    #[test]
    fn secret_that_is_repeated_is_blotted_out() {
        let answer = Answer { body: "no service for key k-secret!\n".to_owned(), ..answer(400, None) };
        let told = VENDOR.sort_with_words(&answer, &Secret::new("k-secret"));
        assert_eq!(told, Some(Outcome::Refused("the vendor answered 400: no service for key (secret)!".to_owned())));
    }
}
