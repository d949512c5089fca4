//! What may stand in a field of passwd(5), group(5) and shadow(5).

use oneex_sdk::{OpError, OpResult};

/// Refuses what cannot be the name of a user or group: `what` says which. A number is refused, since
/// the databases would be asked for the id.
pub(crate) fn check_name(what: &str, name: &str) -> OpResult<()> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    let is_number = name.chars().all(|c| c.is_ascii_digit());
    if is_number || name.starts_with(['-', '.', '$']) || name.len() > 256 || !name.chars().all(good) {
        return Err(OpError::invalid(format!("`{name}` cannot be the name of a {what}"))
            .hint("names are letters, digits, `_`, `-` and `.`, and are no numbers"));
    }
    Ok(())
}

/// Refuses what would end a field: a colon, a line break, any control character.
pub(crate) fn check_field(option: &str, value: &str) -> OpResult<()> {
    if value.chars().any(|c| c == ':' || c.is_control()) {
        return Err(OpError::invalid(format!("`{option}` cannot hold a colon or a control character")));
    }
    Ok(())
}

/// Refuses what is no absolute path, or cannot stand in a field.
pub(crate) fn check_path(option: &str, value: &str) -> OpResult<()> {
    check_field(option, value)?;
    if value.starts_with('/') {
        return Ok(());
    }
    Err(OpError::invalid(format!("`{option}`: `{value}` is not an absolute path")))
}

/// Refuses what is no hash as crypt(5) has them, so that no plain password is stored by mistake.
/// The error does not show it.
pub(crate) fn check_hash(hash: &str) -> OpResult<()> {
    // `!` before a hash locks it; `*` and `!` alone let nobody in, shadow(5).
    let bare = hash.trim_start_matches('!');
    let modular = bare.strip_prefix('$').is_some_and(|rest| rest.split('$').count() >= 3);
    let traditional = bare.len() == 13 && !bare.starts_with('$');
    let locked = bare == "*" || (bare.is_empty() && !hash.is_empty());
    let good = |c: char| c.is_ascii_graphic() && c != ':';
    if (modular || traditional || locked) && hash.chars().all(good) {
        return Ok(());
    }
    Err(OpError::invalid("`password` is no hash as crypt(5) has them")
        .hint("make one with `openssl passwd -6` or `mkpasswd`; `\"!\"` lets nobody in by password"))
}

#[cfg(test)]
mod tests {
    use oneex_sdk::ErrorKind;

    use super::{check_field, check_hash, check_name, check_path};

    #[test]
    fn names_cannot_be_options_numbers_or_patterns() {
        for good in ["ops", "_apt", "www-data", "svc.app_1", "MACHINE$", "0day"] {
            assert!(check_name("user", good).is_ok(), "{good}");
        }
        for wrong in ["", "-r", "1000", "a b", "a:b", "a\nb", "../x", "*", "$(id)", ".x", "ä", "$x"] {
            let error = check_name("user", wrong).expect_err(wrong);
            assert_eq!(error.kind, ErrorKind::Invalid);
            assert_eq!(error.message, format!("`{wrong}` cannot be the name of a user"));
        }
    }

    #[test]
    fn a_field_cannot_end_itself() {
        assert!(check_field("comment", "Ops, Room 1 (ö)").is_ok());
        for wrong in ["a:b", "a\nroot::0:0", "a\0"] {
            let error = check_field("comment", wrong).expect_err(wrong);
            assert_eq!(error.message, "`comment` cannot hold a colon or a control character");
        }
        assert!(check_path("home", "/srv/a b").is_ok());
        assert_eq!(
            check_path("home", "srv").expect_err("relative").message,
            "`home`: `srv` is not an absolute path"
        );
        assert!(check_path("shell", "/bin/sh:").is_err());
    }

    #[test]
    fn a_plain_password_is_no_hash() {
        let des = "abJnggxhB/yWI";
        for good in ["!", "!!", "*", "!*", "$6$salt$hash", "!$6$salt$hash", "$y$j9T$salt$hash", des] {
            assert!(check_hash(good).is_ok(), "{good}");
        }
        for plain in ["", "secret", "$6$nothing", "$6$salt$ha:sh", "$6$salt$hash\nroot:x", "$6$salt$h sh"] {
            let error = check_hash(plain).expect_err(plain);
            assert!(plain.is_empty() || !error.to_string().contains(plain), "{plain}");
        }
    }
}
