//! Files of repositories as dnf, yum and zypper read them: a section for each, dnf.conf(5).

/// The text with the section `name` that has exactly these options. What stands in other sections stays, byte for byte,
/// and so does the section where it has them already.
pub(crate) fn with_section(text: &str, name: &str, options: &[(String, String)]) -> String {
    let mut section = format!("[{name}]\n");
    for (option, value) in options {
        // A value goes on in lines that begin with a blank.
        section.push_str(&format!("{option} = {}\n", value.replace('\n', "\n    ")));
    }
    let Some((before, present, after)) = split(text, name) else {
        let gap = if text.is_empty() || text.ends_with("\n\n") { "" } else { "\n" };
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return format!("{text}{end}{gap}{section}");
    };
    if is_same(present, options) {
        return text.to_owned();
    }
    let gap = if after.is_empty() { "" } else { "\n" };
    format!("{before}{section}{gap}{after}")
}

/// The text without the section `name`.
pub(crate) fn without_section(text: &str, name: &str) -> String {
    match split(text, name) {
        None => text.to_owned(),
        Some((before, _, "")) => {
            before.trim_end_matches('\n').to_owned() + if before.trim().is_empty() { "" } else { "\n" }
        }
        Some((before, _, after)) => format!("{before}{after}"),
    }
}

/// What is before a section, the section with its heading, and what is behind it.
fn split<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let heading = format!("[{name}]");
    // Comments and empty lines at the end of a section are those of the next.
    let (mut start, mut end, mut at) = (None, 0, 0);
    for line in text.split_inclusive('\n') {
        let is_option = !line.trim().is_empty() && !line.starts_with(['#', ';']);
        match start {
            None if line.trim() == heading => (start, end) = (Some(at), at + line.len()),
            Some(_) if line.starts_with('[') => break,
            Some(_) if is_option => end = at + line.len(),
            _ => {}
        }
        at += line.len();
    }
    start.map(|start| (&text[..start], &text[start..end], text[end..].trim_start_matches('\n')))
}

fn is_same(section: &str, options: &[(String, String)]) -> bool {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in section.lines().skip(1) {
        if line.trim().is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        match (line.starts_with([' ', '\t']), line.split_once('=')) {
            (true, _) => match found.last_mut() {
                Some((_, value)) => *value = format!("{value}\n{}", line.trim()),
                None => return false,
            },
            (false, Some((option, value))) => found.push((option.trim().to_owned(), value.trim().to_owned())),
            (false, None) => return false,
        }
    }
    let sorted = |options: &[(String, String)]| {
        let mut options = options.to_vec();
        options.sort();
        options
    };
    sorted(&found) == sorted(options)
}

#[cfg(test)]
mod tests {
    use super::{with_section, without_section};

    fn options(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(option, value)| ((*option).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_section_is_as_it_is_wanted_and_others_stay() {
        let wanted = options(&[("name", "Shop"), ("baseurl", "https://a\nhttps://b")]);
        let section = "[shop]\nname = Shop\nbaseurl = https://a\n    https://b\n";
        for (before, after) in [
            ("", section.to_owned()),
            ("[other]\nx=1", format!("[other]\nx=1\n\n{section}")),
            (
                "# mine\n[shop]\nname=Old\n\n[other]\n# kept\nx=1\n",
                format!("# mine\n{section}\n[other]\n# kept\nx=1\n"),
            ),
            (
                "[shop]\nname=Shop\nbaseurl=https://a\n\thttps://b\n",
                "[shop]\nname=Shop\nbaseurl=https://a\n\thttps://b\n".into(),
            ),
            ("[shop]\n# a word\nbaseurl=https://a\n https://b\nname: x\n", section.to_owned()),
            ("[shop]\nx=1\n\n# of b\n[b]\ny=2\n", format!("{section}\n# of b\n[b]\ny=2\n")),
            ("[shop2]\nname=x\n", format!("[shop2]\nname=x\n\n{section}")),
        ] {
            assert_eq!(with_section(before, "shop", &wanted), after, "{before}");
            assert_eq!(with_section(&after, "shop", &wanted), after, "again: {before}");
        }
    }

    #[test]
    fn a_section_goes_and_others_stay() {
        for (before, after) in [
            ("", ""),
            ("[shop]\nname=x\n", ""),
            ("[a]\nx=1\n\n[shop]\nname=x\n", "[a]\nx=1\n"),
            ("# mine\n[shop]\nname=x\n\n[b]\ny=2\n", "# mine\n[b]\ny=2\n"),
            ("[shop]\n# of the shop\nname=x\n\n# of b\n[b]\ny=2\n", "# of b\n[b]\ny=2\n"),
            ("[b]\ny=2\n", "[b]\ny=2\n"),
        ] {
            assert_eq!(without_section(before, "shop"), after, "{before}");
        }
    }
}
