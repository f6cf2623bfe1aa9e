//! What a scheduled reset will take, as a page: the whole list behind a notice.

use std::collections::BTreeMap;

use super::chart::{Bar, bars};
use super::text::{escape, push};
use super::{folded, frame, list, table};
use crate::reset::cost::service_of;
use crate::reset::letter::Announced;
use crate::reset::plan::{PlanReport, Planned};

/// The whole page.
pub fn plan_page(announced: &Announced<'_>, plan: &PlanReport) -> String {
    let account = escape(&format!("{} ({})", announced.account.name, announced.account.id));
    let when = escape(&announced.when());
    let mut body = String::new();
    push(
        &mut body,
        format_args!(
            "<p>The list is as of {}; the reset looks again. Plan <code>{}</code>.</p>",
            announced.now,
            escape(&plan.hash)
        ),
    );
    let advice = announced.spare().map(|how| format!("To keep something, {how}."));
    list(&mut body, advice.into_iter().chain(announced.put_off().map(|how| format!("To put the reset off: {how}."))));
    goes(&mut body, plan);
    if !plan.keep.is_empty() {
        push(&mut body, format_args!("<h2>What stays</h2>"));
        let rows = plan.keep.iter().map(|kept| [&kept.kind, &kept.id, &kept.region, &kept.reason].map(Clone::clone));
        table(&mut body, "Each with the rule or the reason", ["Type", "Id", "Region", "Why"], rows);
    }
    if !plan.unknown.is_empty() {
        push(&mut body, format_args!("<h2>What cannot be decided</h2>"));
        let rows = plan.unknown.iter().map(|line| [&line.kind, &line.id, &line.region, &line.reason].map(Clone::clone));
        table(&mut body, "It is not deleted, and the reset will not be green", ["Type", "Id", "Region", "Why"], rows);
    }
    if !plan.unseen.is_empty() {
        push(&mut body, format_args!("<h2>What could not be listed</h2>"));
        let rows = plan
            .unseen
            .iter()
            .map(|line| [line.kind.clone(), line.region.clone(), line.state.to_string(), line.reason.clone()]);
        table(&mut body, "There may be more than this page says", ["Type", "Region", "State", "Why"], rows);
    }
    let head = format!("{account} will be emptied on {when}");
    frame(&head, &head, &body)
}

fn goes(out: &mut String, plan: &PlanReport) {
    push(out, format_args!("<h2>What will go: {}</h2>", plan.delete.len()));
    let mut services: BTreeMap<&str, Vec<&Planned>> = BTreeMap::new();
    for planned in &plan.delete {
        services.entry(service_of(&planned.kind)).or_default().push(planned);
    }
    let mut chart: Vec<(&str, usize)> = services.iter().map(|(service, all)| (*service, all.len())).collect();
    chart.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let bar = |(name, count): (&str, usize)| Bar {
        name: name.to_owned(),
        value: u64::try_from(count).unwrap_or(u64::MAX),
        label: count.to_string(),
    };
    bars(out, "services", "What will go, by service", chart.into_iter().map(bar).collect());
    for (service, all) in services {
        folded(out, &format!("{service} ({})", all.len()), all.len() <= 20, |out| {
            let rows = all.iter().map(|planned| {
                let name = if planned.name == planned.id { String::new() } else { planned.name.clone() };
                let name = if planned.trim { format!("{name} (stripped to bare)") } else { name };
                [planned.kind.clone(), planned.id.clone(), name, planned.region.clone()]
            });
            table(out, "One by one", ["Type", "Id", "Name", "Region"], rows);
        });
    }
}
