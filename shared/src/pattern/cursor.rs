//! A place in a pattern's text, and how to go on from it.

use super::error::PatternError;

/// The text and the place in it, in bytes, always at the edge of a character.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Regular expressions so far, which are limited for the pattern as a whole.
    pub regexes: usize,
    /// Wildcard selectors so far, likewise.
    pub wildcards: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, regexes: 0, wildcards: 0 }
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.bump();
        }
    }

    /// Steps over a token, if it comes next.
    pub fn accept(&mut self, token: &str) -> bool {
        self.skip_space();
        let there = self.rest().starts_with(token);
        if there {
            self.at += token.len();
        }
        there
    }

    /// Steps over a token, which has to come next.
    pub fn expect(&mut self, token: &str, hint: &'static str) -> Result<(), PatternError> {
        if self.accept(token) {
            Ok(())
        } else {
            Err(self.fail(format!("expected `{token}`, found {}", self.found()), hint))
        }
    }

    /// Steps over a word of letters, whatever their case, if it comes next.
    pub fn keyword(&mut self, word: &str) -> bool {
        self.skip_space();
        let next: &str = self.rest().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let there = next.eq_ignore_ascii_case(word);
        if there {
            self.at += next.len();
        }
        there
    }

    /// Takes characters as long as they belong.
    pub fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Nothing may follow.
    pub fn end(&mut self) -> Result<(), PatternError> {
        self.skip_space();
        if self.rest().is_empty() {
            return Ok(());
        }
        Err(self.fail(
            format!("the pattern ended before {}", self.found()),
            "remove what follows, or join it with && or || inside the braces",
        ))
    }

    /// What comes next, for messages.
    pub fn found(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(_) => format!("`{}`", self.rest().chars().take(12).collect::<String>()),
        }
    }

    /// An error at this place.
    pub fn fail(&self, problem: impl Into<String>, hint: &'static str) -> PatternError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        PatternError { at: before.chars().count() + 1, problem: problem.into(), hint }
    }
}
