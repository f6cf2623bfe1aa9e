//! AWS Organizations as directory.
//!
//! The whole organization is read from the root down: two lists an OU tell every account with its place, so the
//! number of calls grows with the OUs and not with the accounts. Only tags cost a call an account.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Account, AccountState, Directory, Forest, Member, Organization};
use crate::aws::CallError;
use crate::aws::organizations::{Described, Listed, Organizations};
use crate::config::{AccountEntry, Config};
use crate::types::{AccountId, OuId, OuPath};

/// Organizations allows few reads a second, for the whole account.
const AT_ONCE: usize = 4;

/// The organization, with the names that the file gives its accounts.
pub struct OrganizationsDirectory {
    config: Arc<Config>,
    api: Arc<dyn Organizations>,
}

impl OrganizationsDirectory {
    /// The directory of the organization behind `api`.
    pub fn new(config: Arc<Config>, api: Arc<dyn Organizations>) -> Self {
        Self { config, api }
    }

    async fn placed(&self, listed: Listed, ou: OuPath) -> Result<Account, CallError> {
        let tags = self.api.tags(&listed.id).await?;
        let name = self.called(&listed);
        let Listed { id, email, state, joined, .. } = listed;
        Ok(Account { id, name, email, state: AccountState::named(&state), ou, tags, joined })
    }

    fn name_in_file(&self, listed: &Listed) -> Option<&str> {
        self.config.accounts.iter().find(|(_, entry)| means(entry, listed)).map(|(name, _)| name.as_str())
    }

    /// The name of the file; or else that of Organizations, which must not pass for one of the file: whoever administers
    /// an account can rename it (<https://docs.aws.amazon.com/accounts/latest/reference/API_PutAccountName.html>), and
    /// would be trusted, placed and let in as the other.
    fn called(&self, listed: &Listed) -> String {
        match self.name_in_file(listed) {
            Some(name) => name.to_owned(),
            None if self.config.accounts.contains_key(&listed.name) => namesake(&listed.name, &listed.id),
            None => listed.name.clone(),
        }
    }

    /// Every OU and every account, from the root down.
    async fn walk(&self) -> Result<Walked, CallError> {
        let mut walked = Walked::default();
        let mut open: VecDeque<(OuId, OuPath)> = VecDeque::from([(self.api.root().await?, OuPath::default())]);
        while let Some((unit, path)) = open.pop_front() {
            let both = futures_util::future::try_join(self.api.accounts_in(&unit), self.api.units(&unit));
            let (accounts, units) = both.await?;
            for listed in accounts {
                // An account that is being moved can show up in both OUs; the later look is the truer one.
                walked.found.insert(listed.id.clone(), (listed, path.clone()));
            }
            open.extend(units.into_iter().map(|(id, name)| (id, path.child(&segment(&name)))));
            walked.units.insert(path, unit);
        }
        Ok(walked)
    }

    /// The path of the OU that holds an account, from the account up.
    async fn path(&self, id: &AccountId) -> Result<OuPath, CallError> {
        let mut names = Vec::new();
        let mut at = self.api.parent(id.as_ref()).await?;
        while !is_root(&at) {
            names.push(self.api.unit_name(&at).await?);
            at = self.api.parent(at.as_ref()).await?;
        }
        Ok(names.iter().rev().fold(OuPath::default(), |path, name| path.child(&segment(name))))
    }
}

/// The name of an OU as one part of a path. Organizations takes any letters in it
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganizationalUnit.html>), so that an OU of
/// the name `Sandbox/Ana` would pass for one below `Sandbox`. No two names become the same.
fn segment(name: &str) -> String {
    if ["/", "%2F", "%25"].iter().any(|told| name.contains(told)) {
        return name.replace('%', "%25").replace('/', "%2F");
    }
    name.to_owned()
}

/// What a walk from the root down finds.
#[derive(Default)]
struct Walked {
    units: BTreeMap<OuPath, OuId>,
    found: BTreeMap<AccountId, (Listed, OuPath)>,
}

#[async_trait]
impl Directory for OrganizationsDirectory {
    async fn accounts(&self) -> Result<Vec<Account>, CallError> {
        let Walked { found, .. } = self.walk().await?;
        let placed = found.into_values().map(|(listed, ou)| self.placed(listed, ou));
        stream::iter(placed).buffered(AT_ONCE).try_collect().await
    }

    async fn forest(&self) -> Result<Forest, CallError> {
        let (walked, described) = futures_util::future::try_join(self.walk(), self.api.organization()).await?;
        let Walked { units, found } = walked;
        let Described { id, management } = described;
        let member = |(listed, ou): (Listed, OuPath)| Member {
            name: self.called(&listed),
            id: listed.id,
            email: listed.email,
            state: AccountState::named(&listed.state),
            ou,
        };
        let members = found.into_values().map(member).collect();
        Ok(Forest { organization: Some(Organization { id, management, units }), members })
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError> {
        let Some(listed) = self.api.account(id).await? else { return Ok(None) };
        let ou = self.path(id).await?;
        self.placed(listed, ou).await.map(Some)
    }

    async fn privileged(&self) -> Result<Vec<AccountId>, CallError> {
        let mut privileged = vec![self.api.organization().await?.management];
        privileged.extend(self.api.delegated().await?);
        Ok(privileged)
    }

    async fn names(&self) -> Result<BTreeMap<String, AccountId>, CallError> {
        let mut names = BTreeMap::new();
        let told = |(name, entry): (&String, &AccountEntry)| Some((name.clone(), entry.id.clone()?));
        names.extend(self.config.accounts.iter().filter_map(told));
        if names.len() < self.config.accounts.len() {
            for listed in self.api.accounts().await? {
                if let Some(name) = self.name_in_file(&listed) {
                    names.insert(name.to_owned(), listed.id);
                }
            }
        }
        Ok(names)
    }
}

/// Whether an entry of the file means this account: by its id, or else by its e-mail address.
fn means(entry: &AccountEntry, listed: &Listed) -> bool {
    match (&entry.id, &entry.email, &listed.email) {
        (Some(id), _, _) => *id == listed.id,
        (None, Some(address), Some(email)) => address.eq_ignore_ascii_case(email),
        (None, _, _) => false,
    }
}

/// What an account is called whose name in Organizations is that of another one in the file.
pub fn namesake(name: &str, id: &AccountId) -> String {
    format!("{name}-{id}")
}

fn is_root(id: &OuId) -> bool {
    id.as_ref().starts_with("r-")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::Timestamp;

    use super::*;
    use crate::types::Partition;

    /// An organization of a root, OUs two deep and four accounts.
    #[derive(Default)]
    struct FakeOrganization {
        calls: Mutex<Vec<String>>,
        /// What the OU `Sandbox` is called instead.
        sandbox: Option<&'static str>,
    }

    const UNITS: &[(&str, &str, &str)] = &[
        ("ou-ab12-11111111", "Workloads", "r-ab12"),
        ("ou-ab12-22222222", "Prod", "ou-ab12-11111111"),
        ("ou-ab12-33333333", "Sandbox", "r-ab12"),
    ];

    const ACCOUNTS: &[(&str, &str, &str, &str)] = &[
        ("111122223333", "Acme", "ACTIVE", "r-ab12"),
        ("222233334444", "Audit", "ACTIVE", "r-ab12"),
        ("444455556666", "prod", "ACTIVE", "ou-ab12-22222222"),
        ("555566667777", "old", "SUSPENDED", "ou-ab12-33333333"),
    ];

    impl FakeOrganization {
        fn called(&self, name: &str) -> String {
            self.sandbox.filter(|_| name == "Sandbox").unwrap_or(name).to_owned()
        }

        fn count(&self, call: String) {
            self.calls.lock().unwrap().push(call);
        }

        fn listed(&self, fits: impl Fn(&str, &str) -> bool) -> Vec<Listed> {
            let listed = |(id, name, state, _): &(&str, &str, &str, &str)| Listed {
                id: id.parse().unwrap(),
                name: (*name).to_owned(),
                email: Some(format!("AWS+{name}@acme.example")),
                state: (*state).to_owned(),
                joined: Some(Timestamp::UNIX_EPOCH),
            };
            ACCOUNTS.iter().filter(|(id, _, _, parent)| fits(id, parent)).map(listed).collect()
        }
    }

    #[async_trait]
    impl Organizations for FakeOrganization {
        async fn root(&self) -> Result<OuId, CallError> {
            self.count("root".to_owned());
            Ok("r-ab12".parse().unwrap())
        }
        async fn units(&self, parent: &OuId) -> Result<Vec<(OuId, String)>, CallError> {
            self.count(format!("units {parent}"));
            let below = UNITS.iter().filter(|(_, _, holder)| *holder == parent.as_ref());
            Ok(below.map(|(id, name, _)| (id.parse().unwrap(), self.called(name))).collect())
        }
        async fn accounts_in(&self, unit: &OuId) -> Result<Vec<Listed>, CallError> {
            self.count(format!("accounts in {unit}"));
            Ok(self.listed(|_, parent| parent == unit.as_ref()))
        }
        async fn accounts(&self) -> Result<Vec<Listed>, CallError> {
            self.count("accounts".to_owned());
            Ok(self.listed(|_, _| true))
        }
        async fn account(&self, wanted: &AccountId) -> Result<Option<Listed>, CallError> {
            self.count(format!("account {wanted}"));
            Ok(self.listed(|id, _| id == wanted.as_ref()).pop())
        }
        async fn parent(&self, child: &str) -> Result<OuId, CallError> {
            self.count(format!("parent {child}"));
            let account = ACCOUNTS.iter().find(|(id, ..)| *id == child).map(|(.., parent)| *parent);
            let unit = UNITS.iter().find(|(id, ..)| *id == child).map(|(.., parent)| *parent);
            Ok(account.or(unit).unwrap().parse().unwrap())
        }
        async fn unit_name(&self, unit: &OuId) -> Result<String, CallError> {
            self.count(format!("name {unit}"));
            Ok(self.called(UNITS.iter().find(|(id, ..)| *id == unit.as_ref()).unwrap().1))
        }
        async fn tags(&self, id: &AccountId) -> Result<BTreeMap<String, String>, CallError> {
            self.count(format!("tags {id}"));
            Ok(BTreeMap::from([("id".to_owned(), id.to_string())]))
        }
        async fn organization(&self) -> Result<Described, CallError> {
            Ok(Described { id: "o-exampleorgid".to_owned(), management: "111122223333".parse().unwrap() })
        }
        async fn delegated(&self) -> Result<Vec<AccountId>, CallError> {
            Ok(vec!["222233334444".parse().unwrap()])
        }
    }

    fn directory(accounts: &str) -> (OrganizationsDirectory, Arc<FakeOrganization>) {
        let text = format!(
            "version: 1\nmode: organization\nhome_region: eu-west-1\nregions: {{govern: [eu-west-1]}}\n\
             access: {{role: Admin}}\naccounts: {accounts}\n"
        );
        let api = Arc::new(FakeOrganization::default());
        (OrganizationsDirectory::new(Arc::new(Config::parse(&text, "f").unwrap()), api.clone()), api)
    }

    #[tokio::test]
    async fn accounts_come_with_their_place_their_tags_and_the_name_of_the_file() {
        let (directory, api) = directory("{shop: {id: \"444455556666\"}, audit: {email: aws+audit@acme.example}}");
        let accounts = directory.accounts().await.unwrap();
        let seen: Vec<String> = accounts.iter().map(|a| format!("{} {} {}", a.name, a.ou, a.state)).collect();
        assert_eq!(seen, ["Acme  active", "audit  active", "shop Workloads/Prod active", "old Sandbox suspended"]);
        assert_eq!(accounts[2].tags["id"], "444455556666");
        // One root, two lists for each of four places, tags of four accounts.
        assert_eq!(api.calls.lock().unwrap().len(), 1 + 2 * 4 + 4);
    }

    #[tokio::test]
    async fn account_that_took_a_name_of_the_file_does_not_pass_for_it() {
        let (directory, _) = directory("{prod: {email: aws+real@acme.example, ou: Workloads/Prod}}");
        let impostor: AccountId = "444455556666".parse().unwrap();
        assert_eq!(directory.account(&impostor).await.unwrap().unwrap().name, "prod-444455556666");
        let accounts = directory.accounts().await.unwrap();
        assert!(accounts.iter().all(|account| account.name != "prod"), "{accounts:?}");
        assert!(directory.forest().await.unwrap().named("prod").is_none());
        assert!(directory.names().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn forest_names_every_ou_and_asks_for_no_tags() {
        let (directory, api) = directory("{shop: {id: \"444455556666\"}}");
        let forest = directory.forest().await.unwrap();
        let organization = forest.organization.as_ref().unwrap();
        assert_eq!(organization.management.as_ref(), "111122223333");
        let prod = "Workloads/Prod".parse().unwrap();
        assert_eq!(organization.units[&prod].as_ref(), "ou-ab12-22222222");
        assert_eq!(
            organization.arn(&prod, Partition::Aws).unwrap().as_ref(),
            "arn:aws:organizations::111122223333:ou/o-exampleorgid/ou-ab12-22222222"
        );
        assert_eq!(
            organization.arn(&OuPath::default(), Partition::Aws).unwrap().as_ref(),
            "arn:aws:organizations::111122223333:root/o-exampleorgid/r-ab12"
        );
        assert_eq!(forest.named("shop").unwrap().ou, prod);
        assert!(api.calls.lock().unwrap().iter().all(|call| !call.starts_with("tags")));
    }

    #[tokio::test]
    async fn one_account_is_found_from_below() {
        let (directory, api) = directory("{}");
        let account = directory.account(&"444455556666".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(account.ou.as_ref(), "Workloads/Prod");
        assert_eq!(api.calls.lock().unwrap().len(), 7, "account, three parents, two names, tags");
        assert_eq!(directory.account(&"999999999999".parse().unwrap()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn name_with_a_slash_is_one_part_of_a_path() {
        let pattern: crate::config::OuPattern = "Workloads/**".parse().unwrap();
        for (name, path) in [("Workloads/Prod", "Workloads%2FProd"), ("Workloads%2FProd", "Workloads%252FProd")] {
            let (mut directory, _) = directory("{}");
            directory.api = Arc::new(FakeOrganization { sandbox: Some(name), ..FakeOrganization::default() });
            let account = directory.account(&"555566667777".parse().unwrap()).await.unwrap().unwrap();
            assert_eq!((account.ou.as_ref(), pattern.holds(&account.ou)), (path, false));
            assert!(directory.accounts().await.unwrap().contains(&account));
            assert_eq!(directory.forest().await.unwrap().organization.unwrap().units.len(), 4, "none hides another");
        }
    }

    #[tokio::test]
    async fn names_cost_nothing_when_the_file_has_every_id() {
        let (directory, api) = directory("{shop: {id: \"444455556666\"}}");
        assert_eq!(directory.names().await.unwrap()["shop"].as_ref(), "444455556666");
        assert_eq!(*api.calls.lock().unwrap(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn names_are_looked_up_by_address() {
        let (directory, _) = directory("{shop: {id: \"444455556666\"}, audit: {email: aws+audit@acme.example}}");
        assert_eq!(directory.names().await.unwrap()["audit"].as_ref(), "222233334444");
    }

    #[tokio::test]
    async fn management_and_delegated_accounts_are_privileged() {
        let (directory, _) = directory("{}");
        let privileged = directory.privileged().await.unwrap();
        assert_eq!(privileged.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["111122223333", "222233334444"]);
    }
}
