//! Addresses of repositories.

use oneex_sdk::{OpError, OpResult};

/// The scheme and host of a repository over HTTP, which a password is for; nothing for others. An address with a
/// password in it is `invalid`: it would stand in argument lists and in the repository's configuration.
pub(crate) fn origin(address: &str) -> OpResult<Option<&str>> {
    let Some((user, host)) = parts(address) else { return Ok(None) };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(OpError::invalid(format!("`repo`: `{}` has a password in it", shown_url(address)))
            .hint("give it with `username` and `password`, so that no other user sees it"));
    }
    let is_http = address.starts_with("http://") || address.starts_with("https://");
    // With a user in the address, git asks for the password of that user.
    Ok((is_http && user.is_none()).then(|| &address[..address.len() - host.rest]))
}

/// An address as people may see it: what follows the user's name is hidden.
pub(crate) fn shown_url(address: &str) -> String {
    match parts(address) {
        Some((Some(user), _)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            address.replacen(user, &format!("{name}:•••"), 1)
        }
        _ => address.to_owned(),
    }
}

/// How many bytes follow the host.
struct Host {
    rest: usize,
}

/// The user, with a password where there is one, and where the host ends; nothing for what has no scheme.
fn parts(address: &str) -> Option<(Option<&str>, Host)> {
    let (_, after) = address.split_once("://")?;
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let authority = &after[..end];
    Some((authority.rsplit_once('@').map(|(user, _)| user), Host { rest: after.len() - end }))
}

#[cfg(test)]
mod tests {
    use super::{origin, shown_url};

    #[test]
    fn a_password_is_for_one_host() {
        for (address, expected) in [
            ("https://git.example.org/a/b.git", Some("https://git.example.org")),
            ("http://127.0.0.1:8080/a", Some("http://127.0.0.1:8080")),
            ("https://git.example.org", Some("https://git.example.org")),
            ("https://ada@git.example.org/a", None),
            ("ssh://git@example.org/a", None),
            ("git@example.org:a/b.git", None),
            ("/srv/git/a.git", None),
        ] {
            assert_eq!(origin(address).expect(address), expected);
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_hidden() {
        for (address, shown) in [
            ("https://ada:hunter2@example.org/a", "https://ada:•••@example.org/a"),
            ("https://ada:p@ss@example.org", "https://ada:•••@example.org"),
            ("ssh://git:x@example.org/a", "ssh://git:•••@example.org/a"),
        ] {
            assert_eq!(shown_url(address), shown);
            let error = origin(address).expect_err(address);
            assert_eq!(error.message, format!("`repo`: `{shown}` has a password in it"));
        }
        assert_eq!(shown_url("https://ada@example.org/a:b"), "https://ada@example.org/a:b");
    }
}
