//! The end of a run: what it cost, the receipt in its three forms, and the letter to the owner.
//!
//! The receipt is written, then the owner is told where it is, then it is written once more, because it also says whether
//! the owner was told. Only then the head says that it is over: a slice that dies before does all of it again, and the
//! letter of a run is the same letter, so its receiver drops the second. None of this changes the verdict.

use jiff::Timestamp;

use super::book::Opened;
use super::cost::{Asked, spend};
use super::diary::Told;
use super::letter::outcome;
use super::receipt::Receipt;
use super::slice::{Order, Reset, SliceError};
use super::state::Run;
use crate::config::{Costs, Sandbox};
use crate::store::StoreError;

/// Where a receipt is.
struct Places {
    json: String,
    html: String,
}

impl Reset {
    /// Writes the receipt, tells the owner, then says in the head that it is over.
    pub(super) async fn conclude(
        &self,
        sandbox: &Sandbox,
        order: &Order,
        opened: &mut Opened,
    ) -> Result<(), SliceError> {
        if let Some(left) = self.thaw(&opened.run.account).await? {
            super::freeze::note(&mut opened.run.notes, &left);
        }
        self.count(sandbox, &mut opened.run).await?;
        if opened.run.recreation.is_some() {
            self.all_done(&opened.run.account).await?;
        }
        let now = (self.clock)();
        self.complete(sandbox, &mut opened.run, now).await?;
        let places = self.write(&opened.run).await?;
        if !matches!(opened.run.diary.told, Some(Told::Delivered | Told::Nobody)) {
            opened.run.diary.told = Some(self.tell(&opened.run, &places).await);
        }
        self.write(&opened.run).await?;
        opened.head.verdict = opened.run.verdict();
        (opened.head.receipt, opened.head.html) = (Some(places.json), Some(places.html));
        Ok(self.book().save(opened, &order.slice, (self.clock)()).await?)
    }

    /// Looks up what the receipt tells besides the run's own facts.
    async fn complete(&self, sandbox: &Sandbox, run: &mut Run, now: Timestamp) -> Result<(), StoreError> {
        run.mark(now);
        if run.diary.spend.is_none() {
            run.diary.spend = Some(self.spent(sandbox, run).await);
        }
        let snoozes = self.book().snoozes_before(&run.account, &run.id).await?;
        run.diary.snoozes = snoozes.row.into_iter().filter(|snoozed| snoozed.when <= run.started).collect();
        Ok(())
    }

    async fn spent(&self, sandbox: &Sandbox, run: &Run) -> Asked {
        match sandbox.costs {
            Costs::None => Asked::Off,
            Costs::CostExplorer => {
                let spent = spend(&*self.accounts, &self.config.home_region, &run.account, run.started).await;
                spent.map_or_else(|why| Asked::Unknown(why.to_string()), Asked::Known)
            }
        }
    }

    async fn write(&self, run: &Run) -> Result<Places, StoreError> {
        let receipt = Receipt::of(run);
        let name = |form: &str| format!("resets/{}/{}/receipt.{form}", run.account, run.id);
        let put =
            |name: String, body: String, form| async move { self.objects.put(&name, body.as_bytes(), form).await };
        let json = put(name("json"), receipt.json().to_string(), "application/json").await?;
        put(name("csv"), super::csv::table(&receipt), "text/csv; charset=utf-8").await?;
        let html = put(name("html"), super::html::page(&receipt), "text/html; charset=utf-8").await?;
        Ok(Places { json, html })
    }

    /// Whoever owns the account hears how it ended. That nobody could be told is told, and is not the run's failure.
    async fn tell(&self, run: &Run, places: &Places) -> Told {
        // The name is for people; an organization that does not answer holds nothing up.
        let account = self.directory.account(&run.account).await.ok().flatten();
        let name = account.as_ref().map(|account| account.name.as_str());
        let letter = outcome(&Receipt::of(run), name, Some(places.html.clone()));
        match self.people.tell(&letter).await {
            Ok(true) => Told::Delivered,
            Ok(false) => Told::Nobody,
            Err(why) => {
                tracing::warn!(account.id = %run.account, "nobody could be told how run {} ended: {why}", run.id);
                Told::Failed(why)
            }
        }
    }
}

#[cfg(test)]
#[path = "ending_tests.rs"]
mod tests;
