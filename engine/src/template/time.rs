//! The clock in templates.

use jiff::{Timestamp, Zoned, tz::TimeZone};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error};

use super::data::wrong;

/// Adds `now()`.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_function("now", |options: Kwargs| {
        let utc = options.get::<Option<bool>>("utc")?.unwrap_or(false);
        let format: Option<String> = options.get("fmt")?;
        options.assert_all_used()?;
        let zone = if utc { TimeZone::UTC } else { TimeZone::system() };
        show(&Timestamp::now().to_zoned(zone), format.as_deref().unwrap_or("%Y-%m-%d %H:%M:%S"))
    });
}

fn show(time: &Zoned, format: &str) -> Result<String, Error> {
    jiff::fmt::strtime::format(format, time)
        .map_err(|error| wrong(format!("`now`: the format `{format}` cannot be used: {error}")))
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::show;

    #[test]
    fn a_format_is_strftimes() {
        let time = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        assert_eq!(show(&time, "%d.%m.%Y %H:%M").expect("a text"), "01.01.1970 00:00");
        assert!(show(&time, "%").is_err());
    }
}
