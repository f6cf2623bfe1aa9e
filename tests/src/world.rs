//! An organization with something in it: management, audit, workload and sandbox accounts, made through the same API
//! calls that a person would make.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use forester::aws::{AccessRoles, Accounts, Entry, Scope, Sdk, SdkAccounts};
use forester::types::{AccountId, Region};
use serde_json::{Value, json};

use crate::Outcome;
use crate::local::eventually;
use crate::stack::Stack;

/// Where Forester is deployed.
pub const HOME: &str = "us-east-1";

/// The role that CreateAccount makes in every member account.
pub const ROLE: &str = "OrganizationAccountAccessRole";

/// The organization and the way into its accounts.
pub struct World {
    /// Scopes on every account.
    pub accounts: Arc<dyn Accounts>,
    /// Account ids by name: `management`, `audit`, `dev`, `sbx-ana`.
    pub ids: BTreeMap<String, AccountId>,
    ous: BTreeMap<String, String>,
    home: Region,
}

impl World {
    /// Makes the organization.
    pub async fn create(stack: &Stack) -> Outcome<Self> {
        let home: Region = HOME.parse()?;
        let roles = AccessRoles { role: ROLE.to_owned(), fallback: Vec::new() };
        let accounts = Arc::new(SdkAccounts::new(&stack.sdk(&home).await, roles, Entry::AssumeRole));
        let ids = BTreeMap::from([("management".to_owned(), stack.management.clone())]);
        let mut world = Self { accounts, ids, ous: BTreeMap::new(), home };
        let management = world.management().await?;
        management.call("organizations", "CreateOrganization", json!({ "FeatureSet": "ALL" })).await?;
        world.make_ous(&management).await?;
        world.vend("audit", "Security", &[]).await?;
        world.vend("dev", "Workloads/NonProd", &[("owner", "dev-team@acme.example"), ("stage", "dev")]).await?;
        world.vend("sbx-ana", "Sandbox", &[("owner", "ana@acme.example"), ("forester-sandbox", "true")]).await?;
        Ok(world)
    }

    async fn make_ous(&mut self, management: &Scope) -> Outcome<()> {
        let roots = management.pages("organizations", "ListRoots", json!({})).await?;
        let root = roots.first().and_then(|root| root["Id"].as_str()).ok_or("the organization has no root")?;
        self.ous.insert(String::new(), root.to_owned());
        for path in ["Security", "Workloads", "Workloads/NonProd", "Sandbox"] {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            let parent = self.ou(parent)?.to_owned();
            let made = management
                .call("organizations", "CreateOrganizationalUnit", json!({ "ParentId": parent, "Name": name }))
                .await?;
            self.ous.insert(path.to_owned(), text(&made, "/OrganizationalUnit/Id")?);
        }
        Ok(())
    }

    fn ou(&self, path: &str) -> Outcome<&str> {
        Ok(self.ous.get(path).ok_or_else(|| format!("no OU {path}"))?)
    }

    /// Creates an account, moves it to its OU and tags it. Its events go out as AWS sends them.
    pub async fn vend(&mut self, name: &str, ou: &str, tags: &[(&str, &str)]) -> Outcome<AccountId> {
        let id = self.found(name, tags).await?;
        self.settle(name, ou).await?;
        Ok(id)
    }

    /// Creates an account in the root.
    pub async fn found(&mut self, name: &str, tags: &[(&str, &str)]) -> Outcome<AccountId> {
        let management = self.management().await?;
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let request = json!({ "AccountName": name, "Email": format!("aws+{name}@acme.example"), "Tags": tags });
        let made = management.call("organizations", "CreateAccount", request).await?;
        let id = created(&management, &text(&made, "/CreateAccountStatus/Id")?).await?;
        self.ids.insert(name.to_owned(), id.clone());
        Ok(id)
    }

    /// Moves an account from the root to an OU.
    pub async fn settle(&self, name: &str, ou: &str) -> Outcome<()> {
        let id = self.ids.get(name).ok_or_else(|| format!("no account {name}"))?;
        let place = json!({ "AccountId": id, "SourceParentId": self.ou("")?, "DestinationParentId": self.ou(ou)? });
        self.management().await?.call("organizations", "MoveAccount", place).await?;
        Ok(())
    }

    /// The management account in the home region.
    pub async fn management(&self) -> Outcome<Scope> {
        self.scope("management", HOME).await
    }

    /// A named account in a region.
    pub async fn scope(&self, name: &str, region: &str) -> Outcome<Scope> {
        let id = self.ids.get(name).ok_or_else(|| format!("no account {name}"))?;
        Ok(self.accounts.scope(id, &region.parse()?).await?)
    }

    /// Every region that is enabled in an account.
    pub async fn regions(&self, name: &str) -> Outcome<Vec<String>> {
        let scope = self.scope(name, self.home.as_ref()).await?;
        let answer = scope.call("ec2", "DescribeRegions", json!({})).await?;
        let regions = answer["Regions"].as_array().ok_or("no regions")?;
        Ok(regions.iter().filter_map(|region| region["RegionName"].as_str()).map(str::to_owned).collect())
    }
}

/// An account as its own root user.
pub async fn as_root(sdk: &Sdk, account: &AccountId) -> Outcome<Scope> {
    let roles = AccessRoles { role: String::new(), fallback: Vec::new() };
    let accounts = SdkAccounts::new(sdk, roles, Entry::Home);
    Ok(accounts.scope(account, &HOME.parse()?).await?)
}

/// Creates an account in the root, named and addressed as our files have it, and waits for it.
pub async fn create_account(management: &Scope, name: &str) -> Outcome<AccountId> {
    let request = json!({ "AccountName": name, "Email": format!("aws+{name}@acme.example") });
    let made = management.call("organizations", "CreateAccount", request).await?;
    created(management, &text(&made, "/CreateAccountStatus/Id")?).await
}

/// The id of an account that is being created, once it is.
async fn created(management: &Scope, request: &str) -> Outcome<AccountId> {
    let asked = json!({ "CreateAccountRequestId": request });
    let created = async || {
        let told = management.call("organizations", "DescribeCreateAccountStatus", asked.clone()).await?;
        match text(&told, "/CreateAccountStatus/State")?.as_str() {
            "SUCCEEDED" => Ok(Some(text(&told, "/CreateAccountStatus/AccountId")?)),
            _ => Ok(None),
        }
    };
    Ok(eventually(Duration::from_secs(30), "a new account", created).await?.parse()?)
}

/// The text at a JSON pointer of an answer.
pub fn text(answer: &Value, pointer: &str) -> Outcome<String> {
    let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| format!("the answer has no {pointer}: {answer}").into())
}
