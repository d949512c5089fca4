//! What the client's errors mean.

use std::error::Error as _;

use oneex_sdk::{ErrorKind, OpError};
use tokio_postgres::Error;

/// What an error means: whether another try may help, and what it says with all of its causes.
pub(super) fn meaning(error: &Error) -> OpError {
    let kind = match error.as_db_error() {
        Some(said) => kind_of(said.code().code()),
        None if is_distrust(error) => ErrorKind::Denied,
        None => ErrorKind::Unreachable,
    };
    OpError::new(kind, text(error))
}

/// Of what the server says, by the classes of PostgreSQL's appendix A.
fn kind_of(code: &str) -> ErrorKind {
    match code {
        // It starts, it stops, it is full, it is a standby, it ended a statement to end itself.
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => {
            ErrorKind::Unreachable
        }
        "25006" => ErrorKind::Unreachable,
        // The login, and what the user may do.
        "42501" => ErrorKind::Denied,
        _ if code.starts_with("28") => ErrorKind::Denied,
        _ => ErrorKind::Failed,
    }
}

/// A certificate that nobody trusts, and a server that encrypts nothing.
fn is_distrust(error: &Error) -> bool {
    let is_tls = error.to_string().starts_with("error performing TLS handshake");
    let cause = error.source();
    let io = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let tls = io.and_then(std::io::Error::get_ref).is_some_and(|inner| inner.is::<rustls::Error>());
    tls || (is_tls && io.is_none())
}

/// The error with its causes, each once.
fn text(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        let detail = said.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        return format!("{}{detail}", said.message());
    }
    let mut parts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(next) = cause {
        let part = next.to_string();
        if !parts.iter().any(|known| known.contains(&part)) {
            parts.push(part);
        }
        cause = next.source();
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use oneex_sdk::ErrorKind;

    use super::kind_of;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for (code, kind) in [
            ("57P03", ErrorKind::Unreachable),
            ("57P01", ErrorKind::Unreachable),
            ("53300", ErrorKind::Unreachable),
            ("08006", ErrorKind::Unreachable),
            ("25006", ErrorKind::Unreachable),
            ("28P01", ErrorKind::Denied),
            ("28000", ErrorKind::Denied),
            ("42501", ErrorKind::Denied),
            ("3D000", ErrorKind::Failed),
            ("42P01", ErrorKind::Failed),
        ] {
            assert_eq!(kind_of(code), kind, "{code}");
        }
    }
}
