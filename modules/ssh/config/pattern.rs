//! Patterns: `*` is any text, `?` any one byte; a list is separated by commas, `!` before a pattern of it
//! forbids what it matches.

/// Says whether the whole of `text` matches. Brackets mean themselves.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where the last `*` stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(from) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted == byte => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((star_at, star_from)) = star else { return false };
                star = Some((star_at, star_from + 1));
                at = star_at + 1;
                from = star_from + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

/// Says whether a list of patterns has the text: one of them matches, and none that is negated does.
pub(crate) fn list_matches(patterns: &str, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(negated, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

/// As [`list_matches`], for names of hosts, whose case does not count.
pub(crate) fn host_matches(patterns: &str, name: &str) -> bool {
    list_matches(&patterns.to_ascii_lowercase(), &name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{host_matches, list_matches, matches};

    #[test]
    fn patterns_are_those_of_the_manual() {
        for (pattern, text, right) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*c*", "abcd", true),
            ("a*b", "ac", false),
            ("a?c", "abc", true),
            ("?", "", false),
            ("**a", "bca", true),
            ("*a?", "aaab", true),
            ("[h]:2", "[h]:2", true),
            ("A", "a", false),
        ] {
            assert_eq!(matches(pattern, text), right, "{pattern} {text}");
        }
    }

    #[test]
    fn a_negated_pattern_forbids_wherever_it_stands() {
        assert!(list_matches("web*,!web1", "web2"));
        assert!(!list_matches("web*,!web1", "web1"));
        assert!(!list_matches("!web1,web*", "web1"));
        assert!(!list_matches("!web1", "web2"), "nothing is asked for");
        assert!(host_matches("WEB*", "Web1"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(60);
        assert!(!matches(&pattern, &"a".repeat(59)));
        assert!(!matches(&format!("{pattern}b"), &"a".repeat(5000)));
    }
}
