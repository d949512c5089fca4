//! The lines of passwd(5) and group(5).

/// A user, as a line of passwd(5) has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserEntry {
    /// The login name.
    pub(crate) name: String,
    /// The user's number.
    pub(crate) uid: u32,
    /// The number of the primary group.
    pub(crate) gid: u32,
    /// The comment field, often the full name.
    pub(crate) comment: String,
    /// The home folder.
    pub(crate) home: String,
    /// The login shell.
    pub(crate) shell: String,
}

impl UserEntry {
    /// Reads a line; nothing where it is none.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, comment, home, shell] = fields[..] else { return None };
        Some(Self {
            name: name.to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            comment: comment.to_owned(),
            home: home.to_owned(),
            shell: shell.to_owned(),
        })
    }
}

/// A group, as a line of group(5) has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupEntry {
    /// The name.
    pub(crate) name: String,
    /// The group's number.
    pub(crate) gid: u32,
    /// The users that the group lists; those whose primary group it is are not among them.
    pub(crate) members: Vec<String>,
}

impl GroupEntry {
    /// Reads a line; nothing where it is none.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, gid, members] = fields[..] else { return None };
        let members = members.split(',').map(str::trim).filter(|name| !name.is_empty());
        Some(Self {
            name: name.to_owned(),
            gid: gid.parse().ok()?,
            members: members.map(str::to_owned).collect(),
        })
    }

    /// Says whether a script means this group by `word`, its name or its number.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.name == word || self.gid.to_string() == word
    }
}

#[cfg(test)]
mod tests {
    use super::{GroupEntry, UserEntry};

    #[test]
    fn lines_are_read_field_by_field() {
        let user = UserEntry::parse("ops:x:1001:1002:Ops, Room 1,,:/home/ops:/bin/bash").expect("a user");
        assert_eq!((user.name.as_str(), user.uid, user.gid), ("ops", 1001, 1002));
        assert_eq!((user.comment.as_str(), user.home.as_str()), ("Ops, Room 1,,", "/home/ops"));
        assert_eq!(user.shell, "/bin/bash");
        let group = GroupEntry::parse("adm:x:4:syslog,ops").expect("a group");
        assert_eq!(group.members, ["syslog", "ops"]);
        assert!(group.is("adm") && group.is("4") && !group.is("ad"));
        assert!(GroupEntry::parse("empty:x:5:").is_some_and(|group| group.members.is_empty()));
    }

    #[test]
    fn what_is_no_entry_is_none() {
        for line in ["", "ops", "+::::::", "ops:x:-1:0:::", "ops:x:1:1:c:/h", "ops:x:1:1:c:/h:/s:more"] {
            assert_eq!(UserEntry::parse(line), None, "{line}");
        }
        for line in ["", "adm", "adm:x:many:", "adm:x:4", "+:::", "a:b:1:c:d"] {
            assert_eq!(GroupEntry::parse(line), None, "{line}");
        }
    }
}
