//! What a host says of a user, in one round trip.

use super::entry::{GroupEntry, UserEntry};

/// Parameters: the name, then the groups that are wanted; input: the hash that is wanted. The hash that
/// the host has is compared there and does not travel.
///
/// One program lists all groups, and the shell takes from it the lines that count. A directory service may list none
/// of its own: what is not found is asked for by name.
pub(crate) const LOOK: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
name=$1; shift
entry() { if command -v getent >/dev/null; then getent "$1" "$2"; else grep "^$2:" "/etc/$1"; fi; }
all() { if command -v getent >/dev/null; then getent group; else cat /etc/group; fi; }
IFS= read -r wanted
gid=
if line=$(entry passwd "$name"); then
    echo "user $line"
    gid=${line#*:*:*:} gid=${gid%%:*}
    if [ -n "$wanted" ]; then
        if line=$(entry shadow "$name") && [ -n "$line" ]; then
            rest=${line#*:}
            [ "${rest%%:*}" != "$wanted" ] || echo same
        else
            echo hidden
        fi
    fi
fi
set -f
IFS='
'
listed=
for line in $(all); do
    number=${line#*:*:} number=${number%%:*}
    case ,${line##*:}, in *",$name,"*) take=yes ;; *) take= ;; esac
    for group in "$name" "$gid" "$@"; do
        if [ "$group" = "${line%%:*}" ] || [ "$group" = "$number" ]; then take=yes; listed=$listed:$group:; fi
    done
    [ -z "$take" ] || echo "group $line"
done
for group in "$gid" "$@"; do
    case $group in '') continue ;; esac
    case $listed in *":$group:"*) continue ;; esac
    line=$(entry group "$group") && echo "group $line"
done
echo end"#;

/// What a host says of a user.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct UserState {
    /// The user's own line.
    pub(crate) user: Option<UserEntry>,
    /// The groups that the user is in, those that are wanted, and the one of the user's name.
    pub(crate) groups: Vec<GroupEntry>,
    /// Whether the hash is the wanted one, where one is wanted.
    pub(crate) same_password: bool,
}

impl UserState {
    /// Reads what the look printed.
    pub(crate) fn parse(printed: &str, name: &str) -> Self {
        let mut found = Self::default();
        for line in printed.lines() {
            match line.split_once(' ') {
                Some(("user", entry)) => {
                    found.user = UserEntry::parse(entry).filter(|user| user.name == name)
                }
                Some(("group", entry)) => found.groups.extend(GroupEntry::parse(entry)),
                _ => found.same_password |= line == "same",
            }
        }
        found
    }

    /// The group that a script means by `word`, a name or a number.
    pub(crate) fn group(&self, word: &str) -> Option<&GroupEntry> {
        self.groups
            .iter()
            .find(|group| group.name == word)
            .or(self.groups.iter().find(|group| group.is(word)))
    }

    /// The name of that group; `word` itself where there is none.
    pub(crate) fn name_of(&self, word: &str) -> String {
        self.group(word).map_or_else(|| word.to_owned(), |group| group.name.clone())
    }

    /// The name of the primary group that the user has.
    pub(crate) fn primary(&self) -> Option<String> {
        self.user.as_ref().map(|user| self.name_of(&user.gid.to_string()))
    }

    /// The further groups that the user is in, and those that it is to be in, both sorted.
    /// `primary` is the primary group that it is to have, where one is named.
    pub(crate) fn further(
        &self,
        name: &str,
        primary: Option<&str>,
        groups: &[String],
        append: bool,
    ) -> (Vec<String>, Vec<String>) {
        let primary = primary.map(|word| self.name_of(word)).or_else(|| self.primary());
        let further = |name: &String| Some(name) != primary.as_ref();
        let is_member = |group: &&GroupEntry| group.members.iter().any(|member| member == name);
        let present = self.groups.iter().filter(is_member).map(|group| group.name.clone());
        let mut present: Vec<String> = present.filter(further).collect();
        let mut wanted: Vec<String> = groups.iter().map(|word| self.name_of(word)).filter(further).collect();
        if append {
            wanted.extend(present.iter().cloned());
        }
        for names in [&mut present, &mut wanted] {
            names.sort();
            names.dedup();
        }
        (present, wanted)
    }
}
