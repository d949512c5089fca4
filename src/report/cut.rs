//! What is said of output that was too long for memory: how much there was, and where all of it is.

use oneex_sdk::{Stream, Value};

/// The fields that this is about: [`oneex_sdk::CutOutput::fields`].
const FIELDS: [&str; 5] = ["truncated", "stdout_size", "stdout_file", "stderr_size", "stderr_file"];

/// True for a field that this is about.
pub(crate) fn is_field(name: &str) -> bool {
    FIELDS.contains(&name)
}

/// A sentence for each stream that was too long, by the fields of a result or an error.
pub(crate) fn notes<'a>(field: impl Fn(&str) -> Option<&'a Value>) -> Vec<String> {
    let note = |stream: Stream| {
        let stream = stream.as_str();
        let size = field(&format!("{stream}_size"))?.as_u64()?;
        let place = match field(&format!("{stream}_file")).and_then(Value::as_str) {
            Some(file) => format!("all of it is in `{file}`"),
            None => "what is not shown is lost".to_owned(),
        };
        Some(format!("{stream} is cut: it has {}, and {place}", shown(size)))
    };
    Stream::BOTH.into_iter().filter_map(note).collect()
}

/// A number of bytes as people read it.
fn shown(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB"];
    let fits = units.iter().enumerate().rev().find(|(index, _)| bytes >> (10 * (index + 1)) > 0);
    match fits {
        Some((index, unit)) => format!("{:.1} {unit}", bytes as f64 / f64::from(1_u32 << (10 * (index + 1)))),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{CutOutput, CutStream, Value};

    use super::{is_field, notes, shown};

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (9_000_000, "8.6 MiB"),
            (1 << 30, "1.0 GiB"),
            (5 << 40, "5120.0 GiB"),
        ] {
            assert_eq!(shown(bytes), text);
        }
    }

    #[test]
    fn each_long_stream_is_told_of() {
        let cut = |file: Option<&str>| CutStream { total: 9_000_000, file: file.map(Into::into) };
        let kept = "stdout is cut: it has 8.6 MiB, and all of it is in `/p/1-web.stdout`";
        let lost = "stderr is cut: it has 8.6 MiB, and what is not shown is lost";
        for (stdout, stderr, expected) in [
            (None, None, vec![]),
            (Some(cut(Some("/p/1-web.stdout"))), None, vec![kept]),
            (None, Some(cut(None)), vec![lost]),
            (Some(cut(Some("/p/1-web.stdout"))), Some(cut(None)), vec![kept, lost]),
        ] {
            let fields: Vec<(String, Value)> = CutOutput { stdout, stderr }.fields();
            let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            assert_eq!(notes(field), expected);
            assert!(fields.iter().all(|(name, _)| is_field(name)), "{fields:?}");
        }
    }
}
