//! Regular expressions between `%`, in the part of the language that AWS takes.
//!
//! No parentheses, no characters beyond ASCII, few symbols
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html>). What AWS takes is matched by an
//! engine without backtracking, whose work grows with the event and not with the pattern's tricks.

use std::fmt;

use regex_lite::RegexBuilder;

use super::cursor::Cursor;
use super::error::PatternError;

/// The most regular expressions in one pattern.
const LIMIT: usize = 2;
/// The most memory of a compiled one: thousands of states, and few enough to run through a whole event.
const SIZE: usize = 64 * 1024;

/// One that was compiled.
#[derive(Clone, Debug)]
pub(crate) struct Regex {
    text: String,
    compiled: regex_lite::Regex,
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}%", self.text)
    }
}

impl Regex {
    /// Reads one from its `%` to the next.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        cursor.regexes += 1;
        if cursor.regexes > LIMIT {
            return Err(cursor.fail(
                format!("more than {LIMIT} regular expressions in one pattern"),
                "use wildcards, or split the pattern into several filters",
            ));
        }
        let start = cursor.clone();
        cursor.bump();
        let mut compilable = String::new();
        let mut in_class = false;
        let text = cursor.rest();
        while let Some(c) = cursor.peek().filter(|c| *c != '%') {
            check(cursor, c)?;
            cursor.bump();
            match c {
                '\\' => escape(cursor, &mut compilable)?,
                '{' if !in_class && cursor.peek() == Some(',') => compilable.push_str("{0"),
                c => {
                    in_class = (in_class || c == '[') && c != ']';
                    compilable.push(c);
                }
            }
        }
        let written = text.get(..text.len() - cursor.rest().len()).unwrap_or_default().to_owned();
        if cursor.bump().is_none() {
            return Err(start.fail("a regular expression is not closed", "close it with %"));
        }
        if written.is_empty() {
            return Err(start.fail("an empty regular expression", "write what to look for between the two %"));
        }
        let compiled = RegexBuilder::new(&compilable).size_limit(SIZE).dot_matches_new_line(true).build();
        let compiled = compiled
            .map_err(|error| start.fail(format!("the regular expression is not one: {error}"), "correct it"))?;
        Ok(Self { text: written, compiled })
    }

    pub fn matches(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }
}

fn check(cursor: &Cursor<'_>, c: char) -> Result<(), PatternError> {
    match c {
        _ if c.is_ascii_alphanumeric() || " :_#=@/;,-^$?[]{}|\\*+.".contains(c) => Ok(()),
        '(' | ')' => Err(cursor.fail(
            "AWS's regular expressions have no parentheses",
            "write the alternatives out, or \\x28 and \\x29 for the characters themselves",
        )),
        _ if !c.is_ascii() => {
            Err(cursor.fail(format!("`{c}` is not ASCII"), "AWS's regular expressions take ASCII only; use `.`"))
        }
        _ => Err(cursor
            .fail(format!("AWS's regular expressions do not take `{c}`"), "write it as \\xhh, two hexadecimal digits")),
    }
}

/// After a backslash: a class, a character by its number, or an operator meant literally.
fn escape(cursor: &mut Cursor<'_>, compilable: &mut String) -> Result<(), PatternError> {
    let hint = "AWS takes \\d \\D \\s \\S \\w \\W, \\xhh, and a backslash before an operator";
    match cursor.peek() {
        Some(c @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => compilable.extend(['\\', c]),
        Some('x') => {
            let digits: String = cursor.rest().chars().skip(1).take(2).collect();
            let Ok(code) = u8::from_str_radix(&digits, 16) else {
                return Err(cursor.fail("`\\x` without two digits", hint));
            };
            if !code.is_ascii() || digits.len() != 2 {
                return Err(cursor.fail(format!("`\\x{digits}` is not an ASCII character"), hint));
            }
            compilable.push_str(&format!("\\x{{{code:02X}}}"));
            cursor.bump();
            cursor.bump();
        }
        Some(c) if c.is_ascii_punctuation() && c != '%' => compilable.extend(['\\', c]),
        _ => return Err(cursor.fail(format!("a backslash before {}", cursor.found()), hint)),
    }
    cursor.bump();
    Ok(())
}
