//! No secret is ever shown, wherever it stands and however it is written; other text is left alone.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use oneex_sdk::SecretSink;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{MASK, Redactor};

fn redactor(secrets: &[String]) -> Redactor {
    let redactor = Redactor::default();
    redactor.register_all(secrets);
    redactor
}

/// Texts over few letters, so that they overlap and begin with one another, and texts of anything.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{3,6}", "[a-z]{3,12}", "[ -~]{4,24}", "[ab/'\"\\\\$ \\n=ü]{4,10}", "\\PC{4,12}"]
        .prop_filter("long enough, and not the mask", |text| text.trim().len() >= 4 && !text.contains('•'))
}

/// The forms in which programs print a text.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).expect("a string");
    vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        oneex_sdk::quote(secret),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        format!("{secret:?}"),
        secret.replace('\'', "'\\''"),
    ]
}

proptest! {
    #[test]
    fn secrets_are_masked_wherever_they_stand(
        secrets in vec(secret(), 1..5), around in vec("[ab \\n{}:,]{0,5}", 1..8), picks in vec(any::<(usize, usize)>(), 8)
    ) {
        let redactor = redactor(&secrets);
        let mut text = String::new();
        let mut placed = Vec::new();
        for (around, (which, form)) in around.iter().zip(picks) {
            let forms = forms(&secrets[which % secrets.len()]);
            let form = forms[form % forms.len()].clone();
            text += around;
            text += &form;
            placed.push(form);
        }
        let masked = redactor.text(&text);
        for hidden in placed.iter().chain(&secrets) {
            prop_assert!(!masked.contains(hidden.as_str()), "{hidden:?} is shown in {masked:?}, from {text:?}");
        }
        prop_assert!(!redactor.is_tainted(&masked));
        prop_assert_eq!(redactor.text(&masked), masked);
    }

    /// `ab` and `bc` in `abc`: nothing of either is left.
    #[test]
    fn overlapping_secrets_leave_nothing(
        text in "[a-e]{8,16}", cuts in vec((0_usize..16, 4_usize..10), 1..5), before in "[0-9]{0,4}", after in "[0-9]{0,4}"
    ) {
        let spans: Vec<(usize, usize)> =
            cuts.iter().map(|(at, length)| (at % (text.len() - 3), *length)).map(|(at, length)| (at, (at + length).min(text.len()))).collect();
        let secrets: Vec<String> = spans.iter().map(|(from, to)| text[*from..*to].to_owned()).collect();
        let masked = redactor(&secrets).text(&format!("{before}{text}{after}"));
        let letters = masked.chars().filter(char::is_ascii_alphabetic).count();
        let covered = (0..text.len()).filter(|at| spans.iter().any(|(from, to)| (*from..*to).contains(at))).count();
        prop_assert!(letters <= text.len() - covered, "{masked}: {secrets:?} in {text}");
        prop_assert!(masked.starts_with(&before) && masked.ends_with(&after), "{masked}");
    }

    #[test]
    fn base64_of_a_text_that_holds_a_secret_does_not_give_it_away(
        secret in secret(), before in vec(any::<u8>(), 0..9), after in vec(any::<u8>(), 0..9)
    ) {
        let redactor = redactor(std::slice::from_ref(&secret));
        let whole = [before.as_slice(), secret.as_bytes(), &after].concat();
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&whole);
            let masked = redactor.text(&encoded);
            prop_assert!(masked.contains(MASK), "{secret:?} can be read from {masked}");
            // What is left at both ends is too little to tell more than the bytes at its edges.
            let left = masked.replace(MASK, "").len();
            let beside = (before.len() + after.len()).div_ceil(3) * 4 + 8;
            prop_assert!(left <= beside, "{masked} of {encoded}");
        }
    }

    #[test]
    fn text_without_a_secret_is_left_as_it_is(secrets in vec("[x-z]{3,9}", 1..5), text in "[^x-zX-Z]*") {
        let redactor = redactor(&secrets);
        // Base64 of the secrets could be anything; it is not what this is about.
        prop_assume!(!redactor.is_tainted(&text));
        prop_assert_eq!(redactor.text(&text), text);
    }

    #[test]
    fn what_was_registered_twice_or_in_any_order_is_masked_alike(mut secrets in vec(secret(), 2..5), text in "[ab ]{0,20}") {
        let one = redactor(&secrets);
        secrets.reverse();
        let other = Redactor::default();
        for secret in secrets.iter().chain(&secrets) {
            other.register(secret);
        }
        let text = format!("{text}{}{text}", secrets.concat());
        prop_assert_eq!(one.text(&text), other.text(&text));
    }
}
