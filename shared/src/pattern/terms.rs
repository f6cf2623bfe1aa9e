//! Words anywhere in a text: `ERROR`, `ERROR -debug`, `?timeout ?refused`, `"access denied"`, `%[45]\d\d%`.
//!
//! Words are found inside longer ones, case and all. As soon as there is a word without `?`, those with it have no
//! effect (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-unstructured-log-events.html>).

use super::cursor::Cursor;
use super::error::PatternError;
use super::regex::Regex;

/// What must, may and must not be there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Terms {
    needed: Vec<Term>,
    optional: Vec<Term>,
    excluded: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Words(String),
    Regex(Regex),
}

impl Terms {
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, PatternError> {
        let mut terms = Self::default();
        cursor.skip_space();
        while let Some(first) = cursor.peek() {
            let list = match first {
                '?' => &mut terms.optional,
                '-' => &mut terms.excluded,
                _ => &mut terms.needed,
            };
            if matches!(first, '?' | '-') {
                cursor.bump();
            }
            list.push(term(cursor)?);
            cursor.skip_space();
        }
        Ok(terms)
    }

    pub fn holds(&self, message: &str) -> bool {
        if self.excluded.iter().any(|term| term.is_in(message)) {
            return false;
        }
        let only_optional = self.needed.is_empty() && self.excluded.is_empty() && !self.optional.is_empty();
        match only_optional {
            true => self.optional.iter().any(|term| term.is_in(message)),
            false => self.needed.iter().all(|term| term.is_in(message)),
        }
    }
}

impl Term {
    /// A phrase of nothing but spaces is the documented way to say everything.
    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Words(words) => words.trim().is_empty() || message.contains(words.as_str()),
            Self::Regex(regex) => regex.matches(message),
        }
    }
}

fn term(cursor: &mut Cursor<'_>) -> Result<Term, PatternError> {
    match cursor.peek() {
        Some('%') => Regex::parse(cursor).map(Term::Regex),
        Some('"') => phrase(cursor).map(Term::Words),
        _ => {
            let word = cursor.take(|c| c.is_ascii_alphanumeric() || c == '_');
            if word.is_empty() || cursor.peek().is_some_and(|c| !c.is_whitespace()) {
                return Err(cursor.fail(
                    format!("expected a word, found {}", cursor.found()),
                    "a word with more than letters, digits and _ goes in double quotation marks",
                ));
            }
            Ok(Term::Words(word.to_owned()))
        }
    }
}

fn phrase(cursor: &mut Cursor<'_>) -> Result<String, PatternError> {
    let start = cursor.clone();
    cursor.bump();
    let mut phrase = String::new();
    loop {
        match cursor.bump() {
            Some('"') => return Ok(phrase),
            Some('\\') => phrase.extend(cursor.bump()),
            Some(c) => phrase.push(c),
            None => return Err(start.fail("a phrase in quotes is not closed", "close it with a double quotation mark")),
        }
    }
}
