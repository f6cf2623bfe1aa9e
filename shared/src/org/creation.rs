//! What AWS says when it does not make an account, and what to do about it.

/// The organization is full.
pub(crate) const NO_ROOM: &str = "the organization has as many accounts as it may, or has asked for too many today: ask Service Quotas \
    in us-east-1, as the management account, for a higher number of accounts of AWS Organizations";

/// What to do about a refusal, and whether it may pass by itself
/// (<https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccountStatus.html>).
pub(crate) fn advice(reason: &str) -> (&'static str, bool) {
    match reason {
        "ACCOUNT_LIMIT_EXCEEDED" => (NO_ROOM, false),
        "EMAIL_ALREADY_EXISTS" => (
            "an account outside of the organization, perhaps a closed one, has the address: give the account another",
            false,
        ),
        "INVALID_EMAIL" => ("AWS does not take the e-mail address: correct it in the file", false),
        "INVALID_ADDRESS" => ("AWS does not take the postal address: correct that of the management account", false),
        "CONCURRENT_ACCOUNT_MODIFICATION" => {
            ("nothing to do: another change was on its way; the next run asks again", true)
        }
        "INTERNAL_FAILURE" => {
            ("nothing to do: AWS failed, and the next run asks again; if it stays so, ask AWS Support", true)
        }
        "GOVCLOUD_ACCOUNT_ALREADY_EXISTS" => {
            ("there is an account in GovCloud already: give this one another address", false)
        }
        "PENDING_BUSINESS_VALIDATION" => {
            ("nothing to do: AWS is still validating the business; the next run asks again", true)
        }
        "MISSING_BUSINESS_VALIDATION"
        | "FAILED_BUSINESS_VALIDATION"
        | "UNKNOWN_BUSINESS_VALIDATION"
        | "INVALID_IDENTITY_FOR_BUSINESS_VALIDATION" => (
            "AWS has to validate the business of the management account first: complete that, or ask AWS Support",
            false,
        ),
        "MISSING_PAYMENT_INSTRUMENT" => ("the management account has no payment method: add one", false),
        "INVALID_PAYMENT_INSTRUMENT" => {
            ("the payment method of the management account does not work: replace it", false)
        }
        "UPDATE_EXISTING_RESOURCE_POLICY_WITH_TAGS_NOT_SUPPORTED" => (
            "the organization's resource policy keeps AWS from tagging the account while making it: leave the tags out until it is there",
            false,
        ),
        _ => ("look the reason up in the reference of CreateAccountStatus", false),
    }
}
