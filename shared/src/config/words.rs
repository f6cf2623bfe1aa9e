//! A deserializer's words turned into a person's: what was found, what was expected, what was probably meant.

/// The field that a "missing field" message is about.
pub(super) fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

/// Rewrites `message`; `raw` is the scalar's text where it stands without quotes.
pub(super) fn explain(message: &str, raw: Option<&str>) -> String {
    if let Some(field) = missing_field(message) {
        return format!("`{field}` is missing");
    }
    if let Some(rest) = message.strip_prefix("unknown field `") {
        return unknown("key", rest);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        return unknown("word", rest);
    }
    let unfit = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    match (unfit, raw) {
        (Some(rest), raw) => mismatch(rest, raw),
        (None, _) => message.to_owned(),
    }
}

fn unknown(kind: &str, rest: &str) -> String {
    let (found, rest) = rest.split_once('`').unwrap_or((rest, ""));
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    if known.is_empty() {
        return format!("there is no {kind} `{found}` here; nothing is expected");
    }
    let hint = nearest(found, &known).map_or(".".to_owned(), |word| format!("; did you mean `{word}`?"));
    let expected = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    format!("there is no {kind} `{found}` here{hint} Expected one of {expected}")
}

/// The known word that was probably meant.
pub(super) fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let meant = known.iter().map(|word| (distance(found, word), *word)).min();
    meant.filter(|(steps, _)| *steps <= 1 + found.len() / 4).map(|(_, word)| word)
}

/// "integer `5`, expected a string" and its like.
fn mismatch(rest: &str, raw: Option<&str>) -> String {
    let (found, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, "something else"));
    let expected = plainly(expected);
    match raw {
        Some(raw) if expected == "a string" && !raw.is_empty() => {
            format!("`{raw}` without quotes is read as {}; expected a string: write \"{raw}\"", plainly(found))
        }
        _ => format!("found {}; expected {expected}", plainly(found)),
    }
}

fn plainly(words: &str) -> String {
    let word = words.split(' ').next().unwrap_or_default();
    match word {
        "null" | "unit" | "Option" => "nothing".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" | "struct" => "a mapping".to_owned(),
        "integer" | "floating" => words.split('`').nth(1).map_or("a number".to_owned(), |n| format!("the number {n}")),
        "boolean" => words.split('`').nth(1).map_or("a boolean".to_owned(), |b| format!("the boolean {b}")),
        "string" => words.replacen("string ", "the text ", 1),
        _ => match words {
            "a sequence" => "a list".to_owned(),
            "a map" => "a mapping".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
            "f64" => "a number".to_owned(),
            _ => words.to_owned(),
        },
    }
}

/// The number of letters to change, add or drop to get from one word to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (n, a) in from.chars().enumerate() {
        let mut left = n + 1;
        let mut next = vec![left];
        for (b, pair) in to.chars().zip(row.windows(2)) {
            let (diagonal, above) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
            left = (diagonal + usize::from(a != b)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, raw: Option<&str>, expect: &str) {
        assert_eq!(explain(message, raw), expect);
    }

    #[test]
    fn near_names_are_suggested() {
        check(
            "unknown field `passwrd_policy`, expected one of `alias`, `password_policy`",
            None,
            "there is no key `passwrd_policy` here; did you mean `password_policy`? Expected one of `alias`, `password_policy`",
        );
        check("unknown variant `x`, expected `strict`", None, "there is no word `x` here. Expected one of `strict`");
    }

    #[test]
    fn numbers_in_the_place_of_strings_are_shown_as_written() {
        check(
            "invalid type: integer `12345678901`, expected a string",
            Some("012345678901"),
            "`012345678901` without quotes is read as the number 12345678901; expected a string: write \"012345678901\"",
        );
    }

    #[test]
    fn types_are_named_in_plain_words() {
        check("invalid type: map, expected a sequence", None, "found a mapping; expected a list");
        check(
            "invalid type: string \"yes\", expected a boolean",
            Some("yes"),
            "found the text \"yes\"; expected true or false",
        );
        let negative = "found the number -5; expected a whole number, 0 or more";
        check("invalid value: integer `-5`, expected u64", Some("-5"), negative);
        check("invalid type: null, expected struct Regions", Some(""), "found nothing; expected a mapping");
    }

    #[test]
    fn distance_counts_changed_letters() {
        assert_eq!((distance("roles", "roles"), distance("role", "roles"), distance("kitten", "sitting")), (0, 1, 3));
    }
}
