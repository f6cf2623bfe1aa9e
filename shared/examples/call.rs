//! Makes calls from a terminal: `call ACCOUNT REGION`, then lines of `SERVICE OPERATION {PARAMS}` on standard input; a `*`
//! before the service asks for all pages. For looking at what a service really answers.

use std::io::BufRead as _;

use forester::aws::{AccessRoles, Accounts as _, Entry, Patience, Scope, Sdk, SdkAccounts};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [account, region] = given.as_slice() else { return Err("usage: call ACCOUNT REGION".into()) };
    let sdk = Sdk::patient(Patience { attempts: 3, ..Patience::default() }).await;
    let fallback = vec!["OrganizationAccountAccessRole".to_owned()];
    let roles = AccessRoles { role: "AWSControlTowerExecution".to_owned(), fallback };
    let accounts = SdkAccounts::new(&sdk, roles, Entry::AssumeRole);
    let account = if account == "home" { accounts.home().await? } else { account.parse()? };
    let scope = accounts.scope(&account, &region.parse()?).await?;
    for line in std::io::stdin().lock().lines() {
        match answer(&scope, &line?).await {
            Ok(value) => println!("ok {value}"),
            Err(error) => println!("-- {error}"),
        }
    }
    println!("{:?}", accounts.meter().by_operation());
    Ok(())
}

async fn answer(scope: &Scope, line: &str) -> Result<Value, Box<dyn std::error::Error>> {
    let (paged, line) = line.strip_prefix('*').map_or((false, line), |line| (true, line));
    let mut words = line.splitn(3, ' ');
    let (service, operation) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let params = serde_json::from_str(words.next().unwrap_or("{}"))?;
    if paged {
        return Ok(scope.pages(service, operation, params).await?.into());
    }
    scope.call(service, operation, params).await.map_err(|error| format!("{:?} {error}", error.class).into())
}
