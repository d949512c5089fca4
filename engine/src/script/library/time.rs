//! `time::`: moments as texts (RFC 3339, in UTC, whole seconds: `2026-03-01T12:00:00Z`) and
//! durations as seconds.

use std::sync::Arc;

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rhai::plugin::*;
use rhai::{Dynamic, FuncRegistration};

use super::World;
use super::error::{Fallible, failure};

pub(super) fn register(engine: &mut Engine, world: &Arc<dyn World>) {
    let mut module = exported_module!(time_functions);
    let clock = Arc::clone(world);
    FuncRegistration::new("now")
        .with_params_info(["String"])
        .with_comments([
            "/// The time now.\n///",
            "/// ```rhai\n/// time::now() == \"2026-03-01T12:00:00Z\"\n/// ```",
        ])
        .set_into_module(&mut module, move || shown(clock.now()));
    let clock = Arc::clone(world);
    FuncRegistration::new("since")
        .with_params_info(["time: &str", "Result<i64>"])
        .with_comments([
            "/// How many seconds have passed since a time; negative where it is still to come.\n///",
            "/// ```rhai\n/// time::since(\"2026-03-01T11:59:00Z\") == 60\n/// ```",
        ])
        .set_into_module(&mut module, move |context: NativeCallContext, time: &str| -> Fallible<i64> {
            Ok(clock.now().duration_since(moment(&context, time)?).as_secs())
        });
    engine.register_static_module("time", module.into());
}

fn shown(time: Timestamp) -> String {
    strtime::format("%Y-%m-%dT%H:%M:%SZ", time).unwrap_or_else(|_| time.to_string())
}

fn moment(context: &NativeCallContext, text: &str) -> Fallible<Timestamp> {
    text.parse().map_err(|_| {
        let hint = "a time is written as `2026-03-01T12:00:00Z`";
        failure(context, format!("`{text}` is not a time; {hint}"))
    })
}

/// A text like `1h30m`, or a number of seconds.
fn length(context: &NativeCallContext, value: &Dynamic) -> Fallible<SignedDuration> {
    if let Ok(seconds) = value.as_int() {
        return Ok(SignedDuration::from_secs(seconds));
    }
    if let Ok(seconds) = value.as_float() {
        return SignedDuration::try_from_secs_f64(seconds)
            .map_err(|_| failure(context, format!("{seconds} is not a duration")));
    }
    let parsed =
        oneex_sdk::parse_duration(&value.to_string()).map_err(|message| failure(context, message))?;
    SignedDuration::try_from(parsed)
        .map_err(|_| failure(context, format!("`{value}` is too long a duration")))
}

fn zone(context: &NativeCallContext, name: &str) -> Fallible<TimeZone> {
    TimeZone::get(name).map_err(|_| failure(context, format!("there is no time zone `{name}`")))
}

fn formatted(context: &NativeCallContext, time: &str, format: &str, zone: TimeZone) -> Fallible<String> {
    let time = moment(context, time)?.to_zoned(zone);
    strtime::format(format, &time)
        .map_err(|error| failure(context, format!("the format `{format}` is wrong: {error}")))
}

fn sum(context: &NativeCallContext, time: &str, length: SignedDuration) -> Fallible<String> {
    let sum = moment(context, time)?.checked_add(length);
    sum.map(shown).map_err(|_| failure(context, "the time is out of range"))
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod time_functions {
    /// Reads a time with any offset (RFC 3339).
    ///
    /// ```rhai
    /// time::parse("2026-03-01T13:00:00+01:00") == "2026-03-01T12:00:00Z"
    /// ```
    #[rhai_fn(name = "parse", return_raw)]
    pub fn parse(context: NativeCallContext, text: &str) -> Fallible<String> {
        moment(&context, text).map(shown)
    }

    /// Reads a time by a format of `strptime`; without an offset in it, it is UTC.
    ///
    /// ```rhai
    /// time::parse("01.03.2026 12:00", "%d.%m.%Y %H:%M") == "2026-03-01T12:00:00Z"
    /// ```
    #[rhai_fn(name = "parse", return_raw)]
    pub fn parse_with(context: NativeCallContext, text: &str, format: &str) -> Fallible<String> {
        let wrong = |error: jiff::Error| {
            failure(&context, format!("`{text}` does not match the format `{format}`: {error}"))
        };
        let parts = strtime::parse(format, text).map_err(wrong)?;
        if parts.offset().is_some() {
            return parts.to_timestamp().map(shown).map_err(wrong);
        }
        let date = parts.to_date().map_err(wrong)?;
        let time = parts.to_time().unwrap_or(jiff::civil::Time::midnight());
        date.to_datetime(time).to_zoned(TimeZone::UTC).map(|time| shown(time.timestamp())).map_err(wrong)
    }

    /// Writes a time by a format of `strftime`, in UTC.
    ///
    /// ```rhai
    /// time::format("2026-03-01T12:00:00Z", "%Y%m%d-%H%M") == "20260301-1200"
    /// ```
    #[rhai_fn(name = "format", return_raw)]
    pub fn format_utc(context: NativeCallContext, time: &str, format: &str) -> Fallible<String> {
        formatted(&context, time, format, TimeZone::UTC)
    }

    /// Writes a time by a format of `strftime`, as clocks of a time zone show it.
    ///
    /// ```rhai
    /// time::format("2026-03-01T12:00:00Z", "%H:%M", "Europe/Berlin") == "13:00"
    /// ```
    #[rhai_fn(name = "format", return_raw)]
    pub fn format_in(context: NativeCallContext, time: &str, format: &str, zone: &str) -> Fallible<String> {
        let zone = super::zone(&context, zone)?;
        formatted(&context, time, format, zone)
    }

    /// The time a duration later; a number is seconds.
    ///
    /// ```rhai
    /// time::add("2026-03-01T12:00:00Z", "1h30m") == "2026-03-01T13:30:00Z"
    /// time::add("2026-03-01T12:00:00Z", -60) == "2026-03-01T11:59:00Z"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn add(context: NativeCallContext, time: &str, duration: Dynamic) -> Fallible<String> {
        let length = length(&context, &duration)?;
        sum(&context, time, length)
    }

    /// The time a duration earlier; a number is seconds.
    ///
    /// ```rhai
    /// time::subtract("2026-03-01T12:00:00Z", "2d") == "2026-02-27T12:00:00Z"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn subtract(context: NativeCallContext, time: &str, duration: Dynamic) -> Fallible<String> {
        let length = length(&context, &duration)?.checked_neg();
        let length = length.ok_or_else(|| failure(&context, "the time is out of range"))?;
        sum(&context, time, length)
    }

    /// How many seconds lie between two times; negative where the second is the earlier.
    ///
    /// ```rhai
    /// time::between("2026-03-01T12:00:00Z", "2026-03-01T12:01:00Z") == 60
    /// ```
    #[rhai_fn(return_raw)]
    pub fn between(context: NativeCallContext, first: &str, second: &str) -> Fallible<i64> {
        Ok(moment(&context, second)?.duration_since(moment(&context, first)?).as_secs())
    }

    /// The seconds of a duration, with the units `ms s m h d w`: a whole number where it has no fraction, else a float.
    ///
    /// ```rhai
    /// time::duration("5m") == 300
    /// time::duration("1h30m") == 5400
    /// time::duration("250ms") == 0.25
    /// ```
    #[rhai_fn(return_raw)]
    pub fn duration(context: NativeCallContext, text: &str) -> Fallible<Dynamic> {
        let length = length(&context, &text.into())?;
        Ok(if length.subsec_nanos() == 0 { length.as_secs().into() } else { length.as_secs_f64().into() })
    }

    /// The seconds since 1970-01-01T00:00:00Z.
    ///
    /// ```rhai
    /// time::to_unix("2026-03-01T12:00:00Z") == 1772366400
    /// ```
    #[rhai_fn(return_raw)]
    pub fn to_unix(context: NativeCallContext, time: &str) -> Fallible<i64> {
        Ok(moment(&context, time)?.as_second())
    }

    /// The time so many seconds after 1970-01-01T00:00:00Z.
    ///
    /// ```rhai
    /// time::from_unix(1772366400) == "2026-03-01T12:00:00Z"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn from_unix(context: NativeCallContext, seconds: i64) -> Fallible<String> {
        Timestamp::from_second(seconds).map(shown).map_err(|_| failure(&context, "the time is out of range"))
    }
}
