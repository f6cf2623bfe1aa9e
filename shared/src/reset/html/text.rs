//! Text of others on our pages: escaped, and what hides is shown.

use std::fmt::{Arguments, Write};

/// Writing to a string cannot fail.
pub fn push(out: &mut String, text: Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Text that a page shows as it is.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in visible(text).chars() {
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

/// Controls, and characters that turn or hide what is around them, by their number: a name must not look like another.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) { push(&mut shown, format_args!("\\u{{{:x}}}", u32::from(c))) } else { shown.push(c) }
    }
    shown
}

fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_and_nothing_hides() {
        assert_eq!(escape("<img src=x onerror='a()'>&\""), "&lt;img src=x onerror=&#39;a()&#39;&gt;&amp;&quot;");
        assert_eq!(escape("a\u{202e}gnp.exe\u{0}"), "a\\u{202e}gnp.exe\\u{0}");
        assert_eq!(escape("日本 é"), "日本 é");
    }
}
