//! What is written to a shell on the host, as POSIX text that no value can break.
//!
//! The shell keeps the channel's streams as descriptors 3 and 4. A command runs in a subshell that
//! becomes a session, and so a process group, of its own by `setsid`, so nothing that it does to
//! itself (`exit`, `exec`, closed descriptors, signals) reaches the shell. What an operation runs for
//! itself stays in the shell's own group, see [`plain`]. Frames, all of them `TOKEN TEXT ;` without the
//! blanks:
//!
//! | stream | text | meaning |
//! | --- | --- | --- |
//! | stdout | `hBOOT ID START GROUP BEGAN` | the shell is ready; the boot, the process that started it, and when that was; its process group and when that began, where nothing but the shell and what it starts is in it |
//! | stdout | `l`  | it waits for a request whose standard input is the channel |
//! | stdout | `pID START` | the command starts, in this process group, of which the first process began then |
//! | stderr | `s`  | the command starts |
//! | stdout | `d`  | its folder cannot be entered |
//! | stdout | `eSTATUS SIGNAL LEFT` | it ended; `SIGNAL` and `LEFT` may be `-` |
//! | stderr | `z`  | it ended |
//!
//! `LEFT` is `l` where the host ended a command whose time limit had passed (see [`super::claim`]). Otherwise it says that something of the command may still write to the channel: its process group lives, or
//! a process that it started has the channel open. No other command is given to that shell.
//!
//! `$?` does not tell a signal from a status above 128. A shell that ran a command in the foreground
//! says so in words (`Killed`): the substitution around the subshell catches them. bash stays silent
//! there, so with it a status that belongs to a signal counts as one; so do INT and PIPE everywhere.

use oneex_sdk::{Command, OpResult, quote};

use super::claim;
use super::functions::{Calls, Function};
use crate::shell::{printf_format, surroundings, words};

/// Up to here standard input travels inside the request: it always fits a pipe, so nobody waits.
pub(super) const LARGEST_INLINE: usize = 32 * 1024;

/// What a command reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input<'a> {
    /// These bytes, as part of the request.
    Inline(&'a [u8]),
    /// So many bytes that follow on the channel, to its end.
    Channel(u64),
}

/// A text without its indentation.
pub(super) fn one_line(text: &str) -> String {
    text.lines().map(str::trim_start).collect::<Vec<_>>().join(" ")
}

/// The first text for a new shell. Its process group is its own where it leads it, or where that was begun by what
/// made it a shell of another user: a server may have put its shells into one with itself.
pub(super) fn hello(token: &str, is_elevated: bool) -> String {
    let beginner = if is_elevated { "$PPID" } else { "$$" };
    format!(
        "exec 3>&1 4>&2 2>/dev/null;oneex_sh=$(command -v sh)||oneex_sh=/bin/sh;oneex_setsid=$(command -v setsid);{}\
         cd||cd /;read -r oneex_b </proc/sys/kernel/random/boot_id;oneex_h=;oneex_start $$;\
         case $oneex_j in $$|{beginner})oneex_start $oneex_j;oneex_h=\"$oneex_j $oneex_r\";;esac;oneex_start $PPID;\
         printf '%s' '{token}h'\"$oneex_b $PPID $oneex_r $oneex_h;\"\n",
        one_line(KEPT)
    )
}

/// Functions. `oneex_start` tells when a process began, and its group, proc(5). `oneex_kept` has status 0 unless it is
/// certain that nothing which the process `$1` started has the channel open.
///
/// What outlives its parent is adopted, as a rule by process 1; a subshell that outlives its own tells by whom. Ids of
/// processes are given out in order, so what is left of the command is, or is below, a child of the adopter that is
/// newer than `$1`: each of these is looked into. Only what has the channel open hands it on, so that what they start
/// meanwhile does not matter; what comes to the adopter meanwhile does, and so it is asked until there is nothing new.
/// One of another user cannot be looked into, and counts. Where the system does not tell who adopted whom, each newer
/// process is looked into. One that ended meanwhile cannot be looked into either, and does not count.
const KEPT: &str = r#"oneex_since(){ oneex_j=$3;shift 19;oneex_r=$1;};
    oneex_start(){ oneex_y=;oneex_r=;oneex_j=;read -r oneex_y oneex_r </proc/$1/stat&&oneex_since ${oneex_r##*) };};
    oneex_parent(){ read -r oneex_p oneex_r </proc/self/stat;
    oneex_r=${oneex_r##*) };oneex_r=${oneex_r#* };oneex_r=${oneex_r%% *};};
    oneex_adopter(){ oneex_a=$(read -r oneex_l oneex_r </proc/self/stat;
    { while oneex_parent;[ "$oneex_r" = "$oneex_l" ];do :;done;printf %s "$oneex_r $oneex_p";}&);
    oneex_own=${oneex_a#* };oneex_a=${oneex_a% *};};
    oneex_ended(){ read -r oneex_r </proc/$1/stat||return 0;
    case ${oneex_r##*) } in Z*|X*)return 0;;esac;return 1;};
    oneex_holds(){ oneex_ended $1&&return 1;
    [ -r /proc/$1/fd ]||{ ! oneex_ended $1;return;};
    for oneex_f in /proc/$1/fd/*;do
    if [ "$oneex_f" -ef /proc/self/fd/${oneex_o:-3} ]||[ "$oneex_f" -ef /proc/self/fd/${oneex_e:-4} ];then return 0;fi;
    done;return 1;};
    oneex_below(){ for oneex_f in "$@";do oneex_r=;[ -r "$oneex_f" ]&&read -r oneex_r <"$oneex_f";
    for oneex_l in $oneex_r;do
    case "$oneex_seen" in *" $oneex_l "*);;*)
    [ "$oneex_l" -gt "$oneex_i" ]&&oneex_todo="$oneex_todo $oneex_l";;esac;done;done;};
    oneex_kept(){ oneex_i=$1;oneex_l=;read -r oneex_r oneex_r oneex_r oneex_r oneex_l </proc/loadavg;
    [ -n "$oneex_l" ]&&[ "$oneex_l" -ge "$oneex_i" ]||return 0;
    [ -n "$oneex_a" ]||oneex_adopter;oneex_seen=" $oneex_own ";
    [ -r /proc/$oneex_a/task/$oneex_a/children ]||{ [ "$oneex_l" -le $((oneex_i+1024)) ]||return 0;
    while [ $((oneex_i+=1)) -le "$oneex_l" ];do oneex_holds $oneex_i&&return 0;done;return 1;};
    while oneex_todo=;oneex_below /proc/$oneex_a/task/$oneex_a/children;[ -n "$oneex_todo" ];do
    while [ -n "$oneex_todo" ];do oneex_now=$oneex_todo;oneex_todo=;
    for oneex_x in $oneex_now;do oneex_seen="$oneex_seen$oneex_x ";oneex_holds $oneex_x&&return 0;
    oneex_below /proc/$oneex_x/task/*/children;done;done;done;return 1;};"#;

/// Makes the shell read one request up to the line `end`, and leave the rest of the channel to the
/// command: `read` takes no byte more than its line, which the shell's own reading may. The shell
/// ends with the command, because what it did not read would be taken for the text of commands; only
/// one that `is_counted` and has status 0 is known to have read everything.
pub(super) fn loader(token: &str, end: &str, is_counted: bool) -> String {
    let last = if is_counted { "[ \"$oneex_s\" = 0 ]||exit" } else { "exit" };
    format!(
        "oneex_t=;printf '%s' '{token}l;';while IFS= read -r oneex_l&&[ \"$oneex_l\" != '{end}' ];\
         do oneex_t=\"$oneex_t$oneex_l\n\";done;eval \"$oneex_t\";{last}\n"
    )
}

/// Looks for what the command left.
const LEFT: &str = "{ kill -0 \"-$oneex_p\"||oneex_kept \"$oneex_p\";}&&oneex_g=g;";

/// The text that runs `command` and reports on it. With a claim, `folder` is where the host keeps what comes of it,
/// and the shell has been given [`claim::functions`].
pub(super) fn request(
    command: &Command,
    token: &str,
    input: Input<'_>,
    folder: Option<&str>,
) -> OpResult<String> {
    let surroundings = surroundings(command, &format!("printf '%s' '{token}d;';exit 126"))?;
    let words = words(command, "\"$oneex_sh\"")?;
    let claimed = command.claim.as_ref().zip(folder);
    let parts = claimed.map(|(claim, folder)| claim::parts(claim, command, folder, input));
    let (stdout, stderr) = if parts.is_some() { ("$oneex_o", "$oneex_e") } else { ("3", "4") };
    let claim::Parts { before, note, from, record, after } = parts.unwrap_or_default();
    let (feed, from) = match input {
        Input::Inline([]) => (String::new(), "</dev/null"),
        Input::Inline(bytes) => (format!("printf {}|", printf_format(bytes)), ""),
        Input::Channel(_) => (String::new(), from),
    };
    // Opened by the subshell itself, `/proc/self` is the subshell; other systems ask a child.
    let own_id = "{ oneex_start self;[ -n \"$oneex_y\" ]||oneex_y=$(exec sh -c 'echo $PPID');} 2>/dev/null;\
                  oneex_p=$oneex_y;[ -n \"$oneex_setsid\" ]||oneex_p=$$;";
    let left = if command.tidy { "" } else { LEFT };
    Ok(format!(
        "{before}oneex_m=$({{ {feed}({own_id}printf '%s;' \"$oneex_p\" >&5;exec 5>&-;{note}\
         printf '%s' '{token}p'\"$oneex_p $oneex_r;\";printf '%s' '{token}s;' >&2;{surroundings}\
         exec ${{oneex_setsid:+\"$oneex_setsid\"}} {words}){from} 5>&1 >&{stdout} 2>&{stderr} 3>&- 4>&- 7>&- 8>&-;\
         exit $?;}} 2>&1);oneex_s=$?;oneex_p=${{oneex_m%%;*}};oneex_m=${{oneex_m#*;}};oneex_n=-;oneex_g=-;\
         if [ $oneex_s -gt 128 ];then if [ -n \"$oneex_m$BASH_VERSION\" ]||[ $oneex_s = 130 ]||[ $oneex_s = 141 ];\
         then oneex_n=$(kill -l $oneex_s)||oneex_n=-;fi;fi;\
         {left}{record}\
         printf '%s' '{token}e'\"$oneex_s ${{oneex_n:--}} $oneex_g;\" >&{stdout};printf '%s' '{token}z;' >&{stderr};\
         {after}\n"
    ))
}

/// What an operation runs for itself, as the shell is given it.
#[derive(Debug)]
pub(super) struct Plain {
    /// The text.
    pub(super) text: String,
    /// What it calls.
    pub(super) functions: Vec<Function>,
    /// The shell says when it begins, as with every other command.
    pub(super) says_when: bool,
}

/// The text that runs what an operation runs for itself, which leaves nothing behind: in a subshell and nothing more,
/// for a program costs the host more than all the rest. Only for a shell that has a process group of its own; to end
/// the command is to end that group, and the shell with it. So it begins at once, unless it has to be waited for with
/// standard input.
pub(super) fn plain(command: &Command, token: &str, input: Input<'_>, mut calls: Calls) -> OpResult<Plain> {
    let surroundings = surroundings(command, &format!("printf '%s' '{token}d;';exit 126"))?;
    let (feed, from) = match input {
        Input::Inline([]) => (String::new(), "</dev/null"),
        Input::Inline(bytes) => (format!("printf {}|", printf_format(bytes)), ""),
        Input::Channel(_) => (String::new(), ""),
    };
    let says_when = matches!(input, Input::Channel(_));
    let begin = if says_when {
        format!("printf '%s' '{token}p'\"$oneex_h;\";printf '%s' '{token}s;' >&2;")
    } else {
        String::new()
    };
    let functions = calls.take_functions();
    let run = calls.text;
    let text = format!(
        "{feed}({begin}{surroundings}{run}){from} 2>&4 3>&- 4>&- 7>&- 8>&-;oneex_s=$?;oneex_n=-;\
         if [ $oneex_s -gt 128 ];then oneex_n=$(kill -l $oneex_s)||oneex_n=-;fi;\
         printf '%s' '{token}e'\"$oneex_s ${{oneex_n:--}} -;\";printf '%s' '{token}z;' >&4\n"
    );
    Ok(Plain { text, functions, says_when })
}

/// The text that removes a folder: one program, as nobody ends it or has anything of it.
pub(super) fn tidy(folder: &str, token: &str) -> String {
    let folder = quote(folder);
    format!(
        "rm -rf -- {folder};oneex_s=$?;printf '%s' '{token}p- ;{token}e'\"$oneex_s - -;\";\
         printf '%s' '{token}s;{token}z;' >&4\n"
    )
}

/// Ends the process group `$1`, and what else is left of its session where `pkill` is there.
/// Status 1 when something outlived it. The process tells its id before `setsid` makes it a group:
/// while there is the process and no group yet, it is waited for.
pub(super) const END_GROUP: &str = "\
gone() { i=0; while kill -0 \"-$1\" 2>/dev/null; do [ $i -ge 40 ] && return 1; i=$((i+1)); sleep 0.05 2>/dev/null || sleep 1; done; }
i=0
until kill -TERM \"-$1\" 2>/dev/null; do
    kill -0 \"$1\" 2>/dev/null || exit 0
    [ $i -ge 40 ] && break; i=$((i+1)); sleep 0.05 2>/dev/null || sleep 1
done
gone \"$1\" && exit 0
kill -KILL \"-$1\" 2>/dev/null
command -v pkill >/dev/null && pkill -KILL -s \"$1\"
gone \"$1\"";

/// How a command ended, as its last frame says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) status: i32,
    /// The signal's name without `SIG`.
    pub(super) signal: Option<String>,
    /// Something of it may still write to the channel.
    pub(super) is_left: bool,
    /// The host ended it, because its time limit had passed.
    pub(super) is_late: bool,
}

impl Ending {
    /// Reads `STATUS SIGNAL LEFT`, which is there as a whole or not at all: what was cut says something else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let &[status, signal, left] = words.as_slice() else { return None };
        let digits = status.len() <= 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        let status = status.parse().ok().filter(|_| digits)?;
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"+-".contains(&byte);
        if signal.is_empty() || !signal.bytes().all(named) || !["-", "g", "l"].contains(&left) {
            return None;
        }
        let signal = Some(signal).filter(|name| *name != "-").map(str::to_owned);
        Some(Self { status, signal, is_left: left != "-", is_late: left == "l" })
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::{END_GROUP, Ending, Input, hello, loader, plain, request};
    use crate::ssh::functions::Calls;
    use oneex_sdk::{Command, OpResult};
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command as Process, Stdio};

    /// Gives the text to a shell, as the host does, and returns both streams.
    fn shell(sh: &[&str], text: &[u8]) -> (String, String) {
        let mut child = Process::new(sh[0])
            .args(&sh[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the shell starts");
        child.stdin.take().expect("a pipe").write_all(text).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    /// As a shell is given it that knows no function.
    fn in_shell(command: &Command, input: Input<'_>) -> OpResult<String> {
        let calls = Calls::of(command)?;
        Ok(calls.definitions() + &plain(command, "T", input, calls)?.text)
    }

    fn ran(sh: &[&str], command: &Command) -> (String, String) {
        let input = Input::Inline(&command.stdin);
        let text = if command.tidy { in_shell(command, input) } else { request(command, "T", input, None) };
        let (stdout, stderr) = shell(sh, (hello("H", false) + &text.expect("it is valid")).as_bytes());
        let (hello, stdout) = stdout.split_once(';').expect("it says hello");
        assert_eq!(hello.trim_end().split(' ').count(), 3, "{hello}");
        if command.tidy {
            return (stdout.to_owned(), stderr);
        }
        let (_, stdout) = stdout.strip_prefix("Tp").and_then(|rest| rest.split_once(';')).expect("an id");
        // That something may be left is said too often rather than not at all, so only one test asks for it.
        (stdout.replace(" g;", " -;"), stderr)
    }

    #[test]
    fn streams_and_endings_are_told_in_every_shell() {
        for sh in [vec!["dash"], vec!["bash", "--posix"], vec!["bash"]] {
            let (stdout, stderr) =
                ran(&sh, &Command::shell("cat; echo e >&2; exit 3").stdin(b"a'\\%s\0".to_vec()));
            assert_eq!((stdout.as_str(), stderr.as_str()), ("a'\\%s\0Te3 - -;", "Ts;e\nTz;"), "{sh:?}");
            assert_eq!(ran(&sh, &Command::shell("kill -9 $$")).0, "Te137 KILL -;", "{sh:?}");
            assert_eq!(ran(&sh, &Command::shell("kill -TERM $$")).0, "Te143 TERM -;", "{sh:?}");
        }
        assert_eq!(ran(&["dash"], &Command::shell("exit 137")).0, "Te137 - -;");
    }

    #[test]
    fn what_is_not_yet_a_group_is_ended_too() {
        for sh in [vec!["dash"], vec!["bash"], vec!["busybox", "sh"]] {
            let mut late = Process::new("sh");
            let mut late = late.args(["-c", "sleep 0.2; exec setsid sleep 60"]).spawn().expect("it starts");
            let id = late.id().to_string();
            let mut ending = Process::new(sh[0]);
            let mut ended =
                ending.args(&sh[1..]).args(["-c", END_GROUP, "sh", &id]).spawn().expect("the shell starts");
            assert_eq!(late.wait().expect("it ends").signal(), Some(15), "{sh:?}");
            assert!(ended.wait().expect("it ends").success(), "{sh:?}");
        }
    }

    /// Says whether a command leaves something that may write to the channel. The shell has a space of process ids
    /// of its own, where no other test starts any, and what is left there ends with the shell.
    fn leaves(sh: &[&str], text: &str) -> bool {
        let alone =
            ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"];
        let sh = [&alone[..], &["sh", "-c", "\"$@\"; exit $?", "sh"], sh].concat();
        let text = hello("H", false)
            + &request(&Command::shell(text), "T", Input::Inline(b""), None).expect("it is valid");
        let (stdout, _) = shell(&sh, text.as_bytes());
        assert!(stdout.contains("Te0 - g;") || stdout.contains("Te0 - -;"), "{stdout}");
        stdout.contains("Te0 - g;")
    }

    #[test]
    fn what_a_command_leaves_is_told() {
        let shells = [
            vec!["dash"],
            vec!["bash", "--posix"],
            vec!["bash"],
            vec!["busybox", "ash"],
            vec!["busybox", "sh"],
        ];
        for sh in shells {
            for text in [
                "sleep 60 >/dev/null 2>&1 &",
                "setsid sleep 60 &",
                "setsid sleep 60 >/dev/null &",
                "setsid sleep 60 7>&1 >/dev/null 2>&1 &",
                "setsid sh -c 'exec 7>&1 >/dev/null 2>&1; sleep 60' &",
                "setsid sh -c 'exec 7>&2 >/dev/null 2>&1; setsid sleep 60 & sleep 0.1' &",
                "for i in 1 2 3 4 5 6 7 8; do /bin/true; done; setsid sleep 60 &",
            ] {
                assert!(leaves(&sh, text), "{sh:?}: {text}");
            }
            let apart = "d=$(mktemp -d); setsid sh -c \"mkdir $d/x; exec sleep 0.1\" >/dev/null 2>&1 & \
                         until [ -e $d/x ]; do :; done; rm -r $d";
            // More than are looked into one by one.
            let many = "i=0; while [ $i -lt 1100 ]; do (:); i=$((i+1)); done";
            for text in ["true", apart, "/bin/true; (/bin/true); /bin/true | cat", many] {
                assert!(!leaves(&sh, text), "{sh:?}: {text}");
            }
        }
    }

    #[test]
    fn what_is_tidy_runs_in_a_subshell() {
        let untouched = Command::script("a=2; cd /; set -e; umask 0; exec 3>&-; exit 3", ["$(id)"]).tidy();
        // `$$` would be the shell itself.
        let killed = "sh -c 'kill -9 $PPID'";
        for sh in [vec!["dash"], vec!["bash", "--posix"], vec!["bash"], vec!["busybox", "sh"]] {
            for (command, stdout, stderr) in [
                (
                    Command::script("printf '%s|' \"$@\"; echo e >&2", ["a b", "it's"]).tidy(),
                    "a b|it's|Te0 - -;",
                    "e\nTz;",
                ),
                (Command::shell("cat; exit 3").stdin(b"a'\\%s\0".to_vec()).tidy(), "a'\\%s\0Te3 - -;", "Tz;"),
                (Command::shell(killed).tidy(), "Te137 KILL -;", "Tz;"),
                (Command::argv(["printf", "%s", "$x"]).tidy(), "$xTe0 - -;", "Tz;"),
                (Command::shell("exec 1>&- 2>&-").tidy(), "Te0 - -;", "Tz;"),
                (untouched.clone(), "Te3 - -;", "Tz;"),
            ] {
                let told = ran(&sh, &command);
                assert_eq!((told.0.as_str(), told.1.as_str()), (stdout, stderr), "{sh:?}: {command:?}");
            }
        }
        let mut missing = Command::argv(["true"]).tidy();
        missing.cwd = Some("/no/such".into());
        assert_eq!(ran(&["dash"], &missing).0, "Td;Te126 - -;");
    }

    #[test]
    fn a_group_of_its_own_is_known() {
        let hello = |words: &[&str], is_elevated| {
            let said = shell(words, hello("H", is_elevated).as_bytes()).0;
            let words: Vec<&str> = said.trim_end_matches(';').split(' ').collect();
            let number = |at: usize| words.get(at).is_some_and(|word| word.parse::<u64>().is_ok());
            if number(3) && number(4) { "g" } else { "" }
        };
        for (words, is_elevated, expected) in [
            (vec!["setsid", "--fork", "--wait", "dash"], false, "g"),
            (vec!["setsid", "--fork", "--wait", "sh", "-c", "dash; exit"], false, ""),
            (vec!["setsid", "--fork", "--wait", "sh", "-c", "dash; exit"], true, "g"),
            (vec!["setsid", "--fork", "--wait", "sh", "-c", "sh -c 'dash; exit'; exit"], true, ""),
            (vec!["dash"], true, ""),
        ] {
            assert_eq!(hello(&words, is_elevated), expected, "{words:?}");
        }
    }

    #[test]
    fn a_missing_folder_is_told() {
        let mut command = Command::argv(["true"]);
        command.cwd = Some("/no/such".into());
        assert_eq!(ran(&["dash"], &command).0, "Td;Te126 - -;");
    }

    #[test]
    fn the_rest_of_the_channel_is_the_commands_own() {
        let command = Command::script("cat; echo \"$1\"", ["line\nEND of it"]);
        for sh in ["dash", "bash"] {
            let mut child =
                Process::new(sh).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
            let mut stdin = child.stdin.take().expect("a pipe");
            stdin.write_all((hello("H", false) + &loader("T", "END", false)).as_bytes()).expect("it reads");
            let (mut head, mut byte) = (String::new(), [0]);
            while !head.ends_with(";Tl;") {
                let mut stdout = child.stdout.as_mut().expect("a pipe");
                std::io::Read::read_exact(&mut stdout, &mut byte).expect("it answers");
                head.push(char::from(byte[0]));
            }
            let text = request(&command, "T", Input::Channel(9), None).expect("it is valid");
            stdin.write_all(format!("{text}END\nraw\0bytes").as_bytes()).expect("it reads");
            drop(stdin);
            let output = child.wait_with_output().expect("it ends");
            let stdout = String::from_utf8_lossy(&output.stdout).replace(" g;", " -;");
            assert!(stdout.contains(";raw\0bytesline\nEND of it\nTe0 - -;"), "{sh}: {stdout}");
        }
    }

    #[test]
    fn endings_are_read() {
        let killed = Ending { status: 137, signal: Some("KILL".into()), is_left: true, is_late: false };
        assert_eq!(Ending::parse("137 KILL g"), Some(killed));
        let well = Ending { status: 0, signal: None, is_left: false, is_late: false };
        assert_eq!(Ending::parse("0 - -"), Some(well));
        assert!(Ending::parse("143 TERM l").is_some_and(|late| late.is_late && late.is_left));
        assert_eq!(Ending::parse("x"), None);
    }
}
