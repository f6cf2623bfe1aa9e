//! The way into accounts: the home account as it is, members through a role that is assumed.
//!
//! Organizations puts `OrganizationAccountAccessRole` into accounts that it creates, Control Tower
//! `AWSControlTowerExecution`, and an invited account has what its owner made: hence a role and its fallbacks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, Semaphore};

use super::api::{Client, Paces, Permits};
use super::classify::CallSite;
use super::{Accounts, Call, CallError, ErrorClass, Meter, RootTask, Scope, Sdk};
use crate::types::{AccountId, Arn, Region};

/// The roles that let us into a member account, by name (with path, if it has one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRoles {
    /// Tried first.
    pub role: String,
    /// Tried next, in this order.
    pub fallback: Vec<String>,
}

impl AccessRoles {
    fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.role).chain(&self.fallback)
    }
}

/// How accounts other than home are entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By assuming a role there.
    AssumeRole,
    /// Not at all: every account asked for is the home account.
    Home,
}

/// How many calls may be under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// In all accounts together.
    pub all: usize,
    /// In one account.
    pub account: usize,
}

impl Default for Width {
    fn default() -> Self {
        Self { all: 64, account: 16 }
    }
}

/// Hands out scopes made from one [`Sdk`]. Cheap to clone.
#[derive(Clone)]
pub struct SdkAccounts {
    inner: Arc<Inner>,
}

struct Inner {
    sdk: Sdk,
    roles: AccessRoles,
    entry: Entry,
    width: Width,
    all: Arc<Semaphore>,
    home: OnceCell<AccountId>,
    doors: Mutex<BTreeMap<AccountId, Arc<OnceCell<Door>>>>,
}

/// What all regions of an account share.
#[derive(Clone)]
struct Door {
    credentials: SharedIdentityResolver,
    permits: Permits,
    paces: Paces,
}

impl SdkAccounts {
    /// Accounts reached with the credentials of `sdk`.
    pub fn new(sdk: &Sdk, roles: AccessRoles, entry: Entry) -> Self {
        Self::with_width(sdk, roles, entry, Width::default())
    }

    /// The same, with bounds of one's own on the calls under way.
    pub fn with_width(sdk: &Sdk, roles: AccessRoles, entry: Entry, width: Width) -> Self {
        let all = Arc::new(Semaphore::new(width.all.max(1)));
        let (home, doors) = (OnceCell::new(), Mutex::default());
        Self { inner: Arc::new(Inner { sdk: sdk.clone(), roles, entry, width, all, home, doors }) }
    }
}

#[async_trait]
impl Accounts for SdkAccounts {
    async fn scope(&self, account: &AccountId, region: &Region) -> Result<Scope, CallError> {
        let inner = &self.inner;
        let cell =
            Arc::clone(inner.doors.lock().unwrap_or_else(PoisonError::into_inner).entry(account.clone()).or_default());
        let door = cell.get_or_try_init(|| inner.open(account, region)).await?;
        let client = Client::new(&inner.sdk, account.clone(), region.clone(), door.credentials.clone());
        Ok(Scope::new(
            account.clone(),
            region.clone(),
            Arc::new(client.within(door.permits.clone(), door.paces.clone())),
        ))
    }

    async fn root_scope(&self, account: &AccountId, region: &Region, task: RootTask) -> Result<Scope, CallError> {
        let inner = &self.inner;
        let credentials = inner.assume_root(account, region, task).await?;
        let identity = SharedIdentityResolver::new(SharedCredentialsProvider::new(credentials));
        let client = Client::new(&inner.sdk, account.clone(), region.clone(), identity);
        let client = client.within(inner.permits(), Paces::default());
        Ok(Scope::new(account.clone(), region.clone(), Arc::new(client)))
    }

    async fn home(&self) -> Result<AccountId, CallError> {
        self.inner.home().await
    }

    fn meter(&self) -> &Meter {
        self.inner.sdk.meter()
    }
}

impl Inner {
    /// The account of the process's own credentials, asked once.
    async fn home(&self) -> Result<AccountId, CallError> {
        self.home.get_or_try_init(|| who(&self.sdk)).await.cloned()
    }

    /// The permits of one account.
    fn permits(&self) -> Permits {
        Permits { all: Arc::clone(&self.all), account: Arc::new(Semaphore::new(self.width.account.max(1))) }
    }

    /// Credentials of a member's root user. They are asked for anew each time: a session serves one task and ends soon.
    /// The endpoint is that of the process's region, for AWS refuses this call at the global one
    /// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html>).
    async fn assume_root(
        &self,
        account: &AccountId,
        region: &Region,
        task: RootTask,
    ) -> Result<Credentials, CallError> {
        let (home, site) = (self.home().await?, CallSite::new("sts", "AssumeRoot", account, region));
        if self.entry == Entry::Home || *account == home {
            let message = format!("the credentials are for {home}, and only other accounts' root users are entered");
            return Err(site.error(ErrorClass::Unavailable, message));
        }
        let (sts, _) = sts(&self.sdk, &home)?;
        let policy = json!({ "arn": task.policy(region.partition()) });
        let params = json!({ "TargetPrincipal": account, "TaskPolicyArn": policy, "DurationSeconds": 900 });
        let answer = sts.call("sts", "AssumeRoot", params).await;
        let answer = answer.map_err(|error| CallError { account: account.clone(), ..error })?;
        read(&answer).ok_or_else(|| site.error(ErrorClass::Other, "the answer holds no credentials"))
    }

    async fn open(&self, account: &AccountId, region: &Region) -> Result<Door, CallError> {
        let (home, paces, permits) = (self.home().await?, Paces::default(), self.permits());
        if *account == home {
            return Ok(Door { credentials: SharedIdentityResolver::new(own_credentials(&self.sdk)?), permits, paces });
        }
        if self.entry == Entry::Home {
            let message =
                format!("the credentials are for {home}, and in this mode no role is assumed in other accounts");
            return Err(CallSite::new("sts", "AssumeRole", account, region).error(ErrorClass::Denied, message));
        }
        let member = Member {
            sdk: self.sdk.clone(),
            roles: self.roles.clone(),
            home,
            account: account.clone(),
            first: Mutex::default(),
        };
        // At once, so that an account that cannot be entered is told here rather than by the first call into it.
        let credentials = member.assume().await?;
        *member.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials);
        let provider = SharedCredentialsProvider::new(member);
        Ok(Door { credentials: SharedIdentityResolver::new(provider), permits, paces })
    }
}

/// An STS client in the region of the process: tokens of regional endpoints are good in opt-in regions, too.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html>
fn sts(sdk: &Sdk, home: &AccountId) -> Result<(Client, Region), CallError> {
    let region = sdk.config().region().and_then(|region| region.as_ref().parse::<Region>().ok());
    let region =
        region.ok_or_else(|| no_setting(home, "no region is set: set AWS_REGION to the one Forester runs in"))?;
    let credentials = SharedIdentityResolver::new(own_credentials(sdk)?);
    Ok((Client::new(sdk, home.clone(), region.clone(), credentials), region))
}

fn own_credentials(sdk: &Sdk) -> Result<SharedCredentialsProvider, CallError> {
    let found = sdk.config().credentials_provider();
    found.ok_or_else(|| {
        no_setting(&AccountId::unknown(), "no credentials are set up: AWS_PROFILE, AWS_ACCESS_KEY_ID or a role")
    })
}

async fn who(sdk: &Sdk) -> Result<AccountId, CallError> {
    let (sts, region) = sts(sdk, &AccountId::unknown())?;
    let identity = sts.call("sts", "GetCallerIdentity", json!({})).await?;
    let account = identity.get("Account").and_then(Value::as_str).unwrap_or_default();
    account.parse().map_err(|malformed: crate::types::Malformed| {
        CallSite::new("sts", "GetCallerIdentity", &AccountId::unknown(), &region)
            .error(ErrorClass::Other, malformed.to_string())
    })
}

/// Credentials in a member account, assumed anew when the SDK's cache asks.
struct Member {
    sdk: Sdk,
    roles: AccessRoles,
    home: AccountId,
    account: AccountId,
    /// Those with which the account was first entered, until they are asked for.
    first: Mutex<Option<Credentials>>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({})", self.account)
    }
}

impl ProvideCredentials for Member {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let fresh = first.filter(|first| first.expiry().is_none_or(|expiry| expiry > SystemTime::now() + MARGIN));
        future::ProvideCredentials::new(async move {
            match fresh {
                Some(credentials) => Ok(credentials),
                None => self.assume().await.map_err(CredentialsError::provider_error),
            }
        })
    }
}

/// Credentials that end sooner are not worth starting with.
const MARGIN: Duration = Duration::from_secs(60);

impl Member {
    /// Assumes the first role that lets us in. Only a refusal leads on to the next: after a throttle the next role is the
    /// wrong answer.
    async fn assume(&self) -> Result<Credentials, CallError> {
        let (sts, region) = sts(&self.sdk, &self.home)?;
        let mut refused = Vec::new();
        for role in self.roles.names() {
            match self.assume_one(&sts, &region, role).await {
                Ok(credentials) => return Ok(credentials),
                Err(error) if error.class == ErrorClass::Denied => refused.push((role, error)),
                Err(error) => return Err(error),
            }
        }
        let told: Vec<String> = refused.iter().map(|(role, error)| format!("{role}: {}", error.message)).collect();
        let message = format!("no role lets us into the account; tried {}", told.join("; "));
        let site = CallSite::new("sts", "AssumeRole", &self.account, &region);
        let last = refused.into_iter().last().map(|(_, error)| (error.code, error.request_id));
        let (code, request_id) = last.unwrap_or_default();
        Err(CallError { code, request_id, ..site.error(ErrorClass::Denied, message) })
    }

    async fn assume_one(&self, sts: &Client, region: &Region, role: &str) -> Result<Credentials, CallError> {
        let arn = Arn::iam(region.partition(), &self.account, &format!("role/{role}"));
        let params = json!({ "RoleArn": arn, "RoleSessionName": "forester" });
        let answer = sts.call("sts", "AssumeRole", params).await?;
        let credentials = lead_to(&self.account, &answer).and_then(|()| {
            let found = read(&answer);
            found.ok_or_else(|| "the answer holds no credentials".to_owned())
        });
        let site = CallSite::new("sts", "AssumeRole", &self.account, region);
        credentials.map_err(|problem| site.error(ErrorClass::Other, problem))
    }
}

/// Each time that credentials are handed out AWS says whose they are, and those of any other account are not used: what
/// was checked when the account was first entered says nothing about credentials that were renewed since.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumedRoleUser.html>
fn lead_to(account: &AccountId, answer: &Value) -> Result<(), String> {
    let whose = answer.pointer("/AssumedRoleUser/Arn").and_then(Value::as_str);
    let found = whose.and_then(|arn| arn.parse::<Arn>().ok());
    if found.is_some_and(|arn| arn.account() == account.as_ref()) {
        return Ok(());
    }
    let whose = whose.unwrap_or("nobody that the answer names");
    Err(format!(
        "the credentials that were handed out for {account} belong to {whose}, so they are not used; check `access` in \
         the file and what AWS_ENDPOINT_URL leads to"
    ))
}

fn read(answer: &Value) -> Option<Credentials> {
    let text = |name: &str| answer.pointer(&format!("/Credentials/{name}"))?.as_str();
    let expiry: jiff::Timestamp = text("Expiration")?.parse().ok()?;
    let (key, secret, token) = (text("AccessKeyId")?, text("SecretAccessKey")?, text("SessionToken")?);
    Some(Credentials::new(key, secret, Some(token.to_owned()), Some(expiry.into()), "forester"))
}

fn no_setting(home: &AccountId, message: &str) -> CallError {
    CallSite::new("sts", "GetCallerIdentity", home, &Region::us_east_1()).error(ErrorClass::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::super::loopback::{Reply, Seen, serve};
    use super::*;

    /// A server that knows one account, lets the roles of `open` be assumed until `expiry`, and has no tables.
    async fn accounts(open: &'static str, expiry: &'static str, entry: Entry) -> (SdkAccounts, Seen) {
        let (sdk, seen) = serve(move |_, request| {
            if request.contains("GetCallerIdentity") {
                return answer("GetCallerIdentity", "<Account>111122223333</Account>");
            }
            if !request.contains("Action=AssumeRole") {
                return Reply::Answer(200, "{\"TableNames\":[]}".to_owned());
            }
            if !request.contains(open) {
                let error = "<Error><Code>AccessDenied</Code><Message>not you</Message></Error>";
                return Reply::Answer(403, format!("<ErrorResponse>{error}</ErrorResponse>"));
            }
            let keys = "<AccessKeyId>AKIDMEMBER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>";
            handed_out(&member(), keys, expiry)
        })
        .await;
        let roles = AccessRoles { role: "First".to_owned(), fallback: vec!["Second".to_owned()] };
        (SdkAccounts::new(&sdk, roles, entry), seen)
    }

    fn answer(operation: &str, inside: &str) -> Reply {
        let result = format!("<{operation}Result>{inside}</{operation}Result>");
        Reply::Answer(200, format!("<{operation}Response>{result}</{operation}Response>"))
    }

    /// The answer to `AssumeRole`: keys, and whose they are.
    fn handed_out(account: &AccountId, keys: &str, expiry: &str) -> Reply {
        let whose = format!("<Arn>arn:aws:sts::{account}:assumed-role/First/forester</Arn>");
        let keys = format!("<Credentials>{keys}<Expiration>{expiry}</Expiration></Credentials>");
        answer("AssumeRole", &format!("{keys}<AssumedRoleUser>{whose}</AssumedRoleUser>"))
    }

    const LATER: &str = "2099-01-01T00:00:00Z";

    fn member() -> AccountId {
        "222233334444".parse().unwrap()
    }

    fn region(code: &str) -> Region {
        code.parse().unwrap()
    }

    #[tokio::test]
    async fn fallback_role_is_taken_and_shared_by_all_regions() {
        let (accounts, seen) = accounts("Second", LATER, Entry::AssumeRole).await;
        for code in ["eu-west-1", "us-east-2"] {
            let scope = accounts.scope(&member(), &region(code)).await.unwrap();
            scope.call("dynamodb", "ListTables", json!({})).await.unwrap();
            scope.call("dynamodb", "ListTables", json!({})).await.unwrap();
        }
        let calls = accounts.meter().by_operation();
        assert_eq!((calls["sts:AssumeRole"], calls["dynamodb:ListTables"]), (2, 4));
        assert!(seen.lock().unwrap().last().unwrap().contains("Credential=AKIDMEMBER/"));
    }

    #[tokio::test]
    async fn error_names_every_role_tried() {
        let (accounts, _) = accounts("Third", LATER, Entry::AssumeRole).await;
        let error = accounts.scope(&member(), &region("eu-west-1")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_deref()), (ErrorClass::Denied, Some("AccessDenied")));
        assert_eq!(error.message, "no role lets us into the account; tried First: not you; Second: not you");
    }

    #[tokio::test]
    async fn credentials_that_are_about_to_end_are_renewed() {
        let (accounts, _) = accounts("First", "2026-01-01T00:00:00Z", Entry::AssumeRole).await;
        let scope = accounts.scope(&member(), &region("eu-west-1")).await.unwrap();
        assert_eq!(accounts.meter().by_operation()["sts:AssumeRole"], 1);
        scope.call("dynamodb", "ListTables", json!({})).await.unwrap();
        assert_eq!(accounts.meter().by_operation()["sts:AssumeRole"], 2);
    }

    /// A server whose credentials end at once and whose roles lead where `leads` says, by the number of the renewal.
    async fn astray(leads: fn(u32) -> Reply) -> (SdkAccounts, Seen) {
        let renewals = std::sync::atomic::AtomicU32::new(0);
        let (sdk, seen) = serve(move |_, request| match request {
            identity if identity.contains("GetCallerIdentity") => {
                answer("GetCallerIdentity", "<Account>111122223333</Account>")
            }
            entering if entering.contains("Action=AssumeRole") => {
                leads(renewals.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
            }
            _ => Reply::Answer(200, "{}".to_owned()),
        })
        .await;
        let roles = AccessRoles { role: "First".to_owned(), fallback: vec!["Second".to_owned()] };
        (SdkAccounts::new(&sdk, roles, Entry::AssumeRole), seen)
    }

    const KEYS: &str =
        "<AccessKeyId>AKIDOTHER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>";
    const PAST: &str = "2026-01-01T00:00:00Z";

    #[tokio::test]
    async fn credentials_of_another_account_are_never_used() {
        let nobody =
            |_| answer("AssumeRole", &format!("<Credentials>{KEYS}<Expiration>{LATER}</Expiration></Credentials>"));
        let other = |_| handed_out(&"444455556666".parse().unwrap(), KEYS, LATER);
        for (leads, whose) in [
            (other as fn(u32) -> Reply, "belong to arn:aws:sts::444455556666:assumed-role/First/forester"),
            (nobody, "belong to nobody that the answer names"),
        ] {
            let (accounts, seen) = astray(leads).await;
            let error = accounts.scope(&member(), &region("eu-west-1")).await.unwrap_err();
            assert!(error.message.contains(whose) && error.message.contains("222233334444"), "{error}");
            assert!(!error.may_pass() && error.class != ErrorClass::Denied, "no other role is tried: {error}");
            assert_eq!(accounts.meter().by_operation()["sts:AssumeRole"], 1);
            assert!(!seen.lock().unwrap().iter().any(|request| request.contains("AKIDOTHER")));
        }
    }

    #[tokio::test]
    async fn renewed_credentials_that_lead_elsewhere_make_no_call() {
        let (accounts, seen) = astray(|renewal| match renewal {
            0 => handed_out(&member(), KEYS, PAST),
            _ => handed_out(&"444455556666".parse().unwrap(), KEYS, LATER),
        })
        .await;
        let scope = accounts.scope(&member(), &region("eu-west-1")).await.unwrap();
        for _ in 0..2 {
            let error = scope.call("dynamodb", "DeleteTable", json!({ "TableName": "t" })).await.unwrap_err();
            assert!(error.message.contains("belong to arn:aws:sts::444455556666:"), "{error}");
            assert!(!error.may_pass(), "{error}");
        }
        assert!(!seen.lock().unwrap().iter().any(|request| request.contains("AKIDOTHER")));
    }

    #[tokio::test]
    async fn home_is_entered_without_a_role() {
        let (accounts, seen) = accounts("First", LATER, Entry::AssumeRole).await;
        let home = accounts.home().await.unwrap();
        let scope = accounts.scope(&home, &region("eu-west-1")).await.unwrap();
        scope.call("dynamodb", "ListTables", json!({})).await.unwrap();
        assert!(seen.lock().unwrap().last().unwrap().contains("Credential=AKIDHOME/"));
        assert_eq!(accounts.meter().by_operation()["sts:GetCallerIdentity"], 1);
    }

    #[tokio::test]
    async fn no_role_is_ever_assumed_in_single_account_mode() {
        let (accounts, _) = accounts("First", LATER, Entry::Home).await;
        let error = accounts.scope(&member(), &region("eu-west-1")).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Denied);
        assert!(!accounts.meter().by_operation().contains_key("sts:AssumeRole"));
    }

    /// A server whose root users have no password, and can be entered where `open` stands in the request.
    async fn roots(open: &'static str, entry: Entry) -> (SdkAccounts, Seen) {
        let (sdk, seen) = serve(move |_, request| match request {
            identity if identity.contains("GetCallerIdentity") => {
                answer("GetCallerIdentity", "<Account>111122223333</Account>")
            }
            root if root.contains("Action=AssumeRoot") && root.contains(open) => {
                let keys = "<AccessKeyId>AKIDROOT</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                            <SessionToken>t</SessionToken>";
                answer("AssumeRoot", &format!("<Credentials>{keys}<Expiration>{LATER}</Expiration></Credentials>"))
            }
            root if root.contains("Action=AssumeRoot") => {
                let error = "<Error><Code>AccessDenied</Code><Message>not you</Message></Error>";
                Reply::Answer(403, format!("<ErrorResponse>{error}</ErrorResponse>"))
            }
            _ => Reply::Answer(200, "{\"TableNames\":[]}".to_owned()),
        })
        .await;
        (SdkAccounts::new(&sdk, AccessRoles { role: "First".to_owned(), fallback: Vec::new() }, entry), seen)
    }

    #[tokio::test]
    async fn root_user_is_entered_anew_for_each_task_and_held_to_it() {
        let (accounts, seen) = roots("TargetPrincipal=222233334444", Entry::AssumeRole).await;
        for (task, policy) in [
            (RootTask::Audit, "IAMAuditRootUserCredentials"),
            (RootTask::Delete, "IAMDeleteRootUserCredentials"),
            (RootTask::UnlockBucket, "S3UnlockBucketPolicy"),
            (RootTask::UnlockQueue, "SQSUnlockQueuePolicy"),
        ] {
            let scope = accounts.root_scope(&member(), &region("eu-west-1"), task).await.unwrap();
            scope.call("dynamodb", "ListTables", json!({})).await.unwrap();
            let seen = seen.lock().unwrap();
            let [.., entering, call] = seen.as_slice() else { panic!("{seen:?}") };
            assert!(entering.contains(&format!("policy%2Froot-task%2F{policy}")), "{entering}");
            assert!(call.contains("Credential=AKIDROOT/"), "{call}");
        }
        assert_eq!(accounts.meter().by_operation()["sts:AssumeRoot"], 4);
    }

    #[tokio::test]
    async fn refusal_to_enter_a_root_user_names_the_account() {
        let (accounts, _) = roots("nobody", Entry::AssumeRole).await;
        let error = accounts.root_scope(&member(), &region("eu-west-1"), RootTask::Audit).await.unwrap_err();
        assert_eq!(
            (error.class, error.operation.as_str(), error.account),
            (ErrorClass::Denied, "AssumeRoot", member())
        );
    }

    #[tokio::test]
    async fn own_root_user_is_never_entered_nor_any_in_single_account_mode() {
        let home: AccountId = "111122223333".parse().unwrap();
        for (entry, account) in [(Entry::AssumeRole, home), (Entry::Home, member())] {
            let (accounts, _) = roots("Action", entry).await;
            accounts.root_scope(&account, &region("eu-west-1"), RootTask::Delete).await.unwrap_err();
            assert!(!accounts.meter().by_operation().contains_key("sts:AssumeRoot"));
        }
    }

    #[tokio::test]
    async fn calls_in_one_account_wait_for_each_other_when_told_to() {
        let (sdk, _) = serve(|_, request| match request {
            identity if identity.contains("GetCallerIdentity") => {
                answer("GetCallerIdentity", "<Account>222233334444</Account>")
            }
            _ => Reply::Answer(200, "{\"TableNames\":[]}".to_owned()),
        })
        .await;
        let roles = AccessRoles { role: "First".to_owned(), fallback: Vec::new() };
        let accounts = SdkAccounts::with_width(&sdk, roles, Entry::Home, Width { all: 8, account: 1 });
        let scope = accounts.scope(&member(), &region("eu-west-1")).await.unwrap();
        let door = accounts.inner.doors.lock().unwrap().get(&member()).unwrap().get().unwrap().clone();
        let held = door.permits.account.acquire().await.unwrap();
        let call = scope.call("dynamodb", "ListTables", json!({}));
        let mut call = std::pin::pin!(call);
        let waits =
            std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context).is_pending())).await;
        assert!(waits);
        assert_eq!(door.permits.all.available_permits(), 8);
        drop(held);
        call.await.unwrap();
    }

    #[tokio::test]
    async fn role_is_named_in_the_partition_of_the_region() {
        let region = region("cn-north-1");
        let arn = Arn::iam(region.partition(), &member(), "role/First");
        assert_eq!(arn.as_ref(), "arn:aws-cn:iam::222233334444:role/First");
    }
}
