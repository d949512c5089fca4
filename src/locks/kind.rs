//! How much a run has for itself.

use clap::ValueEnum;

/// How much a run has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LockKind {
    /// All of the environment
    Environment,
    /// The hosts that it changes: runs on others go side by side
    Hosts,
    /// Nothing
    None,
}

impl LockKind {
    /// The kind that the project file calls so.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::from_str(word, false).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::LockKind;

    #[test]
    fn kinds_have_the_names_of_the_flag() {
        for (word, kind) in [
            ("environment", Some(LockKind::Environment)),
            ("hosts", Some(LockKind::Hosts)),
            ("none", Some(LockKind::None)),
            ("Hosts", None),
            ("", None),
        ] {
            assert_eq!(LockKind::parse(word), kind, "{word}");
        }
    }
}
