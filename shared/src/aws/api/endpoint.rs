//! Where a request goes, and which region it is signed for.

use serde_json::{Map, Value};

use super::model::{Operation, Service};
use super::serialize::host_prefix;
use super::validate::Wrong;
use crate::types::Region;

/// The target of one request.
#[derive(Debug, PartialEq)]
pub(crate) struct Target {
    /// Scheme and host, and a path if the override has one; without a slash at the end.
    pub url: String,
    /// The region to sign for.
    pub signing_region: String,
    /// The operation's URI, less the bucket when that is in the host.
    pub uri: &'static str,
}

/// Decides by the service's table, or by an endpoint given in the environment: there a host prefix would name a host that
/// does not exist, so it is left out, and buckets stay in the path.
pub(crate) fn target(
    service: &Service,
    operation: &Operation,
    params: &Map<String, Value>,
    region: &Region,
    given: Option<&str>,
) -> Result<Target, Wrong> {
    let partition = region.partition().id();
    let known = service.endpoints.get(partition);
    let known =
        known.ok_or_else(|| Wrong(format!("{} has no endpoint in the partition {partition}", service.service)))?;
    let endpoint = known.except.get(region.as_ref()).unwrap_or(known);
    let signing_region = endpoint.region.unwrap_or(region.as_ref()).to_owned();
    let (bucket, rest) = bucket(service, operation, params)?;
    if let Some(url) = given {
        return Ok(Target { url: url.trim_end_matches('/').to_owned(), signing_region, uri: operation.uri });
    }
    let host = endpoint.host.replace("{region}", region.as_ref());
    let prefix = host_prefix(service, operation, params)?;
    match bucket.filter(|bucket| is_host_label(bucket)) {
        Some(bucket) => Ok(Target { url: format!("https://{bucket}.{host}"), signing_region, uri: rest }),
        None => Ok(Target { url: format!("https://{prefix}{host}"), signing_region, uri: operation.uri }),
    }
}

/// S3's bucket, and the URI without it.
fn bucket<'a>(
    service: &Service,
    operation: &Operation,
    params: &'a Map<String, Value>,
) -> Result<(Option<&'a str>, &'static str), Wrong> {
    let Some(rest) = operation.uri.strip_prefix("/{Bucket}").filter(|_| service.service == "s3") else {
        return Ok((None, operation.uri));
    };
    let bucket = params.get("Bucket").and_then(Value::as_str).unwrap_or_default();
    if bucket.starts_with("arn:") || bucket.ends_with("--x-s3") || bucket.ends_with(".mrap") {
        return Err(Wrong(format!(
            "`{bucket}` is an access point or a directory bucket, which this client cannot reach"
        )));
    }
    Ok((Some(bucket), rest))
}

/// A dotted name would not match the certificate, and an old one with capitals is no host name.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
fn is_host_label(bucket: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (3..=63).contains(&bucket.len()) && bucket.bytes().all(inner) && !bucket.starts_with('-') && !bucket.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(service: &str, operation: &str, params: Value, region: &str, given: Option<&str>) -> Result<Target, Wrong> {
        let service = Service::named(service).unwrap();
        let params = params.as_object().cloned().unwrap();
        target(service, &service.operations[operation], &params, &region.parse().unwrap(), given)
    }

    fn check(service: &str, operation: &str, region: &str, expect: (&str, &str)) {
        let target = at(service, operation, json!({}), region, None).unwrap();
        assert_eq!((target.url.as_str(), target.signing_region.as_str()), expect);
    }

    #[test]
    fn regional_services_are_called_in_their_region() {
        check("ec2", "DescribeVpcs", "eu-west-1", ("https://ec2.eu-west-1.amazonaws.com", "eu-west-1"));
        check("sts", "AssumeRole", "ap-east-1", ("https://sts.ap-east-1.amazonaws.com", "ap-east-1"));
        check("ec2", "DescribeVpcs", "cn-north-1", ("https://ec2.cn-north-1.amazonaws.com.cn", "cn-north-1"));
    }

    #[test]
    fn global_services_are_signed_for_where_they_live() {
        check("iam", "ListUsers", "eu-west-1", ("https://iam.amazonaws.com", "us-east-1"));
        check("iam", "ListUsers", "us-gov-east-1", ("https://iam.us-gov.amazonaws.com", "us-gov-west-1"));
        check(
            "organizations",
            "ListRoots",
            "eu-west-1",
            ("https://organizations.us-east-1.amazonaws.com", "us-east-1"),
        );
    }

    #[test]
    fn account_goes_before_the_host_on_aws_only() {
        let params = json!({"AccountId": "111122223333"});
        let aws = at("s3control", "GetPublicAccessBlock", params.clone(), "eu-west-1", None).unwrap();
        assert_eq!(aws.url, "https://111122223333.s3-control.eu-west-1.amazonaws.com");
        let local =
            at("s3control", "GetPublicAccessBlock", params, "eu-west-1", Some("http://127.0.0.1:4570/")).unwrap();
        assert_eq!(local.url, "http://127.0.0.1:4570");
    }

    #[test]
    fn bucket_is_in_the_host_unless_it_cannot_be() {
        let host = at("s3", "DeleteObject", json!({"Bucket": "logs"}), "eu-west-1", None).unwrap();
        assert_eq!((host.url.as_str(), host.uri), ("https://logs.s3.eu-west-1.amazonaws.com", "/{Key+}"));
        let dotted = at("s3", "DeleteObject", json!({"Bucket": "acme.example"}), "eu-west-1", None).unwrap();
        assert_eq!((dotted.url.as_str(), dotted.uri), ("https://s3.eu-west-1.amazonaws.com", "/{Bucket}/{Key+}"));
        let local =
            at("s3", "DeleteObject", json!({"Bucket": "logs"}), "eu-west-1", Some("http://127.0.0.1:1")).unwrap();
        assert_eq!(local.uri, "/{Bucket}/{Key+}");
    }

    #[test]
    fn directory_bucket_is_refused() {
        assert!(at("s3", "ListObjectsV2", json!({"Bucket": "a--use1-az4--x-s3"}), "us-east-1", None).is_err());
    }
}
