//! What the client's failures are to an operation.

use std::error::Error;

use oneex_sdk::{OpError, visible};
use url::Url;

use super::request::{Method, Response, shown};

/// The characters of a refused answer's body that an error quotes.
const QUOTED: usize = 500;

/// Turns a failure of the connection into an operation's error.
pub(super) fn connection(error: &reqwest::Error, url: &Url) -> OpError {
    let shown = shown(url);
    let cause = innermost(error);
    if let Some(tls) = tls(error) {
        return OpError::denied(format!("no trusted connection to `{shown}`: {}", visible(&tls))).hint(
            "give the authority's certificate as `ca_file`, or install it (Debian: `ca-certificates`) on the controller",
        );
    }
    if error.is_connect() {
        return OpError::unreachable(format!("cannot connect to `{shown}`: {}", visible(&cause)));
    }
    if error.is_timeout() {
        return OpError::timeout(format!("no answer from `{shown}` in time"))
            .hint("allow more with `timeout`");
    }
    if error.is_builder() {
        return OpError::invalid(format!("cannot ask `{shown}`: {}", visible(&cause)));
    }
    OpError::unreachable(format!("the connection to `{shown}` was lost: {}", visible(&cause)))
}

/// An answer whose status is no success, with the beginning of its body.
pub(super) fn status(method: Method, response: &Response) -> OpError {
    let body: String = response.body.trim().chars().take(QUOTED).collect();
    let said = if body.is_empty() { String::new() } else { format!(": {}", visible(&body)) };
    let error =
        OpError::failed(format!("{} `{}` answered {}{said}", method.as_str(), response.url, response.status));
    match (response.status, response.headers.get("location")) {
        (300..=399, Some(location)) => error.hint(format!("it points to `{}`", visible(location))),
        (401 | 403, _) => error.hint("check `auth` and what it is allowed to do"),
        _ => error,
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// What TLS says, where it is TLS that failed. An I/O error hides what it carries from `source`, and may carry
/// another one.
fn tls(error: &reqwest::Error) -> Option<String> {
    causes(error).find_map(|cause| {
        let mut inside = cause;
        while let Some(carried) = inside.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            inside = carried;
        }
        inside.downcast_ref::<rustls::Error>().map(ToString::to_string)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::status;
    use crate::http::{Method, Response};

    fn answer(status: u16, body: &str, headers: &[(&str, &str)]) -> Response {
        let headers =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect::<BTreeMap<_, _>>();
        Response { status, headers, body: body.into(), url: "http://x/".into() }
    }

    #[test]
    fn a_refusal_quotes_the_beginning_of_the_body() {
        let error = status(Method::Get, &answer(500, &"ä".repeat(501), &[]));
        assert_eq!(error.message, format!("GET `http://x/` answered 500: {}", "ä".repeat(500)));
        assert_eq!(status(Method::Put, &answer(404, "", &[])).message, "PUT `http://x/` answered 404");
    }

    #[test]
    fn a_refusal_cannot_control_the_terminal() {
        let error = status(Method::Get, &answer(301, "\x1b[2J", &[("location", "http://y/\x07")]));
        assert!(!error.message.contains('\x1b'));
        assert_eq!(error.hint.as_deref(), Some("it points to `http://y/\\x07`"));
    }
}
