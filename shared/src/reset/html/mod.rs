//! Pages that need nothing else: no script, no font, no picture from anywhere, and every word of AWS escaped. A policy
//! in the page itself keeps browsers from loading anything, whatever got into it.

mod chart;
mod plan;
mod receipt;
mod text;

pub use plan::plan_page;
pub use receipt::page;
pub use text::visible;

use text::{escape, push};

const STYLE: &str = ":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--rule:#d0d7de;--soft:#57606a;--bar:#0969da}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--rule:#30363d;--soft:#9198a1;--bar:#4493f8}}\
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:var(--ink);background:var(--paper)}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}.verdict{display:inline-block;padding:.1rem .8rem;border-radius:1rem;color:#fff}\
.green{background:#1a7f37}.amber{background:#9a6700}.red{background:#cf222e}.wide{overflow-x:auto}\
table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--soft)}\
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--rule);vertical-align:top;overflow-wrap:anywhere}\
.n{text-align:right;white-space:nowrap}summary{cursor:pointer}svg{max-width:100%;height:auto;font:13px system-ui,sans-serif;fill:var(--ink)}\
svg .name{text-anchor:end}svg .bar{fill:var(--bar)}svg .idle{fill:none;stroke:var(--bar)}a:focus,summary:focus{outline:2px solid var(--bar)}\
@media print{details>*{display:revert}}";

/// A page from its parts; `title` and `head` are escaped already where they quote others.
fn frame(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"referrer\" content=\"no-referrer\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{head}</h1>{body}</main></body></html>"
    )
}

/// A table; the cells are escaped here.
fn table<const N: usize>(out: &mut String, caption: &str, head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let head: String = head.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let caption = escape(caption);
    push(
        out,
        format_args!("<div class=\"wide\"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>"),
    );
    for row in rows {
        let cells: String = row.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
        push(out, format_args!("<tr>{cells}</tr>"));
    }
    push(out, format_args!("</tbody></table></div>"));
}

/// A list of sentences.
fn list(out: &mut String, sentences: impl Iterator<Item = String>) {
    push(out, format_args!("<ul>"));
    for sentence in sentences {
        push(out, format_args!("<li>{}</li>", escape(&sentence)));
    }
    push(out, format_args!("</ul>"));
}

/// A heading, and what is below it, folded away.
fn folded(out: &mut String, summary: &str, open: bool, inside: impl FnOnce(&mut String)) {
    let open = if open { " open" } else { "" };
    push(out, format_args!("<details{open}><summary>{}</summary>", escape(summary)));
    inside(out);
    push(out, format_args!("</details>"));
}

#[cfg(test)]
mod tests;
