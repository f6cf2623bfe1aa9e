//! Posting to addresses that a person configured: over TLS, to public addresses only, following nobody elsewhere.
//!
//! A Lambda can reach its own runtime interface, the credential endpoint and whatever its network holds, so addresses
//! are judged after they are resolved. The connector is the SDK's own, so the binary carries one TLS stack.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;

use crate::config::alerts::channels::is_one_of;

/// Whether addresses of this machine, without TLS, are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// They are refused like every other private address.
    Refused,
    /// They are allowed: for tests and emulators on one machine.
    Allowed,
}

/// Posts documents.
#[derive(Clone, Debug)]
pub struct Https {
    /// Made when it is first needed: reading the root certificates takes longer than the rest of a start.
    connector: Arc<OnceLock<Connector>>,
    loopback: Loopback,
    /// The longest that any answer may take.
    patience: Duration,
}

/// What is posted, and where it may go.
pub(super) struct Post<'a> {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// The hosts that may be posted to (a leading dot stands for every name below); empty: any.
    pub hosts: &'a [&'a str],
    /// How long the answer may take.
    pub patience: Duration,
}

/// How long an answer may take where it is the only one that is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// How long each may take where two are waited for, one after the other.
pub(super) const HALF: Duration = Duration::from_secs(9);

impl<'a> Post<'a> {
    /// A JSON document for one of `hosts`.
    pub fn json(url: String, hosts: &'a [&'a str], body: String) -> Self {
        let headers =
            vec![("content-type", "application/json; charset=utf-8".to_owned()), ("user-agent", AGENT.to_owned())];
        Self { url, headers, body, hosts, patience: PATIENCE }
    }

    /// The same, with one more header.
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same, with less patience.
    pub fn for_half(mut self) -> Self {
        self.patience = HALF;
        self
    }
}

/// What the other side said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// The beginning of the body.
    pub body: String,
}

/// Why there is no answer. URLs are never repeated: they may carry tokens.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum PostError {
    /// Forester does not post there.
    #[error("the address is not allowed: {0}")]
    Forbidden(String),
    /// The other side did not answer.
    #[error("no answer: {0}")]
    Silent(String),
}

/// Who posts.
pub(super) const AGENT: &str = concat!("forester/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(10);
/// The longest wait that another side may ask for.
const LONGEST: Duration = Duration::from_secs(3_600);
/// How much of an answer's body is read.
const BODY: usize = 64 * 1024;

impl Https {
    /// A connector with its own connections.
    pub fn new(loopback: Loopback) -> Self {
        Self { connector: Arc::default(), loopback, patience: PATIENCE }
    }

    /// A connector that gives up soon.
    #[cfg(test)]
    pub(super) fn impatient(loopback: Loopback) -> Self {
        Self { patience: Duration::from_millis(300), ..Self::new(loopback) }
    }

    /// Posts, and returns the answer; redirects are answers like any other.
    pub(super) async fn post(&self, post: Post<'_>, now: Timestamp) -> Result<Answer, PostError> {
        let (patience, hosts) = (post.patience, post.hosts);
        let request = request(post)?;
        self.judge(&request, hosts)?;
        match tokio::time::timeout(patience.min(self.patience), self.exchange(request, now)).await {
            Ok(answer) => answer,
            Err(_) => Err(PostError::Silent("timed out".to_owned())),
        }
    }

    async fn exchange(&self, request: HttpRequest, now: Timestamp) -> Result<Answer, PostError> {
        let answer = self.connector.get_or_init(|| connector(self.loopback)).call(request).await;
        let answer = answer.map_err(|error| match refusal(&error) {
            Some(why) => PostError::Forbidden(why),
            None if error.is_timeout() => PostError::Silent("timed out".to_owned()),
            None => PostError::Silent("the connection failed".to_owned()),
        })?;
        let retry_after = answer.headers().get("retry-after").and_then(|text| waits(text, now));
        let status = answer.status().as_u16();
        Ok(Answer { status, retry_after, body: beginning(answer.into_body()).await })
    }

    /// Judges what can be told before anything is resolved.
    fn judge(&self, request: &HttpRequest, hosts: &[&str]) -> Result<(), PostError> {
        let forbidden = |why: &str| Err(PostError::Forbidden(why.to_owned()));
        let Some(copy) = request.try_clone().and_then(|request| request.try_into_http1x().ok()) else {
            return forbidden("it is not a URL");
        };
        let uri = copy.uri();
        let Some(host) = uri.host().map(|host| host.trim_matches(['[', ']'])) else {
            return forbidden("it names no host");
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return forbidden("it carries a user name");
        }
        let literal = host.parse::<IpAddr>().ok();
        if literal.is_some_and(|address| !allowed(address, self.loopback)) {
            return forbidden("it is private");
        }
        let local = literal.is_some_and(|address| address.is_loopback()) || host == "localhost";
        let here = local && self.loopback == Loopback::Allowed;
        if !(hosts.is_empty() || is_one_of(host, hosts) || here) {
            return forbidden("its host is not one of this kind of channel");
        }
        match uri.scheme_str() {
            Some("https") => Ok(()),
            Some("http") if here => Ok(()),
            _ => forbidden("only https is spoken"),
        }
    }
}

fn request(post: Post<'_>) -> Result<HttpRequest, PostError> {
    let forbidden = |why: &str| PostError::Forbidden(why.to_owned());
    let mut request = HttpRequest::get(post.url).map_err(|_| forbidden("it is not a URL"))?;
    request.set_method("POST").map_err(|_| forbidden("it cannot be posted to"))?;
    *request.body_mut() = SdkBody::from(post.body);
    for (name, value) in post.headers {
        let header = request.headers_mut().try_insert(name, value);
        header.map_err(|_| forbidden("a header cannot be sent"))?;
    }
    Ok(request)
}

/// The beginning of a body. What breaks off is not missed: the status has been read.
async fn beginning(body: SdkBody) -> String {
    let (mut stream, mut bytes) = (ByteStream::new(body), Vec::new());
    while let Some(Ok(chunk)) = stream.next().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= BODY {
            break;
        }
    }
    bytes.truncate(BODY);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn connector(loopback: Loopback) -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(READ).build();
    let connector = Connector::builder().connector_settings(settings).sleep_impl(TokioSleep::new());
    connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_with_resolver(Judged { loopback })
}

/// Resolves names, and keeps only addresses that may be posted to.
#[derive(Clone, Debug)]
struct Judged {
    loopback: Loopback,
}

#[derive(Debug, thiserror::Error)]
#[error("its name has no public address")]
struct NoPublicAddress;

impl ResolveDns for Judged {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            let kept: Vec<IpAddr> = found.into_iter().filter(|address| allowed(*address, self.loopback)).collect();
            if kept.is_empty() { Err(ResolveDnsError::new(NoPublicAddress)) } else { Ok(kept) }
        })
    }
}

/// Whether the resolver refused, somewhere down the chain of causes.
fn refusal(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(found) = cause {
        if found.is::<NoPublicAddress>() || found.to_string().contains("has no public address") {
            return Some(NoPublicAddress.to_string());
        }
        cause = found.source();
    }
    None
}

fn allowed(address: IpAddr, loopback: Loopback) -> bool {
    let local = address.is_loopback() && loopback == Loopback::Allowed;
    local
        || match address {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        }
}

/// Not one of the special-purpose blocks: <https://www.iana.org/assignments/iana-ipv4-special-registry>
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || matches!((a, b, c), (0, _, _) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _) | (240.., _, _));
    !special
}

/// Only global unicast (2000::/3), and an IPv4 address inside judged as such.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, ..] = address.segments();
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    match (first, second) {
        (0x2002, _) => is_public_v4(Ipv4Addr::from((u32::from(second) << 16) | u32::from(third))),
        (0x2001, 0x0..=0x1ff | 0xdb8) => false,
        (0x3fff, 0x0..=0xfff) => false,
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

/// `Retry-After`: seconds, or a date; an hour at most, so that nobody else decides that an alert never arrives.
fn waits(text: &str, now: Timestamp) -> Option<Duration> {
    told_wait(text, now).map(|wait| wait.min(LONGEST))
}

fn told_wait(text: &str, now: Timestamp) -> Option<Duration> {
    let until = || jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp().duration_since(now));
    match text.trim().parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => until().map(|wait| Duration::try_from(wait).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expect: bool) {
        assert_eq!(allowed(address.parse().unwrap(), Loopback::Refused), expect, "{address}");
    }

    #[test]
    fn only_public_addresses_are_allowed() {
        for address in ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"] {
            check(address, true);
        }
        let refused = [
            "127.0.0.1",
            "169.254.169.254",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::",
            "fd00:ec2::254",
            "fe80::1",
            "::ffff:127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "255.255.255.255",
        ];
        refused.iter().for_each(|address| check(address, false));
    }

    #[test]
    fn loopback_can_be_allowed_and_nothing_else() {
        assert!(allowed("127.0.0.1".parse().unwrap(), Loopback::Allowed));
        assert!(!allowed("10.0.0.1".parse().unwrap(), Loopback::Allowed));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-12T04:26:51Z".parse().unwrap();
        assert_eq!(waits("120", now), Some(Duration::from_secs(120)));
        assert_eq!(waits("Thu, 12 Nov 2026 04:27:51 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(waits("Thu, 12 Nov 2026 04:20:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(waits("soon", now), None);
        assert_eq!(waits("99999999999", now), Some(LONGEST));
        assert_eq!(waits("Thu, 12 Nov 2099 04:20:00 GMT", now), Some(LONGEST));
    }

    async fn refused(url: &str, expect: &str) {
        refused_among(&[], url, expect).await;
    }

    async fn refused_among(hosts: &[&str], url: &str, expect: &str) {
        let https = Https::new(Loopback::Refused);
        let post = Post::json(url.to_owned(), hosts, String::new());
        let error = https.post(post, Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(error, PostError::Forbidden(expect.to_owned()), "{url}");
    }

    #[tokio::test]
    async fn channel_posts_to_its_vendor_only() {
        let elsewhere = "its host is not one of this kind of channel";
        let hosts = ["hooks.slack.com", ".powerplatform.com"];
        for url in [
            "https://hooks.slack.com.evil.example/x",
            "https://evil.example/hooks.slack.com",
            "https://powerplatform.com/x",
            "https://evilpowerplatform.com/x",
            "https://evil.example#.powerplatform.com",
            "https://localhost/x",
        ] {
            refused_among(&hosts, url, elsewhere).await;
        }
        assert!(is_one_of("HOOKS.slack.com", &hosts) && is_one_of("a.b.powerplatform.com", &hosts));
    }

    #[tokio::test]
    async fn addresses_are_judged_before_a_connection_is_made() {
        refused("http://hooks.acme.example/x", "only https is spoken").await;
        refused("https://169.254.169.254/latest/meta-data", "it is private").await;
        refused("https://[::1]:9001/", "it is private").await;
        refused("https://user:word@hooks.acme.example/", "it carries a user name").await;
        refused("https://localhost/", "its name has no public address").await;
        refused("ftp://hooks.acme.example/", "only https is spoken").await;
        refused("/x", "it names no host").await;
    }
}
