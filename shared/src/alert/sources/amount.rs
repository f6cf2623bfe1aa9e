//! Amounts as AWS prints them: `$12,345.67`, `812.4 GB-Month`, `61.2%`. The print is kept; a number that cannot be
//! read is no error.

use rust_decimal::Decimal;

/// An amount, as printed and as understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub raw: String,
    pub value: Option<Decimal>,
    pub unit: Option<String>,
}

impl Amount {
    pub fn read(raw: &str) -> Self {
        let raw = raw.trim();
        let of_number = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
        let start = raw.find(|c: char| c.is_ascii_digit()).unwrap_or(raw.len());
        let (before, rest) = raw.split_at(start);
        let (number, after) = rest.split_at(rest.find(|c| !of_number(c)).unwrap_or(rest.len()));
        let value: Option<Decimal> = plain(number).and_then(|digits| digits.parse().ok());
        let negative = before.contains('-') || before.contains('(');
        let unit = |text: &str| text.trim().trim_matches(['-', '(', ')']).trim().to_owned();
        let unit = [unit(before), unit(after)].into_iter().find(|unit| !unit.is_empty());
        let unit = unit.map(|unit| if unit == "$" { "USD".to_owned() } else { unit });
        Self { raw: raw.to_owned(), value: value.map(|value| if negative { -value } else { value }), unit }
    }

    /// The same for every print of the same amount (`$80`, `$80.00`).
    pub fn canonical(&self) -> String {
        let number = |value: Decimal| format!("{} {}", value.normalize(), self.unit.as_deref().unwrap_or_default());
        self.value.map_or_else(|| self.raw.clone(), number)
    }

    /// This amount in percent of `whole`, where both are numbers of one unit and the whole is not zero.
    pub fn percent_of(&self, whole: &Self) -> Option<Decimal> {
        let (part, all) = (self.value?, whole.value?);
        if self.unit != whole.unit {
            return None;
        }
        part.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(all).map(|percent| percent.round_dp(1).normalize())
    }
}

/// The digits without thousands separators, if the commas stand where such separators stand.
fn plain(number: &str) -> Option<String> {
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let grouped = groups.all(|group| group.len() == 3);
    let fits = grouped && !first.is_empty() && fraction.is_none_or(|digits| !digits.contains([',', '.']));
    fits.then(|| number.replace(',', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, value: Option<&str>, unit: Option<&str>) {
        let amount = Amount::read(raw);
        assert_eq!((amount.value.map(|v| v.to_string()).as_deref(), amount.unit.as_deref()), (value, unit), "{raw}");
        assert_eq!(amount.raw, raw);
    }

    #[test]
    fn amounts_are_read_as_printed() {
        check("$12,345.67", Some("12345.67"), Some("USD"));
        check("$0.5", Some("0.5"), Some("USD"));
        check("¥8,000.00", Some("8000.00"), Some("¥"));
        check("812.4 GB-Month", Some("812.4"), Some("GB-Month"));
        check("61.2%", Some("61.2"), Some("%"));
        check("-$3.10", Some("-3.10"), Some("USD"));
    }

    #[test]
    fn what_is_no_amount_keeps_its_text() {
        check("1.234,56 EUR", None, Some("EUR"));
        check("n/a", None, Some("n/a"));
        check("", None, None);
        check("$99999999999999999999999999999999999999", None, Some("USD"));
    }

    #[test]
    fn percent_of_nothing_is_nothing() {
        let percent = |part, whole| Amount::read(part).percent_of(&Amount::read(whole)).map(|p| p.to_string());
        assert_eq!(percent("$24.00", "$30.00").as_deref(), Some("80"));
        assert_eq!(percent("$1.00", "$0.00"), None);
        assert_eq!(percent("$1.00", "10 GB"), None);
    }
}
