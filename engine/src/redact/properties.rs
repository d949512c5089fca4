//! No secret is ever shown, wherever it stands and however it is written; other text is left alone.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use oneex_sdk::SecretSink;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{MASK, Masker, Redactor};

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
        secret.replace('\'', "''"),
        secret.replace('"', "\"\""),
        secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ]
}

/// A secret of several lines, such as a key or a file.
fn lines() -> impl Strategy<Value = String> {
    vec("[A-Za-z0-9/+=]{1,20}", 2..8)
        .prop_map(|lines| lines.join("\n"))
        .prop_filter("long", |text| text.len() > 12)
}

/// The text in lines of this length, with this between them.
fn wrapped(text: &str, width: usize, between: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(width).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.join(between)
}

fn masked_in_chunks(redactor: &Redactor, text: &str, sizes: &[usize]) -> String {
    let (mut masker, mut out, mut rest) = (Masker::default(), Vec::new(), text.as_bytes());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).min(rest.len()));
        out.extend(masker.feed(redactor, chunk.to_vec()));
        rest = after;
    }
    out.extend(masker.finish(redactor));
    String::from_utf8(out).expect("a text")
}

proptest! {
    /// In a diff, indented, quoted, with other line ends: as one text and in chunks.
    #[test]
    fn a_secret_of_several_lines_is_masked_however_its_lines_are_shown(
        secret in lines(), end in "\r?\n", indent in "[+-]?( {0,12}|\t)|> |\\| |# ", sizes in vec(1_usize..40, 1..9)
    ) {
        let redactor = redactor(std::slice::from_ref(&secret));
        let shown = format!("a file:{end}{indent}{}{end}its end", secret.replace('\n', &format!("{end}{indent}")));
        let masked = redactor.text(&shown);
        prop_assert!(masked.starts_with("a file:") && masked.ends_with("its end"), "{masked}");
        let middle = masked["a file:".len()..masked.len() - "its end".len()].replace(MASK, "");
        let is_frame = |c: char| c.is_whitespace() || "+->|#".contains(c);
        prop_assert!(middle.chars().all(is_frame), "{middle:?} is left of {secret:?} in {shown:?}");
        // Before a line break, a few first letters of a secret are shown at once.
        let in_chunks = masked_in_chunks(&redactor, &shown, &sizes);
        let left = in_chunks["a file:".len()..].replace(MASK, "");
        let left = left.strip_suffix("its end").unwrap_or(&left);
        prop_assert!(left.chars().filter(|c| !is_frame(*c)).count() <= 4, "{left:?} is left of {secret:?} in {shown:?}");
    }

    #[test]
    fn wrapped_base64_and_hexadecimal_digits_are_masked_wherever_their_lines_break(
        secret in "[ -~]{8,60}", before in "[a-z:]{0,80}", after in "[a-z:]{0,20}", width in prop_oneof![Just(76_usize), Just(64), Just(60), 20_usize..100],
        between in prop_oneof![Just("\n"), Just("\r\n"), Just("\n    "), Just("\\n")]
    ) {
        let redactor = redactor(std::slice::from_ref(&secret));
        let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
        let masked = redactor.text(&wrapped(&encoded, width, between));
        let left: String = masked.replace(MASK, "").replace(between, "");
        prop_assert!(left.len() <= (before.len() + after.len()).div_ceil(3) * 4 + 8, "{left} of {encoded}");
        let digits: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let masked = redactor.text(&wrapped(&digits, width, between));
        prop_assert!(masked.starts_with(MASK) && masked.ends_with(MASK), "{masked}");
    }

    /// A limit of some bytes or characters may fall into a secret.
    #[test]
    fn most_of_a_secret_is_masked_where_a_text_is_cut_off(
        secret in "[a-z0-9]{8,40}", before in "[ A-Z]{60,80}", cut in any::<proptest::sample::Index>(), sizes in vec(1_usize..40, 1..9)
    ) {
        let redactor = redactor(std::slice::from_ref(&secret));
        let cut = cut.index(secret.len() + 1);
        let part = &secret[..cut];
        let (ended, told) = (format!("{before}{part}"), format!("{part}… and more"));
        let allowed = (secret.len() * 3 / 4).clamp(6, 24);
        for masked in [redactor.text(&ended), redactor.text(&told), masked_in_chunks(&redactor, &ended, &sizes)] {
            let shown = masked.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit()).count();
            prop_assert!(shown - " and more".len().min(shown) < allowed || !masked.contains(part), "{masked}: {secret}");
            prop_assert_eq!(masked.contains(MASK), cut >= allowed, "{} of {}", masked, secret);
        }
    }

    /// Chunks of whatever size, with secrets that become known in between: what a secret's form begins in after it
    /// was registered is not shown.
    #[test]
    fn chunks_of_encoded_secrets_do_not_give_them_away(
        secret in secret(), late in "[0-9]{6,9}", pick in any::<usize>(), sizes in vec(1_usize..9, 1..9), around in "[ :=]{1,9}"
    ) {
        let redactor = redactor(std::slice::from_ref(&secret));
        let forms = forms(&secret);
        let form = &forms[pick % forms.len()];
        let text = format!("{around}{form}{around}");
        let masked = masked_in_chunks(&redactor, &text, &sizes);
        prop_assert!(!masked.contains(form.as_str()), "{form:?} in {masked:?}");
        let mut masker = Masker::default();
        let mut out = masker.feed(&redactor, format!("{around}{form}{around}").into_bytes());
        redactor.register(&late);
        out.extend(masker.feed(&redactor, format!("{late}{form}").into_bytes()));
        out.extend(masker.finish(&redactor));
        let out = String::from_utf8(out).expect("a text");
        prop_assert!(!out.contains(&late) && !out.contains(form.as_str()), "{out}");
    }

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
