//! Tokens (`%h`) and variables (`${NAME}`) in values; see `TOKENS` in ssh_config(5).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha1::{Digest, Sha1};

use super::machine::Machine;

/// What most keywords may use.
pub(crate) const MOST: &str = "CLdhijklnpru";
/// What `User` may use: what does not hang on it.
pub(crate) const USER: &str = "Ldhijklnpu";
/// What `ProxyCommand` and `ProxyJump` may use.
pub(crate) const PROXY: &str = "hknpr";
/// What `HostName` may use.
pub(crate) const NAME: &str = "h";

/// What the tokens stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// `%h`: the host to connect to.
    pub(crate) host: String,
    /// `%n`: the name as it was asked for.
    pub(crate) original: String,
    /// `%k`: the alias of the host's key.
    pub(crate) alias: String,
    /// `%p`.
    pub(crate) port: u16,
    /// `%r`: the user on the host.
    pub(crate) user: String,
    /// `%j`: the last jump host, or nothing.
    pub(crate) jump: String,
}

impl Tokens {
    /// Replaces the tokens of `allowed`, and variables too where `variables` are given. Fails with a message.
    pub(crate) fn expand(
        &self,
        text: &str,
        allowed: &str,
        machine: &Machine,
        variables: Option<&BTreeMap<String, String>>,
    ) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['%', '$']) {
            expanded.push_str(&rest[..at]);
            rest = &rest[at..];
            if let (Some(named), Some(variables)) = (rest.strip_prefix("${"), variables) {
                let (name, after) = named.split_once('}').ok_or("`${` is not closed by `}`")?;
                let value = variables.get(name);
                expanded.push_str(value.ok_or_else(|| format!("the variable `${{{name}}}` is not set"))?);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('%') {
                let token = after.chars().next().ok_or("a `%` stands at the end")?;
                match token {
                    '%' => expanded.push('%'),
                    token if allowed.contains(token) => expanded.push_str(&self.value(token, machine)),
                    token => return Err(format!("`%{token}` means nothing here")),
                }
                rest = &after[token.len_utf8()..];
            } else {
                expanded.push('$');
                rest = &rest[1..];
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// The path of a file: `~` first, then tokens and variables. Fails with a message.
    pub(crate) fn file(&self, path: &str, machine: &Machine) -> Result<String, String> {
        self.expand(&machine.expand_home(path)?, MOST, machine, Some(&machine.variables))
    }

    fn value(&self, token: char, machine: &Machine) -> String {
        let name = &machine.host_name;
        match token {
            'C' => self.connection(machine),
            'L' => name.split('.').next().unwrap_or_default().to_owned(),
            'd' => machine.home.as_ref().map(|home| home.display().to_string()).unwrap_or_default(),
            'h' => self.host.clone(),
            'i' => machine.uid.to_string(),
            'j' => self.jump.clone(),
            'k' => self.alias.clone(),
            'l' => name.clone(),
            'n' => self.original.clone(),
            'p' => self.port.to_string(),
            'r' => self.user.clone(),
            _ => machine.user.clone(),
        }
    }

    /// `%C`: a hash of `%l%h%p%r%j`.
    fn connection(&self, machine: &Machine) -> String {
        let port = self.port.to_string();
        let parts = [&machine.host_name, &self.host, &port, &self.user, &self.jump];
        let digest = parts.into_iter().fold(Sha1::new(), |digest, part| digest.chain_update(part));
        digest.finalize().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{MOST, Machine, NAME, PROXY, Tokens};

    #[test]
    fn tokens_are_replaced_where_they_are_allowed() {
        let machine = Machine {
            home: Some("/home/me".into()),
            user: "me".into(),
            uid: 1000,
            host_name: "box.lan".into(),
            ..Machine::default()
        };
        let text = |text: &str| text.to_owned();
        let tokens = Tokens {
            host: text("10.0.0.1"),
            original: text("web"),
            alias: text("key"),
            port: 2222,
            user: text("ops"),
            jump: text("gate"),
        };
        let variables = BTreeMap::from([(text("PLACE"), text("here"))]);
        let right = [
            ("%%%h %n %k %p %r %j", MOST, "%10.0.0.1 web key 2222 ops gate"),
            ("%d %u %i %l %L", MOST, "/home/me me 1000 box.lan box"),
            ("nc %h %p", PROXY, "nc 10.0.0.1 2222"),
            ("%h.example", NAME, "10.0.0.1.example"),
            ("${PLACE}/$HOME/$", MOST, "here/$HOME/$"),
            ("naïve", MOST, "naïve"),
        ];
        for (written, allowed, wanted) in right {
            let found = tokens.expand(written, allowed, &machine, Some(&variables));
            assert_eq!(found.as_deref(), Ok(wanted), "{written}");
        }
        // printf %s box.lan10.0.0.12222opsgate | sha1sum
        let hash = tokens.expand("%C", MOST, &machine, None);
        assert_eq!(hash.as_deref(), Ok("e1a863697ef92e182945555d1f17d0a2761f721a"));
        for (written, allowed) in
            [("%u", PROXY), ("%p", NAME), ("%", MOST), ("%é", MOST), ("${NO}", MOST), ("${x", MOST)]
        {
            assert!(tokens.expand(written, allowed, &machine, Some(&variables)).is_err(), "{written}");
        }
        assert_eq!(tokens.expand("${NO}", MOST, &machine, None).as_deref(), Ok("${NO}"));
    }
}
