//! Answers that are errors: code, message and request id out of any protocol's form, and whether to try again.
//!
//! The form is told from the body rather than from the protocol, because what answers is not always the service: a
//! proxy, a load balancer or an emulator speaks for it in HTML.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryReason};
use aws_smithy_types::retry::ErrorKind;
use serde_json::Value;

use super::super::ErrorClass;
use super::super::classify::classify;
use super::model::{Protocol, Service};
use super::pace::Pace;
use super::parse::{Answer, Element, read_xml};

/// An error that was answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Refusal {
    pub code: String,
    pub message: String,
    pub request_id: Option<String>,
    pub class: Option<ErrorClass>,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// The error in an answer, or nothing if it is a success.
pub(super) fn refusal(service: &Service, method: &str, answer: &Answer<'_>) -> Option<Refusal> {
    let failed = answer.status >= 300 || hides_an_error(service, answer.body);
    failed.then(|| sorted(read(service, method, answer), answer))
}

/// S3 sends 200 before a copy or the joining of parts has gone through, and the error after it.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
fn hides_an_error(service: &Service, body: &[u8]) -> bool {
    let head = body.get(..200.min(body.len())).unwrap_or_default();
    service.protocol == Protocol::RestXml
        && String::from_utf8_lossy(head).contains("<Error>")
        && read_xml(body).is_ok_and(|root| root.name == "Error")
}

fn read(service: &Service, method: &str, answer: &Answer<'_>) -> Refusal {
    let text = String::from_utf8_lossy(answer.body);
    let start = text.trim_start().get(..9).unwrap_or_default().to_ascii_lowercase();
    let mut found = if start.starts_with("<html") || start.starts_with("<!doctype") {
        from_html(&text, answer.status)
    } else if start.starts_with('<') {
        read_xml(answer.body).map(|root| from_xml(&root)).unwrap_or_default()
    } else {
        from_json(service, answer)
    };
    if found.code.is_empty() && method == "HEAD" && answer.status == 404 {
        found.code = "NotFound".to_owned();
    }
    if found.message.is_empty() {
        found.message = format!("HTTP status {}", answer.status);
    }
    let from_header = ["x-amzn-requestid", "x-amzn-request-id", "x-amz-request-id"];
    found.request_id = from_header.iter().find_map(|name| (answer.header)(name)).or(found.request_id);
    // S3 names the region that the bucket is in when it is asked in another.
    if let Some(region) = (answer.header)("x-amz-bucket-region").filter(|_| answer.status != 404) {
        found.message.push_str(&format!(" (the bucket is in {region})"));
    }
    found
}

/// Not AWS's words. A page that says so means that the operation is not there; any other comes from a proxy or a portal,
/// and says nothing of what is there: it must neither be taken for "the thing is gone" nor for "not offered".
fn from_html(text: &str, status: u16) -> Refusal {
    let plain = text.to_ascii_lowercase();
    let missing = plain.contains("not implemented") || plain.contains("notimplemented");
    let class = match status {
        _ if missing => ErrorClass::Unavailable,
        401 | 403 | 407 => ErrorClass::Denied,
        400..500 => ErrorClass::Other,
        _ => ErrorClass::Transient,
    };
    Refusal {
        message: format!("a web page instead of an answer, HTTP status {status}"),
        class: Some(class),
        ..Refusal::default()
    }
}

/// `<ErrorResponse><Error>`, `<Response><Errors><Error>`, or `<Error>` itself.
fn from_xml(root: &Element) -> Refusal {
    let inner = root.child("Errors").unwrap_or(root);
    let error = inner.child("Error").unwrap_or(inner);
    let text = |element: &Element, name: &str| element.child(name).map(|found| found.text.trim().to_owned());
    let id = ["RequestId", "RequestID"].iter().find_map(|name| text(root, name).or_else(|| text(error, name)));
    Refusal {
        code: text(error, "Code").unwrap_or_default(),
        message: text(error, "Message").unwrap_or_default(),
        request_id: id,
        class: None,
    }
}

fn from_json(service: &Service, answer: &Answer<'_>) -> Refusal {
    let body: Value = serde_json::from_slice(answer.body).unwrap_or_default();
    let text = |names: [&str; 2]| names.iter().find_map(|name| body.get(name)?.as_str()).unwrap_or_default().to_owned();
    let code = (answer.header)("x-amzn-errortype")
        .or_else(|| body.get("__type")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| text(["code", "Code"]));
    // `AWS.SimpleQueueService.NonExistentQueue;Sender`: what the service said before it spoke JSON.
    let before = (answer.header)("x-amzn-query-error").filter(|_| service.query_compatible);
    let before = before.and_then(|text| text.split_once(';').map(|(code, _)| code.to_owned()));
    let message = text(["message", "Message"]);
    // One code of Organizations stands for some fifty limits and rules, and its `Reason` tells them apart.
    let message = match body.get("Reason").and_then(Value::as_str) {
        Some(reason) => format!("{reason}: {message}"),
        None => message,
    };
    Refusal { code: before.unwrap_or_else(|| bare(&code)), message, ..Refusal::default() }
}

/// `com.amazonaws.dynamodb#ResourceNotFoundException:http://…` without its ends.
fn bare(code: &str) -> String {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().to_owned()
}

fn sorted(found: Refusal, answer: &Answer<'_>) -> Refusal {
    // A redirect is S3's way to say "another region", whatever it calls it.
    let redirected = (300..400).contains(&answer.status).then_some(ErrorClass::Invalid);
    // An error behind a 200 is one of S3's own troubles.
    let status = if answer.status < 300 { 500 } else { answer.status };
    let class = found.class.or(redirected).unwrap_or_else(|| classify(&found.code, &found.message, status));
    Refusal { class: Some(class), ..found }
}

/// Tells the SDK's retry strategy what may be tried again: throttles and troubles of the moment, and nothing else.
#[derive(Debug)]
pub(super) struct Retries {
    /// Slowed by throttles.
    pub pace: Arc<Pace>,
}

impl ClassifyRetry for Retries {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        if let Some(refusal) = error.as_operation_error().and_then(|error| error.downcast_ref::<Refusal>()) {
            let retry_after = context.response().and_then(|response| response.headers().get("x-amz-retry-after"));
            let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_millis);
            let again = |kind| RetryAction::RetryIndicated(RetryReason::RetryableError { kind, retry_after });
            return match refusal.class {
                Some(ErrorClass::Throttled) => {
                    self.pace.slow(Instant::now());
                    again(ErrorKind::ThrottlingError)
                }
                Some(ErrorClass::Transient) => again(ErrorKind::TransientError),
                _ => RetryAction::RetryForbidden,
            };
        }
        // The connector says of a connection closed half-way that it is another, yet passing, kind of error.
        let passing = |error: &ConnectorError| error.is_io() || error.is_timeout() || error.as_other().is_some();
        let broken = error.as_connector_error().is_some_and(passing);
        if broken || error.is_response_error() || error.is_timeout_error() {
            return RetryAction::transient_error();
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "error class"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(service: &str, status: u16, headers: &[(&str, &str)], body: &str, expect: (&str, &str, ErrorClass)) {
        let header =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let answer = Answer { status, header: &header, headers: Vec::new(), body: body.as_bytes() };
        let found = refusal(Service::named(service).unwrap(), "POST", &answer).unwrap();
        assert_eq!((found.code.as_str(), found.message.as_str(), found.class.unwrap()), expect);
    }

    #[test]
    fn query_and_ec2_errors() {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no role</Message></Error>\
                    <RequestId>r-1</RequestId></ErrorResponse>";
        check("iam", 404, &[], body, ("NoSuchEntity", "no role", ErrorClass::Gone));
        let body = "<Response><Errors><Error><Code>DependencyViolation</Code><Message>in use</Message></Error></Errors>\
                    <RequestID>r-1</RequestID></Response>";
        check("ec2", 400, &[], body, ("DependencyViolation", "in use", ErrorClass::Conflict));
    }

    #[test]
    fn json_errors_lose_namespace_and_tail() {
        let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no table"}"#;
        check("dynamodb", 400, &[], body, ("ResourceNotFoundException", "no table", ErrorClass::Gone));
        let headers = [("x-amzn-errortype", "TooManyRequestsException:http://internal.amazon.com/")];
        check(
            "lambda",
            429,
            &headers,
            r#"{"Message":"slow"}"#,
            ("TooManyRequestsException", "slow", ErrorClass::Throttled),
        );
    }

    #[test]
    fn sqs_keeps_its_old_code() {
        let headers = [("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")];
        let body = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no queue"}"#;
        let expect = ("AWS.SimpleQueueService.NonExistentQueue", "no queue", ErrorClass::Gone);
        check("sqs", 400, &headers, body, expect);
    }

    #[test]
    fn error_behind_a_200() {
        let body = "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>again</Message></Error>";
        check("s3", 200, &[], body, ("InternalError", "again", ErrorClass::Transient));
    }

    #[test]
    fn bucket_in_another_region_is_named() {
        let headers = [("x-amz-bucket-region", "eu-west-1")];
        let body = "<Error><Code>PermanentRedirect</Code><Message>use it</Message></Error>";
        check(
            "s3",
            301,
            &headers,
            body,
            ("PermanentRedirect", "use it (the bucket is in eu-west-1)", ErrorClass::Invalid),
        );
    }

    #[test]
    fn web_pages_never_mean_gone() {
        let page = "a web page instead of an answer, HTTP status 404";
        check("lambda", 404, &[], "<!doctype html><title>404 Not Found</title>", ("", page, ErrorClass::Other));
        let page = "a web page instead of an answer, HTTP status 403";
        check("lambda", 403, &[], "<html>Blocked by the proxy</html>", ("", page, ErrorClass::Denied));
        let page = "a web page instead of an answer, HTTP status 503";
        check("s3", 503, &[], "<html><body>Service Unavailable</body></html>", ("", page, ErrorClass::Transient));
        let page = "a web page instead of an answer, HTTP status 500";
        check("iam", 500, &[], "<html>Not Implemented</html>", ("", page, ErrorClass::Unavailable));
    }

    #[test]
    fn silent_404_is_gone_only_when_asked_by_head() {
        check("lambda", 404, &[], "", ("", "HTTP status 404", ErrorClass::Other));
        let answer = Answer { status: 404, header: &|_| None, headers: Vec::new(), body: b"" };
        let found = refusal(Service::named("s3").unwrap(), "HEAD", &answer).unwrap();
        assert_eq!(found.class, Some(ErrorClass::Gone));
    }
}
