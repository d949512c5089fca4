//! When a request is sent again, and after how long.

use std::time::Duration;

use oneex_sdk::{ErrorKind, OpError};

use super::request::{Method, Request, Response};

/// The longest pause before a request is sent again, whatever the server asks for.
const LONGEST: Duration = Duration::from_secs(30);

/// How often `request` may be sent again: what it says itself, else `usual` for one that only reads.
pub(super) fn allowed(request: &Request, usual: u32) -> u32 {
    request.retries.unwrap_or(if request.method.writes() { 0 } else { usual })
}

/// The pause before attempt `attempt + 1` (0 is the first), or nothing where sending again is no use.
///
/// An answer is worth it when the server says that it is busy (429, 502, 503, 504), unless it names a
/// time beyond 30 seconds; a failure is when the connection was not made or lost.
pub(super) fn pause(outcome: &Result<Response, OpError>, attempt: u32, first: Duration) -> Option<Duration> {
    let grown = first.saturating_mul(1 << attempt.min(10)).min(LONGEST);
    match outcome {
        Ok(response) if matches!(response.status, 429 | 502 | 503 | 504) => {
            match response.headers.get("retry-after").map(|value| value.trim().parse::<u64>()) {
                Some(Ok(seconds)) => {
                    let asked = Duration::from_secs(seconds);
                    (asked <= LONGEST).then_some(asked.max(grown))
                }
                _ => Some(grown),
            }
        }
        Err(error) if error.kind == ErrorKind::Unreachable => Some(grown),
        _ => None,
    }
}

/// Whether a redirect of `method` with `status` is followed: only reads are, for repeating a write
/// elsewhere is the caller's decision.
pub(super) fn follows(method: Method, status: u16) -> bool {
    !method.writes() && matches!(status, 301 | 302 | 303 | 307 | 308)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use oneex_sdk::OpError;

    use super::{allowed, follows, pause};
    use crate::http::{Method, Request, Response};

    const FIRST: Duration = Duration::from_millis(250);

    fn answer(status: u16, retry_after: Option<&str>) -> Result<Response, OpError> {
        let headers = retry_after.map(|value| ("retry-after".to_owned(), value.to_owned()));
        Ok(Response {
            status,
            headers: BTreeMap::from_iter(headers),
            body: String::new(),
            url: String::new(),
        })
    }

    #[test]
    fn only_busy_answers_and_lost_connections_are_repeated() {
        for status in [429, 502, 503, 504] {
            assert_eq!(pause(&answer(status, None), 0, FIRST), Some(FIRST), "{status}");
        }
        for status in [200, 400, 401, 404, 500, 501] {
            assert_eq!(pause(&answer(status, None), 0, FIRST), None, "{status}");
        }
        assert_eq!(pause(&Err(OpError::unreachable("x")), 2, FIRST), Some(FIRST * 4));
        for error in
            [OpError::timeout("x"), OpError::denied("x"), OpError::cancelled(), OpError::invalid("x")]
        {
            assert_eq!(pause(&Err(error), 0, FIRST), None);
        }
    }

    #[test]
    fn the_server_may_ask_for_a_longer_pause_within_bounds() {
        assert_eq!(pause(&answer(503, Some("3")), 0, FIRST), Some(Duration::from_secs(3)));
        assert_eq!(pause(&answer(503, Some("0")), 0, FIRST), Some(FIRST));
        assert_eq!(pause(&answer(503, Some("3600")), 0, FIRST), None);
        assert_eq!(pause(&answer(503, Some("Wed, 21 Oct 2015 07:28:00 GMT")), 1, FIRST), Some(FIRST * 2));
        assert_eq!(pause(&answer(503, None), 4_000_000_000, FIRST), Some(Duration::from_secs(30)));
    }

    #[test]
    fn writes_are_repeated_and_redirected_only_when_asked() {
        let url = Request::parse_url("http://example.org/").expect("an address");
        let mut request = Request::new(Method::Post, url.clone());
        assert_eq!(allowed(&request, 2), 0);
        request.retries = Some(5);
        assert_eq!(allowed(&request, 2), 5);
        assert_eq!(allowed(&Request::new(Method::Get, url), 2), 2);
        assert!(follows(Method::Head, 308) && !follows(Method::Post, 308) && !follows(Method::Get, 304));
    }
}
