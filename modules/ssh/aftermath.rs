//! What a lost connection leaves on the host, and how the next one ends it.
//!
//! A server that the controller cannot reach any more learns of it late or never: its process goes on, and with it
//! the shells. And a command goes on until it writes something. Both are told from a process that was given the
//! same id since by the boot and by when they began, proc(5).

use oneex_sdk::Command;

use super::request::END_GROUP;

/// Ends what the script that follows calls `$2`, unless it is another by now: `$1` is the boot, `$3` when it began.
const SAME: &str = "\
since() { shift 19; began=$1; }
read -r boot </proc/sys/kernel/random/boot_id && [ \"$boot\" = \"$1\" ] || exit 0
began=; { read -r id rest </proc/\"$2\"/stat; } 2>/dev/null && since ${rest##*) }
";

/// Ends the process that serves the lost connection.
const END_SESSION: &str = "[ \"$began\" = \"$3\" ] && kill \"$2\" || :";

/// Lets a process group end by itself for five seconds, as what writes to a lost connection does, and ends it then.
/// It may live on without its first process, whose id nobody is given meanwhile.
const SETTLE: &str = "\
[ -z \"$began\" ] || [ \"$began\" = \"$3\" ] || exit 0
i=0
while kill -0 -\"$2\" 2>/dev/null && [ $i -lt 50 ]; do i=$((i+1)); sleep 0.1 2>/dev/null || sleep 1; done
set -- \"$2\"
";

/// Ends the server's part of a connection; `hello` is what the first shell of the user said: boot, process, start.
pub(super) fn end_session(hello: &str) -> Option<Command> {
    let words: Vec<&str> = hello.split(' ').collect();
    let [boot, process, start] = words[..] else { return None };
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let is_known = !boot.is_empty() && is_number(process) && is_number(start);
    is_known.then(|| Command::script(format!("{SAME}{END_SESSION}"), [boot, process, start]))
}

/// Waits for a command that may still run, and ends it at last.
pub(super) fn settle(boot: &str, group: &str, start: &str, user: Option<&str>) -> Option<Command> {
    if boot.is_empty() || start.is_empty() {
        return None;
    }
    let mut command = Command::script(format!("{SAME}{SETTLE}{END_GROUP}"), [boot, group, start]);
    command.user = user.map(str::to_owned);
    Some(command)
}

#[cfg(test)]
mod tests;
