//! The words of a name: `acmeProd-2` is acme, prod and 2.

/// The words of a text in lower case: parted by what is neither letter nor digit, by a capital after a small letter, and
/// between letters and digits.
pub fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for (n, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            open = false;
            continue;
        }
        let before = n.checked_sub(1).and_then(|n| letters.get(n));
        if !open || before.is_some_and(|before| parts(*before, *letter, letters.get(n + 1))) {
            found.push(String::new());
        }
        open = true;
        if let Some(word) = found.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    found
}

/// Whether a word ends before `letter`: `prodA`, `prod2`, `2prod`, and the P of `ACMEProd`.
fn parts(before: char, letter: char, next: Option<&char>) -> bool {
    let humps = letter.is_uppercase() && (before.is_lowercase() || next.is_some_and(|next| next.is_lowercase()));
    before.is_numeric() != letter.is_numeric() || humps
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn names_fall_into_words() {
        for (text, expect) in [
            ("acme-prod", "acme prod"),
            ("acmeProd", "acme prod"),
            ("ACMEProd2", "acme prod 2"),
            ("PROD_01", "prod 01"),
            ("prod1a", "prod 1 a"),
            ("Products", "products"),
            ("live.acme.example", "live acme example"),
            ("  ", ""),
        ] {
            assert_eq!(words(text).join(" "), expect, "{text}");
        }
    }
}
