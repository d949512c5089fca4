//! `ansible_ssh_args`, `ansible_ssh_common_args` and `ansible_ssh_extra_args`: what Ansible puts on ssh's
//! command line.

use std::path::PathBuf;

use oneex_sdk::{OpError, OpResult, Target};

use super::config::{ConfigSource, Given, Machine};

/// What the variables of one host say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SshArguments {
    /// What comes before the inventory's own port, user and key.
    pub(super) before: Vec<Given>,
    /// What comes after them.
    pub(super) after: Vec<Given>,
    /// `-F`.
    pub(super) source: Option<ConfigSource>,
    /// What is left out, for a warning.
    pub(super) ignored: Vec<String>,
}

impl SshArguments {
    /// Reads them in the order in which Ansible puts them. Fails with `invalid` for what ssh does not know, or
    /// what means nothing here.
    pub(super) fn read(target: &Target, machine: &Machine) -> OpResult<Self> {
        let mut arguments = Self::default();
        for name in ["ssh_args", "ssh_common_args", "ssh_extra_args"] {
            let named = ["oneex", "ansible"].map(|prefix| format!("{prefix}_{name}"));
            let found = named.iter().find_map(|name| Some((name, target.options.get(name)?)));
            let Some((name, value)) = found.filter(|(_, value)| !value.is_null()) else { continue };
            let origin = format!("`{name}` of `{}`", target.name);
            let text = value.as_str().ok_or_else(|| OpError::invalid(format!("{origin} must be text")))?;
            let mut given = Vec::new();
            arguments.parse(text, &origin, machine, &mut given)?;
            if name.ends_with("_ssh_args") { &mut arguments.before } else { &mut arguments.after }
                .extend(given);
        }
        Ok(arguments)
    }

    fn parse(&mut self, text: &str, origin: &str, machine: &Machine, given: &mut Vec<Given>) -> OpResult<()> {
        let words = shlex::split(text)
            .ok_or_else(|| OpError::invalid(format!("{origin}: a quote is not closed in `{text}`")))?;
        let line = |line: String| Given::Line { line, origin: origin.into() };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some(mut letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                return Err(OpError::invalid(format!("{origin}: `{word}` is no option of ssh")));
            };
            while let Some(letter) = letters.chars().next() {
                letters = &letters[letter.len_utf8()..];
                match letter {
                    '4' => given.push(line("AddressFamily=inet".to_owned())),
                    '6' => given.push(line("AddressFamily=inet6".to_owned())),
                    'C' => given.push(line("Compression=yes".to_owned())),
                    'A' => self.ignored.push(format!("`-A` ({origin})")),
                    'o' | 'i' | 'J' | 'p' | 'l' | 'F' => {
                        let value = match letters {
                            "" => words.next(),
                            value => Some(value.to_owned()),
                        };
                        let value = value.filter(|value| !value.is_empty());
                        let value = value
                            .ok_or_else(|| OpError::invalid(format!("{origin}: `-{letter}` has no value")))?;
                        match letter {
                            'o' => given.push(line(value)),
                            'i' => given.push(Given::Identity(value)),
                            'J' => given.push(line(format!("ProxyJump={value}"))),
                            'p' => given.push(line(format!("Port={value}"))),
                            'l' => given.push(Given::User(value)),
                            _ => self.source = Some(source(&value, machine, origin)?),
                        }
                        break;
                    }
                    letter => {
                        return Err(OpError::invalid(format!("{origin}: `-{letter}` is not supported"))
                            .hint("`-o`, `-i`, `-J`, `-p`, `-l`, `-F`, `-4`, `-6` and `-C` are"));
                    }
                }
            }
        }
        Ok(())
    }
}

fn source(value: &str, machine: &Machine, origin: &str) -> OpResult<ConfigSource> {
    if value.eq_ignore_ascii_case("none") {
        return Ok(ConfigSource::None);
    }
    let path = machine.expand_home(value);
    let path = path.map_err(|message| OpError::invalid(format!("{origin}: `-F`: {message}")))?;
    Ok(ConfigSource::File(PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Target, json};

    use super::SshArguments;
    use crate::ssh::config::{ConfigSource, Given, Machine};

    fn read(variables: &[(&str, &str)]) -> Result<SshArguments, String> {
        let mut target = Target { name: "web1".into(), ..Target::default() };
        target.options.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        let machine = Machine { home: Some("/home/ops".into()), ..Machine::default() };
        SshArguments::read(&target, &machine).map_err(|error| error.message)
    }

    fn line(line: &str) -> Given {
        Given::Line { line: line.into(), origin: "`ansible_ssh_common_args` of `web1`".into() }
    }

    #[test]
    fn options_are_read_as_ssh_reads_them() {
        let cases = [
            (
                "-o Port=1 -oUser=x -o 'ProxyCommand nc %h %p'",
                vec![line("Port=1"), line("User=x"), line("ProxyCommand nc %h %p")],
            ),
            ("-J a,b -p22", vec![line("ProxyJump=a,b"), line("Port=22")]),
            ("-4C", vec![line("AddressFamily=inet"), line("Compression=yes")]),
            (
                "-6 -i /k -l 'a b'",
                vec![line("AddressFamily=inet6"), Given::Identity("/k".into()), Given::User("a b".into())],
            ),
            ("-Co Port=1", vec![line("Compression=yes"), line("Port=1")]),
            ("", vec![]),
        ];
        for (written, wanted) in cases {
            let found = read(&[("ansible_ssh_common_args", written)]);
            assert_eq!(found.map(|found| (found.before, found.after)), Ok((vec![], wanted)), "{written}");
        }
    }

    #[test]
    fn the_order_is_that_of_ansible_and_our_own_names_win() {
        let found = read(&[
            ("ansible_ssh_extra_args", "-p 3"),
            ("ansible_ssh_common_args", "-p 2"),
            ("ansible_ssh_args", "-p 1"),
            ("oneex_ssh_args", "-p 0"),
        ]);
        let found = found.expect("arguments");
        let lines = |given: &[Given]| {
            let line = |given: &Given| match given {
                Given::Line { line, .. } => line.clone(),
                other => format!("{other:?}"),
            };
            given.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(
            (lines(&found.before), lines(&found.after)),
            (vec!["Port=0".to_owned()], vec!["Port=2".to_owned(), "Port=3".to_owned()])
        );
    }

    #[test]
    fn files_and_what_is_left_out() {
        let found = read(&[("ansible_ssh_common_args", "-A -F ~/c")]).expect("arguments");
        assert_eq!(found.source, Some(ConfigSource::File("/home/ops/c".into())));
        assert_eq!(found.ignored, ["`-A` (`ansible_ssh_common_args` of `web1`)"]);
        let none = read(&[("ansible_ssh_common_args", "-Fnone")]).expect("arguments");
        assert_eq!(none.source, Some(ConfigSource::None));
    }

    #[test]
    fn what_is_wrong_names_the_host_and_the_variable() {
        for (written, wanted) in [
            ("-L 1:a:2", "`-L` is not supported"),
            ("-C host", "`host` is no option of ssh"),
            ("-o", "`-o` has no value"),
            ("-p ''", "`-p` has no value"),
            ("'", "a quote is not closed in `'`"),
            ("-", "`-` is no option of ssh"),
            ("--help", "`--` is not supported"),
        ] {
            let found = read(&[("ansible_ssh_common_args", written)]).expect_err(written);
            assert_eq!(found, format!("`ansible_ssh_common_args` of `web1`: {wanted}"));
        }
    }
}
