//! The forests of `infra/examples`: each is applied by the real command to an emulated organization, read back with
//! plain calls, and applied again. The second time nothing is written.

use std::time::Instant;

use forester::aws::Scope;
use forester::types::AccountId;
use forester_e2e::command::{Ran, Terminal};
use forester_e2e::stack::Stack;
use forester_e2e::world::{HOME, as_root, create_account};
use forester_e2e::{Outcome, environment};
use serde_json::{Value, json};

/// An organization with nothing in it, and a terminal with an example in it.
struct Stage {
    name: &'static str,
    stack: Stack,
    terminal: Terminal,
}

impl Stage {
    async fn set(name: &'static str, home: Option<&str>) -> Outcome<Self> {
        let stack = Stack::start().await?;
        let management = root_of(&stack, &stack.management).await?;
        management.call("organizations", "CreateOrganization", json!({ "FeatureSet": "ALL" })).await?;
        let file = environment::root()?.join("infra/examples").join(name).with_extension("yaml");
        let config = std::fs::read_to_string(file)?;
        let terminal = Terminal::open(name, &config, Some(&stack))?;
        let terminal = match home {
            Some(account) => terminal.acting_as(account),
            None => terminal,
        };
        Ok(Self { name, stack, terminal })
    }

    async fn management(&self) -> Outcome<Scope> {
        root_of(&self.stack, &self.stack.management).await
    }

    /// An account that is there before Forester looks; it is named and addressed as in the files.
    async fn account(&self, name: &str) -> Outcome<Scope> {
        let id = create_account(&self.management().await?, name).await?;
        root_of(&self.stack, &id).await
    }

    /// An account with this id.
    async fn account_with_id(&self, name: &str, id: &str) -> Outcome<Scope> {
        self.stack.control("config", &json!({ "account_ids": [id] })).await?;
        self.account(name).await
    }

    /// An account that Forester made, by its name.
    async fn made(&self, name: &str) -> Outcome<Scope> {
        let accounts = self.management().await?.pages("organizations", "ListAccounts", json!({})).await?;
        let found =
            accounts.iter().find(|account| account["Name"] == name).ok_or_else(|| format!("no account {name}"))?;
        let id: AccountId = found["Id"].as_str().unwrap_or_default().parse()?;
        root_of(&self.stack, &id).await
    }

    async fn apply(&self) -> Outcome<Ran> {
        let (since, began) = (self.stack.last_call().await?, Instant::now());
        let ran = self.terminal.run(&["--output", "json", "apply", "--all", "--yes"]).await?;
        let calls = self.stack.calls(since).await?;
        let writes = calls.iter().filter(|call| call.write).count();
        let (name, seconds) = (self.name, began.elapsed().as_secs_f64());
        println!("{name}: {} calls, {writes} of them writes, {seconds:.1} s, exit {}", calls.len(), ran.code);
        Ok(ran)
    }

    /// Applies twice: everything is done the first time, and nothing the second.
    async fn converges(&self) -> Outcome<()> {
        let first = self.apply().await?;
        assert_eq!((first.code, complaints(&first.json()?)), (0, vec![]), "{}: {}", self.name, first.stderr);
        let since = self.stack.last_call().await?;
        let again = self.apply().await?;
        let writes = self.stack.calls(since).await?.into_iter().filter(|call| call.write);
        let writes: Vec<String> =
            writes.map(|call| format!("{}:{}", call.service, call.action.unwrap_or_default())).collect();
        assert_eq!((again.code, writes), (0, vec![]), "{}: {}", self.name, again.stdout);
        let verified = self.terminal.run(&["verify", "--all"]).await?;
        assert_eq!(verified.code, 0, "{}", verified.stdout);
        Ok(())
    }

    async fn clear(self) -> Outcome<()> {
        self.stack.stop().await
    }
}

async fn root_of(stack: &Stack, account: &AccountId) -> Outcome<Scope> {
    let sdk = forester::aws::Sdk::at(&stack.endpoint, account.as_ref(), &HOME.parse()?).await;
    as_root(&sdk, account).await
}

/// Everything that a report says is not as declared.
fn complaints(document: &Value) -> Vec<String> {
    let accounts = document["accounts"].as_array().into_iter().flatten();
    let of = |account: &Value| {
        let lists = ["errors", "waiting", "failed"].map(|list| account[list].clone());
        let all = lists.into_iter().flat_map(|list| list.as_array().cloned().unwrap_or_default());
        all.map(|entry| format!("{}: {entry}", account["name"])).collect::<Vec<_>>()
    };
    accounts.flat_map(of).collect()
}

/// What an account answers at a pointer; null where it does not.
async fn answer(scope: &Scope, service: &str, operation: &str, params: Value, pointer: &str) -> Value {
    let answer = scope.call(service, operation, params).await.unwrap_or_default();
    answer.pointer(pointer).cloned().unwrap_or_default()
}

#[tokio::test]
async fn stages_with_mirrored_groups() -> Outcome<()> {
    let stage = Stage::set("stages-with-mirrored-groups", None).await?;
    for (n, name) in ["dev", "qa", "prod"].iter().enumerate() {
        let scope = stage.account(name).await?;
        let vpc = json!({ "CidrBlock": format!("10.{n}.0.0/16"), "TagSpecifications": [{
            "ResourceType": "vpc", "Tags": [{ "Key": "peer", "Value": "true" }] }] });
        scope.call("ec2", "CreateVpc", vpc).await?;
    }
    stage.converges().await?;
    let (dev, prod) = (stage.made("dev").await?, stage.made("prod").await?);
    let role = async |scope: &Scope, name: &str| {
        answer(scope, "iam", "GetRole", json!({ "RoleName": name }), "/Role/RoleName").await
    };
    assert_eq!(role(&prod, "cross-ops").await, "cross-ops");
    assert_eq!(role(&prod, "cross-dev").await, Value::Null, "denied in prod");
    let leads = json!({ "RoleName": "cross-dev-leads" });
    let policy = answer(&prod, "iam", "ListAttachedRolePolicies", leads, "/AttachedPolicies/0/PolicyName").await;
    assert_eq!(policy, "ViewOnlyAccess");
    let group = answer(&dev, "iam", "GetGroup", json!({ "GroupName": "dev-leads" }), "/Group/GroupName").await;
    assert_eq!(group, "dev-leads");
    let peerings = prod.pages("ec2", "DescribeVpcPeeringConnections", json!({})).await?;
    let active = peerings.iter().filter(|peering| peering["Status"]["Code"] == "active").count();
    assert_eq!(active, 2, "{peerings:?}");
    stage.clear().await
}

#[tokio::test]
async fn ous_with_sandbox() -> Outcome<()> {
    let stage = Stage::set("ous-with-sandbox", None).await?;
    seed_identity_center(&stage.management().await?).await?;
    stage.converges().await?;
    let sandbox = stage.made("sbx-ana").await?;
    let parents = json!({ "ChildId": sandbox.account() });
    let management = stage.management().await?;
    let ou = answer(&management, "organizations", "ListParents", parents, "/Parents/0/Id").await;
    let name = json!({ "OrganizationalUnitId": ou });
    let name =
        answer(&management, "organizations", "DescribeOrganizationalUnit", name, "/OrganizationalUnit/Name").await;
    assert_eq!(name, "Sandbox", "it has left the quarantine");
    let alias = answer(&sandbox, "iam", "ListAccountAliases", json!({}), "/AccountAliases/0").await;
    assert_eq!(alias, "acme-sbx-ana");
    let tokens = answer(&sandbox, "ec2", "GetInstanceMetadataDefaults", json!({}), "/AccountLevel/HttpTokens").await;
    assert_eq!(tokens, "required");
    let audit = stage.made("audit").await?;
    let trail = answer(&audit, "cloudtrail", "DescribeTrails", json!({}), "/trailList/0/IsOrganizationTrail").await;
    assert_eq!(trail, true);
    let filters = audit.pages("logs", "DescribeMetricFilters", json!({})).await?;
    assert_eq!(filters.len(), 15);
    let mut scopes = std::collections::BTreeMap::from([("management", management)]);
    for name in ["prod", "sbx-ana", "audit", "shop-live"] {
        scopes.insert(name, stage.made(name).await?);
    }
    let ids = |name: &str| scopes[name].account().to_string();
    for (aspect, account, service, operation, params, piece) in settings(&ids).into_iter().chain(surroundings(&ids)) {
        let told = answer(&scopes[account], service, operation, params, "").await.to_string();
        assert!(told.contains(&piece), "{aspect}: {service}:{operation} in {account} has no {piece}: {told}");
    }
    stage.clear().await
}

/// What an account answers to a plain call, aspect by aspect: the account, the service, the operation, its members, and
/// a piece of the answer.
type Row = (&'static str, &'static str, &'static str, &'static str, Value, String);

fn row(
    aspect: &'static str,
    account: &'static str,
    service: &'static str,
    operation: &'static str,
    params: Value,
    piece: &str,
) -> Row {
    (aspect, account, service, operation, params, piece.to_owned())
}

/// What the settings of one account say.
fn settings(ids: &impl Fn(&str) -> String) -> Vec<Row> {
    let none = || json!({});
    let block = json!({ "AccountId": ids("prod") });
    let document = json!({ "SettingId": "/ssm/documents/console/public-sharing-permission" });
    let security = json!({ "AlternateContactType": "SECURITY" });
    let length = r#""MinimumPasswordLength":14"#;
    let (imds, closed, disabled) =
        (r#""HttpTokens":"required""#, r#"AccessEnabled":false"#, r#""SettingValue":"Disable""#);
    vec![
        row("alias", "prod", "iam", "ListAccountAliases", none(), "acme-prod"),
        row("contacts", "prod", "account", "GetAlternateContact", security, "sec@acme.example"),
        row("password-policy", "prod", "iam", "GetAccountPasswordPolicy", none(), length),
        row("s3-public-access", "prod", "s3control", "GetPublicAccessBlock", block, r#""RestrictPublicBuckets":true"#),
        row("account-key", "prod", "kms", "ListAliases", none(), "alias/acme-account"),
        row("ebs-encryption", "prod", "ec2", "GetEbsEncryptionByDefault", none(), r#""EbsEncryptionByDefault":true"#),
        row("snapshot-sharing", "prod", "ec2", "GetSnapshotBlockPublicAccessState", none(), "block-all-sharing"),
        row("image-sharing", "prod", "ec2", "GetImageBlockPublicAccessState", none(), "block-new-sharing"),
        row("instance-metadata", "prod", "ec2", "GetInstanceMetadataDefaults", none(), imds),
        row("serial-console", "prod", "ec2", "GetSerialConsoleAccessStatus", none(), closed),
        row("document-sharing", "prod", "ssm", "GetServiceSetting", document, disabled),
        row("default-vpc", "prod", "ec2", "DescribeVpcs", none(), r#""Vpcs":[]"#),
    ]
}

/// What people, money, services and the organization say.
fn surroundings(ids: &impl Fn(&str) -> String) -> Vec<Row> {
    let none = || json!({});
    let (prod, sandbox, audit) = (ids("prod"), ids("sbx-ana"), ids("audit"));
    let (tags, budgets) = (json!({ "ResourceId": prod }), json!({ "AccountId": sandbox }));
    let (asked, quota) = (
        "ListRequestedServiceQuotaChangeHistoryByQuota",
        json!({ "ServiceCode": "lambda", "QuotaCode": "L-B99A9384" }),
    );
    let bucket = json!({ "Bucket": format!("forester-config-{audit}") });
    let (recorder, on) = ("DescribeConfigurationRecorderStatus", r#""recording":true"#);
    let policies = json!({ "Filter": "SERVICE_CONTROL_POLICY" });
    let features = "RootCredentialsManagement";
    vec![
        row("account-tags", "management", "organizations", "ListTagsForResource", tags, "stage"),
        row("roles", "prod", "iam", "GetRole", json!({ "RoleName": "SecurityOwner" }), &audit),
        row("budget", "sbx-ana", "budgets", "DescribeBudgets", budgets, "forester-monthly"),
        row("anomaly", "management", "ce", "GetAnomalyMonitors", none(), &sandbox),
        row("quotas", "prod", "service-quotas", asked, quota, "1000"),
        row("trail", "audit", "cloudtrail", "DescribeTrails", none(), r#""IsMultiRegionTrail":true"#),
        row("log-alarms", "audit", "cloudwatch", "DescribeAlarms", none(), "CIS-4.15-"),
        row("config-bucket", "audit", "s3", "GetBucketVersioning", bucket, "Enabled"),
        row("config-recorder", "prod", "config", recorder, none(), on),
        row("guardduty", "prod", "guardduty", "ListDetectors", none(), r#""DetectorIds":[""#),
        row("security-hub", "prod", "securityhub", "DescribeHub", none(), "HubArn"),
        row("access-analyzer", "prod", "accessanalyzer", "ListAnalyzers", none(), "forester"),
        row("policies", "management", "organizations", "ListPolicies", policies, "deny-vpc-changes"),
        row("root-credentials", "management", "iam", "ListOrganizationsFeatures", none(), features),
    ]
}

async fn seed_identity_center(management: &Scope) -> Outcome<()> {
    let instances = management.pages("sso-admin", "ListInstances", json!({})).await?;
    let instance = instances.first().ok_or("there is no Identity Center")?;
    let set = json!({ "InstanceArn": instance["InstanceArn"], "Name": "SandboxAdmin" });
    management.call("sso-admin", "CreatePermissionSet", set).await?;
    let group = json!({ "IdentityStoreId": instance["IdentityStoreId"], "DisplayName": "Engineers" });
    management.call("identitystore", "CreateGroup", group).await?;
    Ok(())
}

#[tokio::test]
async fn pipeline_with_shared_subnets() -> Outcome<()> {
    let stage = Stage::set("pipeline-with-shared-subnets", None).await?;
    let network = stage.account("network").await?;
    let vpc = network.call("ec2", "CreateVpc", json!({ "CidrBlock": "10.8.0.0/16" })).await?;
    let subnet = json!({ "VpcId": vpc["Vpc"]["VpcId"], "CidrBlock": "10.8.1.0/24", "TagSpecifications": [{
        "ResourceType": "subnet", "Tags": [{ "Key": "share", "Value": "workloads" }] }] });
    network.call("ec2", "CreateSubnet", subnet).await?;
    let shared = stage.account("shared").await?;
    shared.call("ecr", "CreateRepository", json!({ "repositoryName": "shop" })).await?;
    stage.converges().await?;
    let shares = network.pages("ram", "GetResourceShares", json!({ "resourceOwner": "SELF" })).await?;
    assert_eq!(shares.len(), 1, "{shares:?}");
    let policy =
        answer(&shared, "ecr", "GetRepositoryPolicy", json!({ "repositoryName": "shop" }), "/policyText").await;
    assert!(policy.as_str().is_some_and(|policy| policy.contains("PrincipalOrgPaths")), "{policy}");
    let test = stage.made("test").await?;
    let role = answer(&test, "iam", "GetRole", json!({ "RoleName": "CodePipelineDeploy" }), "/Role/RoleName").await;
    assert_eq!(role, "CodePipelineDeploy");
    let zones = answer(&test, "route53", "ListHostedZones", json!({}), "/HostedZones/0/Name").await;
    assert_eq!(zones, "test.acme.example.");
    stage.clear().await
}

#[tokio::test]
async fn virtual_root() -> Outcome<()> {
    const ROOT: &str = "222233334444";
    let stage = Stage::set("virtual-root", Some(ROOT)).await?;
    stage.account_with_id("root", ROOT).await?;
    for (name, id) in [("dev", "333344445555"), ("prod", "444455556666")] {
        let scope = stage.account_with_id(name, id).await?;
        let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": format!("arn:aws:iam::{ROOT}:root") } }] });
        let role = json!({ "RoleName": "ForesterAccess", "AssumeRolePolicyDocument": trust.to_string() });
        scope.call("iam", "CreateRole", role).await?;
        let everything =
            json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
        let policy =
            json!({ "RoleName": "ForesterAccess", "PolicyName": "all", "PolicyDocument": everything.to_string() });
        scope.call("iam", "PutRolePolicy", policy).await?;
    }
    let since = stage.stack.last_call().await?;
    stage.converges().await?;
    let calls = stage.stack.calls(since).await?;
    let organizations = calls.iter().filter(|call| call.service == "organizations").count();
    assert_eq!(organizations, 0, "a member account has no say in the organization");
    let prod = stage.made("prod").await?;
    let alias = answer(&prod, "iam", "ListAccountAliases", json!({}), "/AccountAliases/0").await;
    assert_eq!(alias, "acme-prod");
    stage.clear().await
}

#[tokio::test]
async fn single_account() -> Outcome<()> {
    const HERE: &str = "555566667777";
    let stage = Stage::set("single-account", Some(HERE)).await?;
    let here = stage.account_with_id("here", HERE).await?;
    let since = stage.stack.last_call().await?;
    stage.converges().await?;
    let calls = stage.stack.calls(since).await?;
    let assumed = calls.iter().any(|call| call.service == "sts" && call.action.as_deref() == Some("AssumeRole"));
    assert!(!assumed, "no role is assumed where there is only one account");
    for name in ["dev-Deploy", "prod-Deploy"] {
        let role = answer(&here, "iam", "GetRole", json!({ "RoleName": name }), "/Role/RoleName").await;
        assert_eq!(role, name);
    }
    let budgets = here.pages("budgets", "DescribeBudgets", json!({ "AccountId": HERE })).await?;
    assert_eq!(budgets.len(), 2, "{budgets:?}");
    stage.clear().await
}
