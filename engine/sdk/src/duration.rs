//! Durations and sizes as people write them.

use std::borrow::Cow;
use std::time::Duration as StdDuration;

/// A duration in options: a string such as `"90s"`, `"5m"`, `"1h30m"`, `"500ms"`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub StdDuration);

/// Reads a duration: numbers with the units `ms s m h d w`, one after the other, the largest first.
/// A number without a unit is seconds. The error says what was expected.
pub fn parse_duration(text: &str) -> Result<StdDuration, String> {
    let wrong = || format!("`{text}` is no duration: write for example `500ms`, `90s`, `5m`, `1h30m`");
    let trimmed = text.trim();
    if let Some(seconds) =
        trimmed.parse::<f64>().ok().filter(|_| trimmed.starts_with(|c: char| c.is_ascii_digit()))
    {
        return StdDuration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let mut total = StdDuration::ZERO;
    let mut rest = trimmed;
    let mut smallest = f64::INFINITY;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return Err(wrong()),
        };
        if seconds >= smallest {
            return Err(wrong());
        }
        smallest = seconds;
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let part = StdDuration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = tail;
    }
    if trimmed.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// Reads a size in bytes: a number with `K M G T` (powers of 1024, also `KiB` …) or `kB MB GB TB`
/// (powers of 1000); without a unit it is bytes.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size: write for example `512`, `64K`, `10M`, `2G`");
    let trimmed = text.trim();
    let unit_start = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(unit_start);
    let factor: f64 = match unit.trim() {
        "" | "B" => 1.0,
        "K" | "k" | "KiB" | "Ki" => 1024.0,
        "M" | "MiB" | "Mi" => 1024.0 * 1024.0,
        "G" | "GiB" | "Gi" => 1024.0 * 1024.0 * 1024.0,
        "T" | "TiB" | "Ti" => 1024.0_f64.powi(4),
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        _ => return Err(wrong()),
    };
    // Whole numbers stay exact, also where a float has too few digits for them.
    if let Ok(whole) = number.parse::<u64>() {
        let bytes = whole.checked_mul(factor as u64).filter(|bytes| i64::try_from(*bytes).is_ok());
        return bytes.ok_or_else(wrong);
    }
    let bytes = number.parse::<f64>().map_err(|_| wrong())? * factor;
    if bytes.is_finite() && bytes < 9e18 { Ok(bytes.round() as u64) } else { Err(wrong()) }
}

impl<'de> serde::Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Seconds(f64),
            Text(String),
        }
        let expected = "expected a duration such as `\"90s\"`, or seconds";
        let written = Written::deserialize(deserializer).map_err(|_| serde::de::Error::custom(expected))?;
        let duration = match written {
            Written::Seconds(seconds) => {
                StdDuration::try_from_secs_f64(seconds).map_err(|_| expected.to_owned())
            }
            Written::Text(text) => parse_duration(&text),
        };
        duration.map(Self).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Duration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl schemars::JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "number"], "format": "duration" })
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, parse_duration, parse_size};

    #[test]
    fn reads_durations() {
        for (text, millis) in [
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("2", 2000),
            ("1.5s", 1500),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text).map(|duration| duration.as_millis()), Ok(millis), "{text}");
        }
        for wrong in ["", "s", "5x", "5m5m", "30s1h", "-5s", "5 m", "1e400s", "99999999999999999999w"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shows_durations_as_they_are_read() {
        for text in ["90ms", "1m30s", "1h", "2d", "0s"] {
            let duration = parse_duration(text).map(Duration).expect("a duration");
            assert_eq!(duration.to_string(), text);
        }
    }

    #[test]
    fn reads_sizes() {
        for (text, bytes) in
            [("512", 512), ("64K", 65_536), ("1.5M", 1_572_864), ("2GB", 2_000_000_000), ("1 GiB", 1 << 30)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "M", "5X", "-1", "1e30T", "9223372036854775808", "8388608T", ".", "1.2.3", "1,5M"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_duration_is_read_as_it_is_shown(millis in 0_u64..10_000_000_000_000) {
            let duration = Duration(std::time::Duration::from_millis(millis));
            let text = duration.to_string();
            proptest::prop_assert_eq!(parse_duration(&text).map(Duration), Ok(duration), "{}", text);
            let json = serde_json::to_value(duration).expect("JSON");
            proptest::prop_assert_eq!(serde_json::from_value::<Duration>(json).expect("a duration"), duration);
        }

        #[test]
        fn units_are_multiples_of_one_another(number in 0_u32..1_000_000) {
            for (one, other) in [
                (format!("{number}s"), format!("{}ms", u64::from(number) * 1000)),
                (format!("{number}m"), format!("{}s", u64::from(number) * 60)),
                (format!("{number}h"), format!("{}m", u64::from(number) * 60)),
                (format!("{number}d"), format!("{}h", u64::from(number) * 24)),
                (format!("{number}w"), format!("{}d", u64::from(number) * 7)),
                (format!("{number}"), format!("{number}s")),
            ] {
                proptest::prop_assert_eq!(parse_duration(&one), parse_duration(&other), "{}", one);
                proptest::prop_assert!(parse_duration(&one).is_ok(), "{}", one);
            }
        }

        #[test]
        fn sizes_are_exact(bytes in 0_u64..=i64::MAX as u64, small in 0_u64..1_000_000) {
            proptest::prop_assert_eq!(parse_size(&bytes.to_string()), Ok(bytes));
            for (unit, factor) in [("K", 1 << 10), ("MiB", 1 << 20), ("Gi", 1 << 30), ("T", 1 << 40), ("kB", 1000), ("TB", 1_000_000_000_000)] {
                proptest::prop_assert_eq!(parse_size(&format!("{small} {unit}")), Ok(small * factor), "{}{}", small, unit);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.]{0,6}[a-zA-Z ]{0,4}[0-9.e+-]{0,6}[msKMi]{0,3}") {
            let _ = (parse_duration(&text), parse_size(&text));
        }
    }
}
