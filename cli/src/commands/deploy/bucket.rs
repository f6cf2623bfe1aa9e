//! The bucket that packages and the file lie in. Whoever may write there decides what Forester does, so it is asked for
//! by the owner's account at each call, a bucket of this name that is somebody else's is never written to, and one that is
//! open to others is closed first.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use forester::aws::{CallError, ErrorClass, Scope};
use forester::store::body;
use forester::types::{Arn, Region};
use serde_json::{Value, json};

use crate::answer::with;
use crate::context::Context;
use crate::output::{Problem, note};

/// What S3 answers in one region about a bucket of another
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
const ELSEWHERE: [&str; 3] =
    ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"];

/// What closes a bucket to the public, all of it.
const CLOSED: [&str; 4] = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

/// A bucket of ours in the region of the stack.
pub struct Bucket<'a> {
    scope: &'a Scope,
    name: &'a str,
}

/// What a bucket should have and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    Closed,
    Versions,
    Policy,
}

impl<'a> Bucket<'a> {
    /// Looks at the bucket, or makes it; then makes sure that it is closed to the public, keeps versions, and has a policy,
    /// by which it is reached over TLS only.
    pub async fn ready(scope: &'a Scope, name: &'a str, context: &Context) -> Result<Self, Problem> {
        let bucket = Self { scope, name };
        let made = match bucket.call("GetBucketLocation", json!({})).await {
            Ok(place) => {
                let place = place.get("LocationConstraint").and_then(Value::as_str);
                let region = Region::of_bucket(place).map_err(Problem::failed)?;
                if region != *scope.region() {
                    return Err(bucket.elsewhere(region.as_ref()));
                }
                false
            }
            Err(error) if error.is_gone() => {
                let (account, region) = (scope.account(), scope.region());
                context.confirm(format_args!("There is no bucket {name}. Make it in {account}, {region}?"))?;
                bucket.make().await.map_err(Problem::failed)?;
                true
            }
            Err(error) => return Err(bucket.unusable(&error)),
        };
        let lacks = bucket.lacks().await?;
        if !made && !lacks.is_empty() {
            let lacks: Vec<&str> = lacks.iter().map(|lack| lack.told()).collect();
            context.confirm(format_args!("The bucket {name} {}. Mend that?", lacks.join(", and ")))?;
        }
        for lack in lacks {
            bucket.mend(lack).await.map_err(Problem::failed)?;
        }
        Ok(bucket)
    }

    fn unusable(&self, error: &CallError) -> Problem {
        if ELSEWHERE.iter().any(|code| error.has_code(code)) {
            return self.elsewhere("another region");
        }
        match error.class {
            ErrorClass::Denied => Problem::failed(format_args!(
                "the bucket {} cannot be used: {error}. Bucket names are world-wide; if it is not yours, choose another",
                self.name
            )),
            _ => Problem::failed(error),
        }
    }

    fn elsewhere(&self, region: &str) -> Problem {
        Problem::failed(format_args!(
            "the bucket {} is in {region}, and Lambda takes packages from its own region {} only: name one there",
            self.name,
            self.scope.region()
        ))
    }

    async fn make(&self) -> Result<(), CallError> {
        let place = match self.scope.region().as_ref() {
            // The only region that has no name here:
            // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
            "us-east-1" => json!({ "Bucket": self.name }),
            elsewhere => json!({
                "Bucket": self.name, "CreateBucketConfiguration": { "LocationConstraint": elsewhere },
            }),
        };
        self.scope.call("s3", "CreateBucket", place).await.map(drop)
    }

    async fn lacks(&self) -> Result<Vec<Lack>, Problem> {
        let there = async |operation: &str| match self.call(operation, json!({})).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(self.unusable(&error)),
        };
        let access = there("GetPublicAccessBlock").await?.unwrap_or_default();
        let closed =
            |name: &&str| access.pointer(&format!("/PublicAccessBlockConfiguration/{name}")) == Some(&json!(true));
        let versions = there("GetBucketVersioning").await?.unwrap_or_default();
        let mut lacks = Vec::new();
        lacks.extend((!CLOSED.iter().all(closed)).then_some(Lack::Closed));
        lacks.extend((versions.get("Status") != Some(&json!("Enabled"))).then_some(Lack::Versions));
        // Whoever has one has thought of it.
        lacks.extend(there("GetBucketPolicy").await?.is_none().then_some(Lack::Policy));
        Ok(lacks)
    }

    async fn mend(&self, lack: Lack) -> Result<(), CallError> {
        match lack {
            Lack::Closed => {
                let closed: serde_json::Map<String, Value> =
                    CLOSED.iter().map(|name| ((*name).to_owned(), true.into())).collect();
                self.call("PutPublicAccessBlock", json!({ "PublicAccessBlockConfiguration": closed })).await?;
            }
            Lack::Versions => {
                self.call("PutBucketVersioning", json!({ "VersioningConfiguration": { "Status": "Enabled" } })).await?;
                // https://docs.aws.amazon.com/AmazonS3/latest/userguide/manage-versioning-examples.html
                note("S3 takes up to 15 minutes to keep versions everywhere: if a package is not found, deploy again");
            }
            Lack::Policy => {
                let arn = Arn::bucket(self.scope.region().partition(), self.name).to_string();
                let policy = json!({ "Version": "2012-10-17", "Statement": [{
                    "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                    "Resource": [&arn, format!("{arn}/*")], "Condition": { "Bool": { "aws:SecureTransport": "false" } },
                }]});
                self.call("PutBucketPolicy", json!({ "Policy": policy.to_string() })).await?;
            }
        }
        Ok(())
    }

    /// Writes `body` where nothing is written under `key` yet; keys name what is in them.
    pub async fn once(&self, key: &str, body: &[u8]) -> Result<(), Problem> {
        match self.call("HeadObject", json!({ "Key": key })).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_gone() => {
                note(format_args!("s3://{}/{key}: {} bytes", self.name, body.len()));
                self.put(key, body).await
            }
            Err(error) => Err(Problem::failed(error)),
        }
    }

    /// Whether something else, or nothing, is written under `key`.
    pub async fn differs(&self, key: &str, text: &str) -> Result<bool, Problem> {
        let there = match self.call("GetObject", json!({ "Key": key })).await {
            Ok(object) => Some(body(&object).map_err(Problem::failed)?),
            Err(error) if error.is_gone() => None,
            Err(error) => return Err(Problem::failed(error)),
        };
        Ok(there.as_deref() != Some(text.as_bytes()))
    }

    /// Writes an object.
    pub async fn put(&self, key: &str, body: &[u8]) -> Result<(), Problem> {
        let object = json!({ "Key": key, "Body": STANDARD.encode(body) });
        self.call("PutObject", object).await.map(drop).map_err(Problem::failed)
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

impl Lack {
    fn told(self) -> &'static str {
        match self {
            Self::Closed => "may be open to the public",
            Self::Versions => "keeps no versions, so that a broken file has no last good one behind it",
            Self::Policy => "has no policy, so that it is reached without TLS as well",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Answers, scope};
    use super::*;
    use crate::output::Form;

    fn context(yes: bool) -> Context {
        Context::new("forester.yaml".to_owned(), Form::Text, yes)
    }

    /// Makes the bucket ready, and says what was written to S3, or why not.
    async fn ready(answers: Answers, yes: bool) -> Result<Vec<String>, String> {
        let scope = scope(answers.clone());
        Bucket::ready(&scope, "acme-forester", &context(yes)).await.map_err(|problem| problem.message)?;
        let asked = answers.asked();
        let unowned = asked.iter().filter(|(_, params)| params["ExpectedBucketOwner"] != "111122223333");
        assert!(unowned.map(|(operation, _)| operation).all(|operation| operation == "CreateBucket"), "{asked:?}");
        Ok(asked.into_iter().map(|(operation, _)| operation).filter(|name| !name.starts_with("Get")).collect())
    }

    fn good() -> Answers {
        let closed = json!({ "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
            "RestrictPublicBuckets": true });
        Answers::new()
            .with("GetPublicAccessBlock", json!({ "PublicAccessBlockConfiguration": closed }))
            .with("GetBucketVersioning", json!({ "Status": "Enabled" }))
            .with("GetBucketPolicy", json!({ "Policy": "{}" }))
    }

    #[tokio::test]
    async fn bucket_of_somebody_else_gets_nothing() {
        let theirs = good().refusing("GetBucketLocation", ErrorClass::Denied, "AccessDenied");
        let why = ready(theirs, true).await.err().unwrap();
        assert!(why.contains("if it is not yours, choose another"), "{why}");
    }

    #[tokio::test]
    async fn bucket_in_another_region_is_of_no_use() {
        let there = good().with("GetBucketLocation", json!({ "LocationConstraint": "eu-west-1" }));
        assert!(ready(there, true).await.err().unwrap().contains("is in eu-west-1"));
        let moved = good().refusing("GetBucketLocation", ErrorClass::Other, "PermanentRedirect");
        assert!(ready(moved, true).await.err().unwrap().contains("is in another region"));
    }

    #[tokio::test]
    async fn bucket_that_is_as_it_should_be_is_left_so_and_another_is_mended_when_somebody_says_yes() {
        assert_eq!(ready(good(), false).await, Ok(Vec::new()));
        let open = || good().refusing("GetPublicAccessBlock", ErrorClass::Gone, "NoSuchPublicAccessBlockConfiguration");
        assert!(ready(open(), false).await.err().unwrap().contains("may be open to the public"));
        assert_eq!(ready(open(), true).await, Ok(vec!["PutPublicAccessBlock".to_owned()]));
        let halfway = open().with("GetBucketVersioning", json!({})).refusing("GetBucketPolicy", ErrorClass::Gone, "x");
        let all = ["PutPublicAccessBlock", "PutBucketVersioning", "PutBucketPolicy"].map(str::to_owned).to_vec();
        assert_eq!(ready(halfway, true).await, Ok(all));
    }
}
