//! Text from outside, which can only become literal text.
//!
//! Budget names, user agents, error messages, tags and session names are written by whoever likes to; legal budget
//! names contain `<!channel>` and right-to-left overrides. A `Text` is cleaned once, on the way in, and every channel
//! shows it as a literal: nobody interprets it as markup.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Cleaned text: no control, bidirectional or invisible characters, and no more than so many characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Text(String);

/// The most characters of a line.
const LINE: usize = 300;
/// The most characters of a block.
const BLOCK: usize = 8_000;

impl Text {
    /// One line: line breaks and tabs become spaces.
    pub fn line(raw: &str) -> Self {
        let spaced: String = raw.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
        Self(clean(&spaced, LINE))
    }

    /// Several lines, as a message arrived.
    pub fn block(raw: &str) -> Self {
        Self(clean(raw, BLOCK))
    }

    /// The cleaned text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How long it is in UTF-16 code units: as long as any vendor counts it, in characters or in code units.
    pub fn units(&self) -> usize {
        self.0.chars().map(char::len_utf16).sum()
    }

    /// The text in no more than `limit` code units; where it is cut, it ends in an ellipsis.
    pub fn clip(&self, limit: usize) -> Self {
        if self.units() <= limit {
            return self.clone();
        }
        let mut room = limit.saturating_sub(1);
        let fits = |c: &char| room.checked_sub(c.len_utf16()).map(|left| room = left).is_some();
        let kept: String = self.0.chars().take_while(fits).collect();
        Self(if limit == 0 { String::new() } else { format!("{}…", kept.trim_end()) })
    }

    /// The cleaned text in no more than `limit` characters of printable ASCII: what mail subjects can carry.
    pub fn ascii(&self, limit: usize) -> String {
        let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        self.0.chars().map(printable).take(limit).collect()
    }
}

impl From<String> for Text {
    fn from(raw: String) -> Self {
        Self::block(&raw)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn clean(raw: &str, limit: usize) -> String {
    let mut kept = raw.chars().filter(|c| !hidden(*c));
    let mut text: String = kept.by_ref().take(limit).collect();
    if kept.next().is_some() {
        text.push('…');
    }
    text.trim().trim_end_matches("……").to_owned()
}

/// C0 and C1 controls, bidirectional controls, zero-width characters, tags and other characters that show nothing but
/// change what is seen.
fn hidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{9}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The text as HTML that shows it, in elements and in attributes.
pub(in crate::alert) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expect: &str) {
        assert_eq!(Text::line(raw).as_str(), expect);
    }

    #[test]
    fn what_hides_is_gone() {
        check("a\u{202e}gnp.exe", "agnp.exe");
        check("a\u{200b}b\u{feff}c\u{7f}\u{85}", "abc");
        check("x\r\nX-Injected: 1", "x  X-Injected: 1");
    }

    #[test]
    fn markup_stays_what_it_is() {
        check("<!channel> *x* `y`", "<!channel> *x* `y`");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let text = Text::line(&"x".repeat(1_000));
        assert_eq!((text.as_str().chars().count(), text.as_str().ends_with('…')), (LINE + 1, true));
    }

    #[test]
    fn subjects_are_printable_ascii() {
        assert_eq!(Text::line("¥8,000 – ok\n").ascii(6), "?8,000");
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(raw in "\\PC{0,400}|.{0,400}") {
            let once = Text::line(&raw);
            let again: Text = serde_json::from_value(serde_json::to_value(&once).unwrap()).unwrap();
            prop_assert_eq!(once, again);
        }
    }
}
