//! Lists of algorithms: `a,b` instead of the default, `+a` after it, `-a` without it, `^a` before it.

use super::pattern::{list_matches, matches};

/// The list that `written` means, of names in `all`; patterns are filled in from there. Names that are in none
/// of the two are left out. Empty where nothing is left.
pub(crate) fn assemble(written: Option<&str>, defaults: &[&str], all: &[&str]) -> Vec<String> {
    let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let Some(written) = written.filter(|written| !written.is_empty()) else { return own(defaults) };
    let listed = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
    let wanted = match written.split_at_checked(1) {
        Some(("-", removed)) => {
            return own(defaults).into_iter().filter(|name| !list_matches(removed, name)).collect();
        }
        Some(("+", added)) => own(defaults).into_iter().chain(listed(added)).collect(),
        Some(("^", preferred)) => listed(preferred).into_iter().chain(own(defaults)).collect(),
        _ => listed(written),
    };
    let mut found: Vec<String> = Vec::new();
    for pattern in wanted {
        for name in all.iter().filter(|name| matches(&pattern, name)) {
            if !found.iter().any(|known| known == name) {
                found.push((*name).to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::assemble;

    #[test]
    fn lists_are_changed_as_their_first_sign_says() {
        let (defaults, all) = (["b", "c"], ["a", "b", "c", "ctr-1", "ctr-2"]);
        for (written, wanted) in [
            (None, "b,c"),
            (Some(""), "b,c"),
            (Some("c,a"), "c,a"),
            (Some("+a,b"), "b,c,a"),
            (Some("-b"), "c"),
            (Some("-*"), ""),
            (Some("^a,c"), "a,c,b"),
            (Some("ctr-*"), "ctr-1,ctr-2"),
            (Some("+ctr-?"), "b,c,ctr-1,ctr-2"),
            (Some("unknown,c"), "c"),
            (Some("unknown"), ""),
        ] {
            assert_eq!(assemble(written, &defaults, &all).join(","), wanted, "{written:?}");
        }
    }
}
