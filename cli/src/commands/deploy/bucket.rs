//! The bucket that packages and the file lie in. Whoever may write there decides what Forester does, so it is asked for
//! by the owner's account at each call: a bucket of this name that is somebody else's is never written to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forester::aws::{CallError, ErrorClass, Scope};
use serde_json::{Value, json};

use super::site::Site;
use super::stack::with;
use crate::context::Context;
use crate::output::{Problem, note};

/// What S3 answers in one region about a bucket of another
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
const ELSEWHERE: [&str; 3] =
    ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"];

/// A bucket of ours in the region of the stack.
pub struct Bucket<'a> {
    scope: &'a Scope,
    name: &'a str,
}

impl<'a> Bucket<'a> {
    /// Looks at the bucket, or makes it: private, encrypted, with versions, over TLS only.
    pub async fn ready(site: &'a Site, name: &'a str, context: &Context) -> Result<Self, Problem> {
        let bucket = Self { scope: &site.scope, name };
        match bucket.call("GetBucketVersioning", json!({})).await {
            Ok(versioning) => bucket.examined(&versioning).await?,
            Err(error) if error.is_gone() => {
                let (account, region) = (site.scope.account(), site.scope.region());
                context.confirm(format_args!("There is no bucket {name}. Make it in {account}, {region}?"))?;
                bucket.make().await.map_err(Problem::failed)?;
            }
            Err(error) if ELSEWHERE.iter().any(|code| error.has_code(code)) => {
                return Err(bucket.elsewhere("another region"));
            }
            Err(error) if error.class == ErrorClass::Denied => {
                return Err(Problem::failed(format_args!(
                    "the bucket {name} cannot be used: {error}. Bucket names are world-wide; if it is not yours, \
                     choose another"
                )));
            }
            Err(error) => return Err(Problem::failed(error)),
        }
        Ok(bucket)
    }

    async fn examined(&self, versioning: &Value) -> Result<(), Problem> {
        let place = self.call("GetBucketLocation", json!({})).await.map_err(Problem::failed)?;
        let region = region_of(&place);
        if region != self.scope.region().as_ref() {
            return Err(self.elsewhere(region));
        }
        if versioning.get("Status") != Some(&json!("Enabled")) {
            note(format_args!(
                "the bucket {} keeps no versions, so that a broken file has no last good one behind it: \
                 `aws s3api put-bucket-versioning --bucket {0} --versioning-configuration Status=Enabled`",
                self.name
            ));
        }
        Ok(())
    }

    fn elsewhere(&self, region: &str) -> Problem {
        Problem::failed(format_args!(
            "the bucket {} is in {region}, and Lambda takes packages from its own region {} only: name one there",
            self.name,
            self.scope.region()
        ))
    }

    async fn make(&self) -> Result<(), CallError> {
        let region = self.scope.region();
        let place = match region.as_ref() {
            // The only region that has no name here:
            // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
            "us-east-1" => json!({ "Bucket": self.name }),
            elsewhere => json!({
                "Bucket": self.name, "CreateBucketConfiguration": { "LocationConstraint": elsewhere },
            }),
        };
        self.scope.call("s3", "CreateBucket", place).await?;
        let closed = json!({ "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true,
        }});
        self.call("PutPublicAccessBlock", closed).await?;
        self.call("PutBucketVersioning", json!({ "VersioningConfiguration": { "Status": "Enabled" } })).await?;
        let arn = format!("arn:{}:s3:::{}", region.partition().id(), self.name);
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [&arn, format!("{arn}/*")], "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }]});
        self.call("PutBucketPolicy", json!({ "Policy": policy.to_string() })).await?;
        Ok(())
    }

    /// Writes `body` where nothing is written under `key` yet; keys name what is in them.
    pub async fn once(&self, key: &str, body: &[u8]) -> Result<(), Problem> {
        match self.call("HeadObject", json!({ "Key": key })).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_gone() => {
                note(format_args!("s3://{}/{key}: {} bytes", self.name, body.len()));
                self.put(key, body).await.map_err(Problem::failed)
            }
            Err(error) => Err(Problem::failed(error)),
        }
    }

    /// Writes the file, unless it is there as it is: each new edition is read by every function.
    pub async fn file(&self, key: &str, text: &str) -> Result<(), Problem> {
        let there = match self.call("GetObject", json!({ "Key": key })).await {
            Ok(object) => object.get("Body").and_then(Value::as_str).and_then(|body| STANDARD.decode(body).ok()),
            Err(error) if error.is_gone() => None,
            Err(error) => return Err(Problem::failed(error)),
        };
        if there.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        note(format_args!("s3://{}/{key}: the file", self.name));
        self.put(key, text.as_bytes()).await.map_err(Problem::failed)
    }

    async fn put(&self, key: &str, body: &[u8]) -> Result<(), CallError> {
        self.call("PutObject", json!({ "Key": key, "Body": STANDARD.encode(body) })).await.map(drop)
    }

    /// Where CloudFormation finds an object
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>).
    pub fn url(&self, key: &str) -> String {
        let region = self.scope.region();
        let suffix = if region.as_ref().starts_with("cn-") { ".cn" } else { "" };
        format!("https://s3.{region}.amazonaws.com{suffix}/{}/{key}", self.name)
    }

    /// How the template names an object.
    pub fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    async fn call(&self, operation: &str, params: Value) -> Result<Value, CallError> {
        let ours = json!({ "Bucket": self.name, "ExpectedBucketOwner": self.scope.account() });
        self.scope.call("s3", operation, with(params, ours)).await
    }
}

/// The region behind a location, which has two old names
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>).
fn region_of(place: &Value) -> &str {
    match place.get("LocationConstraint").and_then(Value::as_str) {
        None | Some("") => "us-east-1",
        Some("EU") => "eu-west-1",
        Some(region) => region,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_of_locations_are_read() {
        assert_eq!(region_of(&json!({})), "us-east-1");
        assert_eq!(region_of(&json!({ "LocationConstraint": "EU" })), "eu-west-1");
        assert_eq!(region_of(&json!({ "LocationConstraint": "eu-central-1" })), "eu-central-1");
    }
}
