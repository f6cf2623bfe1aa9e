//! The receipt as a table for spreadsheets: a line for each thing that went, stayed, is left, or could not be looked at.
//!
//! Names and tags are written by whoever likes to. Every cell is quoted, and one that a spreadsheet would take for a
//! formula gets an apostrophe in front (<https://owasp.org/www-community/attacks/CSV_Injection>).

use super::cost::service_of;
use super::receipt::Receipt;
use super::verdict::State;

const HEAD: [&str; 9] = ["outcome", "service", "type", "id", "name", "region", "count", "when", "reason"];

/// The whole table.
pub fn table(receipt: &Receipt) -> String {
    let mut out = String::new();
    line(&mut out, &HEAD);
    for went in &receipt.went {
        let outcome = if went.trim { "stripped" } else { "gone" };
        let at = went.at.to_string();
        line(
            &mut out,
            &[outcome, service_of(&went.kind), &went.kind, &went.id, &went.name, &went.region, "1", &at, ""],
        );
    }
    if receipt.unnamed > 0 {
        let count = receipt.unnamed.to_string();
        let reason = "not kept by name: the receipt's JSON counts everything that went by type and region (gone)";
        line(&mut out, &["gone", "", "", "", "", "", &count, "", reason]);
    }
    for left in &receipt.left {
        line(
            &mut out,
            &["left", service_of(&left.kind), &left.kind, &left.id, "", &left.region, "1", "", &left.reason],
        );
    }
    for kept in &receipt.kept {
        line(
            &mut out,
            &["kept", service_of(&kept.kind), &kept.kind, &kept.id, "", &kept.region, "1", "", &kept.reason],
        );
    }
    let unread = receipt.ledger.iter().filter(|line| line.count == 0);
    for unread in unread.filter(|line| matches!(line.state, State::Denied | State::Error)) {
        let service = service_of(&unread.kind);
        line(&mut out, &["not looked at", service, &unread.kind, "", "", &unread.region, "", "", &unread.note]);
    }
    out
}

fn line(out: &mut String, cells: &[&str; 9]) {
    for (n, cell) in cells.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push('"');
        if cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
            || cell.starts_with(['\t', '\r', '\n'])
        {
            out.push('\'');
        }
        out.extend(super::html::visible(cell).chars().flat_map(|c| if c == '"' { vec!['"', '"'] } else { vec![c] }));
        out.push('"');
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cell: &str, expect: &str) {
        let mut out = String::new();
        line(&mut out, &[cell, "", "", "", "", "", "", "", ""]);
        assert_eq!(out, format!("{expect},\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\r\n"));
    }

    #[test]
    fn no_cell_is_a_formula() {
        check("=HYPERLINK(\"https://evil.example\")", "\"'=HYPERLINK(\"\"https://evil.example\"\")\"");
        check(" \u{a0}+1", "\"' \u{a0}+1\"");
        check("-2+3", "\"'-2+3\"");
        check("@SUM(A1)", "\"'@SUM(A1)\"");
        check("＝1", "\"'＝1\"");
    }

    #[test]
    fn no_cell_leaves_its_place() {
        check("a\",\"b", "\"a\"\",\"\"b\"");
        check("a\nb\tc", "\"a\\u{a}b\\u{9}c\"");
        check("plain", "\"plain\"");
    }
}
