//! How a reset ends in the baseline: the one place that knows both.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::Forester;
use crate::baseline::{Baseline, Report};
use crate::config::{DefaultVpc, Enforce};
use crate::reset::catalogue::Unreadable;
use crate::reset::{Baseliner, Declared, Handover, Reserved, Reset};
use crate::types::AccountId;

impl Forester {
    /// Resets that hand accounts to their baseline.
    pub fn reset(&self) -> Result<Reset, Unreadable> {
        Reset::new(self, Arc::new(Baseline::new(self)))
    }
}

#[async_trait]
impl Baseliner for Baseline {
    async fn declared(&self, account: &AccountId) -> Result<Declared, String> {
        let kind = "AWS::IAM::Role".parse().map_err(|error| format!("{error}"))?;
        let mut declared = Declared::default();
        for account in self.accounts_of(account).await.map_err(|error| error.to_string())? {
            let resolved = self.resolve(&account);
            let why = "the baseline declares it (layers in the file)";
            let roles = resolved.wanted.roles.into_iter().flatten();
            let reserve = |(name, _)| Reserved { kind: Clone::clone(&kind), name, why: why.to_owned() };
            declared.reserved.extend(roles.map(reserve));
            let unwanted = resolved.wanted.default_vpc == Some(DefaultVpc::DeleteIfUnused);
            declared.no_default_vpc |= unwanted && resolved.enforce != Enforce::Observe;
        }
        Ok(declared)
    }

    async fn baseline(&self, account: &AccountId) -> Result<Handover, String> {
        let forest = self.forest().await.map_err(|error| error.to_string())?;
        let mut reports = Vec::new();
        for account in self.accounts_of(account).await.map_err(|error| error.to_string())? {
            reports.push(self.bring(account, &forest, Timestamp::now()).await.map_err(|error| error.to_string())?);
        }
        if reports.is_empty() {
            return Err(format!("the organization does not hold account {account} any more"));
        }
        let sum = |count: fn(&Report) -> usize| reports.iter().map(count).sum::<usize>();
        let (done, skipped) = (sum(|report| report.done.len()), sum(|report| report.skipped.len()));
        let failed: Vec<String> = reports.iter().flat_map(Report::complaints).collect();
        let summary = format!("{done} steps done, {skipped} skipped, {} failed", failed.len());
        Ok(Handover { summary, failed })
    }
}
