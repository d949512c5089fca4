//! Who answers questions for names: resolv.conf(5) and resolved.conf(5).

/// What is wanted of a resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resolver<'a> {
    /// The addresses of name servers, the first one first.
    pub(crate) nameservers: &'a [String],
    /// The domains that short names are looked up in; kept where nothing is given.
    pub(crate) search: Option<&'a [String]>,
    /// Further options of resolv.conf(5); kept where nothing is given.
    pub(crate) options: Option<&'a [String]>,
}

/// A text of resolv.conf(5) with what is wanted; comments and other lines stay.
pub(crate) fn with_resolver(text: &str, wanted: &Resolver<'_>) -> String {
    let mut lines: Vec<(&str, Vec<String>)> = Vec::new();
    let one = |word: &str, values: &[String]| match values {
        [] => Vec::new(),
        values => vec![format!("{word} {}", values.join(" "))],
    };
    if let Some(search) = wanted.search {
        lines.push(("search", one("search", search)));
    }
    let servers = wanted.nameservers.iter().map(|address| format!("nameserver {address}"));
    lines.push(("nameserver", servers.collect()));
    if let Some(options) = wanted.options {
        lines.push(("options", one("options", options)));
    }
    let word_of = |line: &str| match line.split_whitespace().next() {
        // `domain` is what `search` was called; whichever comes last counts.
        Some("domain") => "search".to_owned(),
        Some(word) => word.to_owned(),
        None => String::new(),
    };
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(text.len() + 128);
    let mut left = lines.clone();
    for line in text.split_inclusive('\n') {
        let word = word_of(line);
        let Some((_, wanted)) = lines.iter().find(|(name, _)| *name == word) else {
            out.push_str(line);
            continue;
        };
        let present: Vec<String> = text.lines().filter(|line| word_of(line) == word).map(plain).collect();
        if present == *wanted {
            out.push_str(line);
            left.retain(|(name, _)| *name != word);
        } else if let Some(at) = left.iter().position(|(name, _)| *name == word) {
            for line in left.remove(at).1 {
                out.push_str(&format!("{line}\n"));
            }
        }
    }
    for line in left.into_iter().flat_map(|(_, lines)| lines) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{line}\n"));
    }
    out
}

/// A drop-in for systemd-resolved with what is wanted.
pub(crate) fn resolved_drop_in(wanted: &Resolver<'_>) -> String {
    // What is empty first forgets what other files say.
    let list = |name: &str, values: &[String]| format!("{name}=\n{name}={}\n", values.join(" "));
    let mut text = format!("[Resolve]\n{}", list("DNS", wanted.nameservers));
    if let Some(search) = wanted.search {
        text.push_str(&list("Domains", search));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Resolver, resolved_drop_in, with_resolver};

    fn texts(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn edits() {
        for (text, servers, search, options, expected) in [
            ("", "1.1.1.1 ::1", None, None, "nameserver 1.1.1.1\nnameserver ::1\n"),
            ("# x\nnameserver 9.9.9.9", "1.1.1.1", None, None, "# x\nnameserver 1.1.1.1\n"),
            ("nameserver\t1.1.1.1  \n", "1.1.1.1", None, None, "nameserver\t1.1.1.1  \n"),
            (
                "nameserver 2.2.2.2\nnameserver 1.1.1.1\nsearch a b\n",
                "1.1.1.1 2.2.2.2",
                None,
                None,
                "nameserver 1.1.1.1\nnameserver 2.2.2.2\nsearch a b\n",
            ),
            (
                "domain old\nsortlist 1.2.3.4\noptions rotate\n",
                "1.1.1.1",
                Some("a b"),
                Some(""),
                "search a b\nsortlist 1.2.3.4\nnameserver 1.1.1.1\n",
            ),
            (
                "nameserver 1.1.1.1\nsearch x\n",
                "1.1.1.1",
                Some(""),
                Some("rotate timeout:1"),
                "nameserver 1.1.1.1\noptions rotate timeout:1\n",
            ),
        ] {
            let (servers, search, options) = (texts(servers), search.map(texts), options.map(texts));
            let wanted =
                Resolver { nameservers: &servers, search: search.as_deref(), options: options.as_deref() };
            let after = with_resolver(text, &wanted);
            assert_eq!(after, expected, "{text:?}");
            assert_eq!(with_resolver(&after, &wanted), after);
        }
    }

    #[test]
    fn drop_ins_forget_what_others_say() {
        let (servers, search) = (texts("1.1.1.1 2.2.2.2"), texts("example.org"));
        let mut wanted = Resolver { nameservers: &servers, search: None, options: None };
        assert_eq!(resolved_drop_in(&wanted), "[Resolve]\nDNS=\nDNS=1.1.1.1 2.2.2.2\n");
        wanted.search = Some(&search);
        let expected = "[Resolve]\nDNS=\nDNS=1.1.1.1 2.2.2.2\nDomains=\nDomains=example.org\n";
        assert_eq!(resolved_drop_in(&wanted), expected);
    }
}
