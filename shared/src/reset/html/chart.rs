//! Charts as inline SVG: bars with their numbers beside them, so that colour carries nothing, and a text for those who
//! do not see them.

use jiff::Timestamp;

use super::text::{escape, push};
use crate::reset::diary::Moment;

/// The most bars; the rest is one.
const BARS: usize = 20;

/// Where bars begin, and how long the longest is.
const LEFT: u32 = 190;
const LONGEST: u64 = 420;
const ROW: u32 = 24;

/// One bar.
pub struct Bar {
    /// What it is about.
    pub name: String,
    /// How long it is.
    pub value: u64,
    /// Its number, for people.
    pub label: String,
}

/// Horizontal bars, in the order given; what does not fit is counted in the last.
pub fn bars(out: &mut String, id: &str, title: &str, mut all: Vec<Bar>) {
    if all.len() > BARS {
        let rest = all.split_off(BARS - 1);
        let value = rest.iter().map(|bar| bar.value).sum();
        all.push(Bar { name: format!("{} others", rest.len()), value, label: value_of(value) });
    }
    let most = all.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    let height = ROW * u32::try_from(all.len()).unwrap_or(0) + 8;
    let text: Vec<String> = all.iter().map(|bar| format!("{} {}", bar.name, bar.label)).collect();
    open(out, id, title, &text.join(", "), height);
    for (n, bar) in (0_u32..).zip(&all) {
        let (y, width) = (n * ROW + 4, (bar.value * LONGEST / most).max(2));
        let name = escape(&cut(&bar.name));
        push(out, format_args!("<text class=\"name\" x=\"{}\" y=\"{}\">{name}</text>", LEFT - 8, y + 14));
        push(
            out,
            format_args!("<rect class=\"bar\" x=\"{LEFT}\" y=\"{y}\" width=\"{width}\" height=\"18\" rx=\"3\"/>"),
        );
        let (x, label) = (u64::from(LEFT) + width + 8, escape(&bar.label));
        push(out, format_args!("<text x=\"{x}\" y=\"{}\">{label}</text>", y + 14));
    }
    push(out, format_args!("</svg>"));
}

fn value_of(value: u64) -> String {
    value.to_string()
}

/// A stretch of the run a row, along one axis of time; what was only waiting is drawn hollow.
pub fn timeline(out: &mut String, moments: &[Moment], end: Timestamp) {
    let Some(first) = moments.first() else { return };
    let seconds = |from: Timestamp, to: Timestamp| u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0);
    let total = seconds(first.at, end).max(1);
    let shown: Vec<(&Moment, Timestamp)> = moments
        .iter()
        .zip(moments.iter().skip(1).map(|next| next.at).chain([end]))
        .filter(|(moment, until)| moment.at < *until || moment.what != "end")
        .take(BARS * 2)
        .collect();
    let height = ROW * u32::try_from(shown.len()).unwrap_or(0) + 8;
    let text: Vec<String> =
        shown.iter().map(|(moment, until)| format!("{} {}", moment.what, length(seconds(moment.at, *until)))).collect();
    open(out, "timeline", "What the run did when", &text.join(", "), height);
    for (n, (moment, until)) in (0_u32..).zip(shown) {
        let (took, y) = (seconds(moment.at, until), n * ROW + 4);
        let x = u64::from(LEFT) + seconds(first.at, moment.at) * LONGEST / total;
        let width = (took * LONGEST / total).max(2);
        let idle = width * moment.waited.min(took) / took.max(1);
        push(
            out,
            format_args!(
                "<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>",
                LEFT - 8,
                y + 14,
                escape(&cut(&moment.what))
            ),
        );
        push(
            out,
            format_args!(
                "<rect class=\"bar\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"18\" rx=\"3\"/>",
                (width - idle).max(1)
            ),
        );
        if idle > 0 {
            let from = x + width - idle;
            push(
                out,
                format_args!("<rect class=\"idle\" x=\"{from}\" y=\"{y}\" width=\"{idle}\" height=\"18\" rx=\"3\"/>"),
            );
        }
        push(out, format_args!("<text x=\"{}\" y=\"{}\">{}</text>", x + width + 8, y + 14, length(took)));
    }
    push(out, format_args!("</svg>"));
}

fn open(out: &mut String, id: &str, title: &str, text: &str, height: u32) {
    let (title, text) = (escape(title), escape(text));
    push(
        out,
        format_args!(
            "<svg role=\"img\" aria-labelledby=\"{id}-t {id}-d\" viewBox=\"0 0 720 {height}\" width=\"720\" height=\"{height}\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{text}</desc>"
        ),
    );
}

fn cut(name: &str) -> String {
    let short: String = name.chars().take(25).collect();
    if short.len() < name.len() { format!("{short}…") } else { short }
}

/// `2 h 5 min`, for people.
pub fn length(seconds: u64) -> String {
    match (seconds / 86_400, seconds % 86_400 / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, h, _, _) => format!("{d} d {h} h"),
    }
}
