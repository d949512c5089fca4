//! What update-alternatives(1) says of a group of alternatives.

/// A group of programs that do the same, of which one has the common name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Alternatives {
    /// The common name's path.
    pub(crate) link: Option<String>,
    /// Whether the one with the highest priority is taken.
    pub(crate) is_auto: bool,
    /// The one that is taken.
    pub(crate) value: Option<String>,
    /// All of them, with their priorities.
    pub(crate) choices: Vec<(String, i64)>,
}

impl Alternatives {
    /// Reads what `--query` printed, or `--display` where a tool has no `--query`. Nothing where there is no group.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_query = text.lines().any(|line| line.starts_with("Name: "));
        let found = if is_query { Self::parse_query(text) } else { Self::parse_display(text) };
        Some(found).filter(|found| !found.choices.is_empty() || found.value.is_some())
    }

    fn parse_query(text: &str) -> Self {
        let mut found = Self::default();
        let mut choice = None;
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("Link", link)) => found.link = Some(link.to_owned()),
                Some(("Status", status)) => found.is_auto = status == "auto",
                Some(("Value", "none")) => {}
                Some(("Value", value)) => found.value = Some(value.to_owned()),
                Some(("Alternative", path)) => choice = Some(path.to_owned()),
                Some(("Priority", number)) => {
                    found.choices.extend(choice.take().zip(number.parse().ok()));
                }
                _ => {}
            }
        }
        found
    }

    fn parse_display(text: &str) -> Self {
        let mut found = Self::default();
        for line in text.lines() {
            let bare = line.trim();
            if let Some(value) = bare.strip_prefix("link currently points to ") {
                found.value = Some(value.to_owned());
            } else if bare.ends_with(" - status is auto.") || bare.ends_with(" - auto mode") {
                found.is_auto = true;
            } else if let Some((path, number)) = line.rsplit_once(" - priority ")
                && path.starts_with('/')
            {
                // `family NAME priority N` is how the tool of Red Hat counts programs that belong together.
                let number = number.split(' ').next().unwrap_or_default();
                found.choices.extend(number.parse().ok().map(|number| (path.to_owned(), number)));
            } else if let Some((path, rest)) = line.split_once(" - family ")
                && path.starts_with('/')
            {
                let number = rest.rsplit_once(" priority ").and_then(|(_, number)| number.parse().ok());
                found.choices.extend(number.map(|number| (path.to_owned(), number)));
            }
        }
        found
    }

    /// The priority of a path, where it is one of the group.
    pub(crate) fn priority(&self, path: &str) -> Option<i64> {
        self.choices.iter().find(|(choice, _)| choice == path).map(|(_, priority)| *priority)
    }
}

#[cfg(test)]
mod tests {
    use super::Alternatives;

    /// What dpkg's tool of Debian 12 printed for `--query editor`.
    const DEBIAN: &str = include_str!("recorded/alternatives-debian.txt");
    /// Written after the form in which the tool of chkconfig, as Fedora and Red Hat have it, answers `--display java`.
    const FEDORA: &str = include_str!("forms/alternatives-fedora.txt");

    #[test]
    fn recorded_groups_are_read() {
        let found = Alternatives::parse(DEBIAN).expect("a group");
        assert_eq!(
            found,
            Alternatives {
                link: Some("/usr/bin/editor".into()),
                is_auto: true,
                value: Some("/usr/bin/vim.basic".into()),
                choices: vec![("/bin/ed".into(), -100), ("/usr/bin/vim.basic".into(), 30)],
            }
        );
        assert_eq!((found.priority("/bin/ed"), found.priority("/bin/e")), (Some(-100), None));
        let java = |version: &str| format!("/usr/lib/jvm/java-{version}-openjdk/bin/java");
        assert_eq!(
            Alternatives::parse(FEDORA),
            Some(Alternatives {
                link: None,
                is_auto: false,
                value: Some(java("11")),
                choices: vec![(java("11"), 1_100_001), (java("17"), 1_700_000), ("/opt/java".into(), 5)],
            })
        );
    }

    #[test]
    fn what_is_no_group_is_none() {
        for text in ["", "Name: x\n", "nonsense\n", "x - priority many\n", "Priority: 5\nValue: none\n"] {
            assert_eq!(Alternatives::parse(text), None, "{text:?}");
        }
        let broken =
            Alternatives::parse("Name: x\nValue: /a\nAlternative: /a\nPriority: x\n").expect("a value");
        assert_eq!((broken.value.as_deref(), broken.choices.len()), (Some("/a"), 0));
    }
}
