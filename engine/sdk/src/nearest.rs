//! "Did you mean": the nearest of a set of names.

/// Returns the candidate that is most like `name`, where one is near enough to be meant.
///
/// The measure is Damerau-Levenshtein; a name may differ by a third of its length, at least by one
/// edit. A candidate that `name` is a prefix of counts as near too.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let allowed = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| {
            let distance = strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase());
            let prefix = name.len() >= 3 && candidate.starts_with(name);
            // Of two as near, the one with the same letters is meant: `taks` is `task`, not `tags`.
            let alike = (strsim::jaro_winkler(name, candidate) * 1e6) as i64;
            // With no letter in common, nothing is meant.
            (distance <= allowed && distance < length || prefix).then_some((distance, -alike, candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_a_typo_a_swap_and_a_prefix() {
        assert_eq!(nearest("mdoe", ["mode", "owner"]), Some("mode"));
        assert_eq!(nearest("ownr", ["mode", "owner"]), Some("owner"));
        assert_eq!(nearest("taks", ["tags", "task"]), Some("task"));
        assert_eq!(nearest("temp", ["template", "owner"]), Some("template"));
    }

    #[test]
    fn finds_nothing_when_nothing_is_near() {
        assert_eq!(nearest("colour", ["mode", "owner"]), None);
        assert_eq!(nearest("x", []), None);
        assert_eq!(nearest("x", ["a", "b"]), None);
    }
}
