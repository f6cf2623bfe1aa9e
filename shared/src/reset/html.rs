//! The receipt as one page that needs nothing else: no script, no font, no picture, and every word of AWS escaped.

use std::fmt::Write;

use super::receipt::Receipt;
use super::verdict::{State, Verdict};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}.verdict{display:inline-block;padding:.1rem .8rem;border-radius:1rem;color:#fff}\
.green{background:#1a7f37}.amber{background:#9a6700}.red{background:#cf222e}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d0d7de;vertical-align:top;overflow-wrap:anywhere}\
td.n{text-align:right}summary{cursor:pointer}code{font-size:.9em}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}}";

/// The whole page.
pub fn page(receipt: &Receipt) -> String {
    let mut out = String::new();
    let verdict = receipt.verdict.unwrap_or(Verdict::Red);
    let account = escape(receipt.account.as_ref());
    push(&mut out, format_args!("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"));
    push(&mut out, format_args!("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"));
    push(
        &mut out,
        format_args!("<title>Reset of {account}: {verdict}</title><style>{STYLE}</style></head><body><main>"),
    );
    push(
        &mut out,
        format_args!("<h1>Reset of account {account} <span class=\"verdict {verdict}\">{verdict}</span></h1>"),
    );
    push(&mut out, format_args!("<p>{}</p>", meaning(verdict)));
    facts(&mut out, receipt);
    left(&mut out, receipt);
    notes(&mut out, receipt);
    ledger(&mut out, receipt);
    kept(&mut out, receipt);
    push(&mut out, format_args!("</main></body></html>"));
    out
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Green => {
            "Every list was read to its end, two scans in a row found nothing to delete, and the baseline is in place."
        }
        Verdict::Amber => {
            "Nothing more could be done, but something could not be looked at or cannot be deleted by anybody. The tables say what."
        }
        Verdict::Red => "Something is left that should not be. The tables say what, and why.",
    }
}

fn facts(out: &mut String, receipt: &Receipt) {
    let finished = receipt.finished.map_or_else(|| "not finished".to_owned(), |at| at.to_string());
    push(out, format_args!("<table><tbody>"));
    let rows = [
        ("Run", receipt.run.clone()),
        ("Started", receipt.started.to_string()),
        ("Finished", finished),
        ("Deleted", receipt.deleted.to_string()),
        ("Left", receipt.left.len().to_string()),
        ("Kept on purpose", receipt.kept.len().to_string()),
        ("AWS calls", receipt.calls.to_string()),
        ("Complete scans", receipt.scans.to_string()),
        ("Plan", receipt.plan.clone().unwrap_or_default()),
        ("Baseline", receipt.baseline.as_ref().map_or("not applied", |said| said.summary.as_str()).to_owned()),
    ];
    for (name, value) in rows {
        push(out, format_args!("<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", escape(&value)));
    }
    push(out, format_args!("</tbody></table>"));
}

fn left(out: &mut String, receipt: &Receipt) {
    if receipt.left.is_empty() {
        return;
    }
    push(out, format_args!("<h2>Left</h2>"));
    let rows = receipt.left.iter().map(|left| [&left.kind, &left.id, &left.region, &left.reason]);
    table(out, ["Type", "Id", "Region", "Why"], rows);
}

fn kept(out: &mut String, receipt: &Receipt) {
    if receipt.kept.is_empty() {
        return;
    }
    push(out, format_args!("<h2>Kept on purpose</h2>"));
    let rows = receipt.kept.iter().map(|kept| [&kept.kind, &kept.id, &kept.region, &kept.reason]);
    table(out, ["Type", "Id", "Region", "Why"], rows);
}

fn table<'r>(out: &mut String, head: [&str; 4], rows: impl Iterator<Item = [&'r String; 4]>) {
    let head: String = head.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    push(out, format_args!("<table><thead><tr>{head}</tr></thead><tbody>"));
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
        push(out, format_args!("<tr>{cells}</tr>"));
    }
    push(out, format_args!("</tbody></table>"));
}

fn notes(out: &mut String, receipt: &Receipt) {
    let failed = receipt.baseline.iter().flat_map(|said| &said.failed).map(|failed| format!("baseline: {failed}"));
    let notes: Vec<String> = receipt.notes.iter().cloned().chain(failed).collect();
    if notes.is_empty() {
        return;
    }
    push(out, format_args!("<h2>Notes</h2><ul>"));
    for note in notes {
        push(out, format_args!("<li>{}</li>", escape(&note)));
    }
    push(out, format_args!("</ul>"));
}

fn ledger(out: &mut String, receipt: &Receipt) {
    let empty = receipt.ledger.iter().filter(|line| line.state == State::Empty).count();
    let total = receipt.ledger.len();
    push(out, format_args!("<h2>Ledger</h2><p>{total} combinations of region and type, {empty} of them empty.</p>"));
    for (open, only_empty, title) in [("<details open>", false, "Not empty"), ("<details>", true, "Empty")] {
        push(out, format_args!("{open}<summary>{title}</summary><table><thead><tr>"));
        push(out, format_args!("<th scope=\"col\">Region</th><th scope=\"col\">Type</th><th scope=\"col\">State</th>"));
        push(out, format_args!("<th scope=\"col\">Count</th><th scope=\"col\">Note</th></tr></thead><tbody>"));
        for line in receipt.ledger.iter().filter(|line| (line.state == State::Empty) == only_empty) {
            let (region, kind, note) = (escape(&line.region), escape(&line.kind), escape(&line.note));
            let (state, count) = (line.state, line.count);
            push(
                out,
                format_args!(
                    "<tr><td>{region}</td><td>{kind}</td><td>{state}</td><td class=\"n\">{count}</td><td>{note}</td></tr>"
                ),
            );
        }
        push(out, format_args!("</tbody></table></details>"));
    }
}

/// Writing to a string cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}
