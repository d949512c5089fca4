//! `semver::`: versions as semver.org 2.0.0 has them; a leading `v` is allowed and left out.

use rhai::plugin::*;

use super::error::{Fallible, failure};

pub(super) fn register(engine: &mut Engine) {
    engine.register_static_module("semver", exported_module!(semver_functions).into());
}

fn parsed(context: &NativeCallContext, text: &str) -> Fallible<semver::Version> {
    let bare = text.strip_prefix('v').unwrap_or(text);
    semver::Version::parse(bare)
        .map_err(|error| failure(context, format!("`{text}` is not a semantic version: {error}")))
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod semver_functions {
    use ::semver::{BuildMetadata, Prerelease, VersionReq};
    use rhai::{Dynamic, Map};

    /// The parts of a version: `major minor patch pre build`.
    ///
    /// ```rhai
    /// semver::parse("v1.2.3-rc.1+5") == #{ major: 1, minor: 2, patch: 3, pre: "rc.1", build: "5" }
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse(context: NativeCallContext, text: &str) -> Fallible<Map> {
        let version = parsed(&context, text)?;
        let number = |part: u64| {
            let part = i64::try_from(part);
            part.map(Dynamic::from)
                .map_err(|_| failure(&context, format!("`{text}` has a number beyond 64 bits")))
        };
        Ok(Map::from([
            ("major".into(), number(version.major)?),
            ("minor".into(), number(version.minor)?),
            ("patch".into(), number(version.patch)?),
            ("pre".into(), version.pre.to_string().into()),
            ("build".into(), version.build.to_string().into()),
        ]))
    }

    /// Says whether a text is a version.
    ///
    /// ```rhai
    /// semver::is_valid("1.2.3") && !semver::is_valid("1.2")
    /// ```
    pub fn is_valid(text: &str) -> bool {
        ::semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).is_ok()
    }

    /// -1 where the first version comes before the second, 1 where it comes after, else 0. Build
    /// parts do not count.
    ///
    /// ```rhai
    /// semver::compare("1.9.0", "1.10.0") == -1
    /// semver::compare("1.0.0", "1.0.0-rc.1") == 1
    /// ```
    #[rhai_fn(return_raw)]
    pub fn compare(context: NativeCallContext, first: &str, second: &str) -> Fallible<i64> {
        let (first, second) = (parsed(&context, first)?, parsed(&context, second)?);
        Ok(first.cmp_precedence(&second) as i64)
    }

    /// Says whether a version meets a requirement as Cargo writes them: `^1.2`, `>=1.2, <2`, `~1.4`.
    ///
    /// ```rhai
    /// semver::matches("1.4.2", ">=1.2, <2")
    /// !semver::matches("2.0.0", "^1")
    /// ```
    #[rhai_fn(return_raw)]
    pub fn matches(context: NativeCallContext, version: &str, requirement: &str) -> Fallible<bool> {
        let wanted = VersionReq::parse(requirement).map_err(|error| {
            failure(&context, format!("`{requirement}` is not a version requirement: {error}"))
        })?;
        Ok(wanted.matches(&parsed(&context, version)?))
    }

    /// The next version: `part` is `major`, `minor` or `patch`. Pre-release and build are left out.
    ///
    /// ```rhai
    /// semver::bump("1.2.3", "minor") == "1.3.0"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn bump(context: NativeCallContext, version: &str, part: &str) -> Fallible<String> {
        let mut version = parsed(&context, version)?;
        let (number, lower): (&mut u64, [Option<&mut u64>; 2]) = match part {
            "major" => (&mut version.major, [Some(&mut version.minor), Some(&mut version.patch)]),
            "minor" => (&mut version.minor, [Some(&mut version.patch), None]),
            "patch" => (&mut version.patch, [None, None]),
            _ => return Err(failure(&context, format!("`{part}` is not one of `major`, `minor`, `patch`"))),
        };
        *number = number.checked_add(1).ok_or_else(|| failure(&context, "there is no greater version"))?;
        lower.into_iter().flatten().for_each(|part| *part = 0);
        version.pre = Prerelease::EMPTY;
        version.build = BuildMetadata::EMPTY;
        Ok(version.to_string())
    }
}
