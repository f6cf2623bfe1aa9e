//! IAM's report of the services that anybody in the account has talked to, asked for in the management account. It names
//! the last region only, and counts attempts too: so it says "look there", never "there is something".
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateOrganizationsAccessReport.html>

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::catalogue::path::text;
use super::{Oracle, Said, Silence, Use};
use crate::aws::{CallError, CallSite, ErrorClass, Scope};
use crate::config::Witness;

/// How often, and how far apart, the report is asked for. It takes seconds.
const LOOKS: u32 = 15;
const APART: Duration = Duration::from_secs(2);

/// How deep units nest below the root: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>
const DEPTH: usize = 6;

pub(super) async fn ask(oracle: &Oracle<'_>) -> Result<Said, Silence> {
    let home = oracle.reports.home().await?;
    let scope = oracle.reports.scope(&home, &oracle.global()).await?;
    let path = path(&scope, oracle.account.as_ref()).await?;
    let job = scope.call("iam", "GenerateOrganizationsAccessReport", json!({ "EntityPath": path })).await?;
    let Some(job) = text(&job, "JobId").map(str::to_owned) else {
        return Err(broken(&scope, "the report has no number").into());
    };
    let details = details(&scope, &job).await?;
    let uses = details.iter().filter_map(|detail| seen(detail, oracle.inquiry.since));
    Ok(Said { uses: uses.collect(), ..Said::default() })
}

/// `o-x/r-x/ou-x/account`, as the report wants it.
async fn path(scope: &Scope, account: &str) -> Result<String, CallError> {
    let organization = scope.call("organizations", "DescribeOrganization", json!({})).await?;
    let organization = organization.get("Organization").and_then(|found| text(found, "Id")).unwrap_or_default();
    let mut above = Vec::new();
    let mut child = account.to_owned();
    for _ in 0..=DEPTH {
        let parents = scope.pages("organizations", "ListParents", json!({ "ChildId": child })).await?;
        let Some(parent) = parents.first().and_then(|parent| text(parent, "Id")) else { break };
        above.push(parent.to_owned());
        child = parent.to_owned();
        if child.starts_with("r-") {
            break;
        }
    }
    above.push(organization.to_owned());
    above.reverse();
    above.push(account.to_owned());
    Ok(above.join("/"))
}

/// All pages of the report, once it is there. The operation has no paginator in the model.
async fn details(scope: &Scope, job: &str) -> Result<Vec<Value>, CallError> {
    let (mut all, mut marker, mut looks) = (Vec::new(), None::<String>, 0);
    loop {
        let mut params = json!({ "JobId": job });
        if let (Some(marker), Some(params)) = (&marker, params.as_object_mut()) {
            params.insert("Marker".to_owned(), json!(marker));
        }
        let page = scope.call("iam", "GetOrganizationsAccessReport", params).await?;
        match text(&page, "JobStatus") {
            Some("COMPLETED") => {}
            Some("IN_PROGRESS") if looks < LOOKS => {
                looks += 1;
                tokio::time::sleep(APART).await;
                continue;
            }
            status => return Err(broken(scope, &format!("the report is {}", status.unwrap_or("not there")))),
        }
        all.extend(page.get("AccessDetails").and_then(Value::as_array).into_iter().flatten().cloned());
        let next = text(&page, "Marker").filter(|next| !next.is_empty()).map(str::to_owned);
        match (page.get("IsTruncated").and_then(Value::as_bool), next) {
            (Some(true), Some(next)) if marker.as_ref() != Some(&next) => marker = Some(next),
            (Some(true), _) => {
                return Err(broken(scope, "the report has more pages, and does not say how to read them"));
            }
            _ => return Ok(all),
        }
    }
}

fn seen(detail: &Value, since: Timestamp) -> Option<Use> {
    let last: Timestamp = text(detail, "LastAuthenticatedTime")?.parse().ok()?;
    (last >= since).then_some(())?;
    Some(Use {
        service: text(detail, "ServiceNamespace")?.to_owned(),
        region: text(detail, "Region").map(str::to_owned),
        kind: None,
        witness: Witness::AccessReport,
        example: Some(format!("last talked to at {last}")),
    })
}

fn broken(scope: &Scope, message: &str) -> CallError {
    let site = CallSite::new("iam", "GetOrganizationsAccessReport", scope.account(), scope.region());
    site.error(ErrorClass::Other, message)
}
