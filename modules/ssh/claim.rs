//! Commands that outlive the connection, and are run once however often they are sent.
//!
//! Where the shell can make the private folder of the run, it becomes the supervisor of such a command: it makes a
//! file in the command's name, which is the claim to run it and fails where somebody else made it, and gives the
//! command pipes instead of the channel. Behind each pipe is a tee(1), once for all commands of the shell, which
//! passes on what comes, keeps it in a file, and goes on when the channel is gone. So the command never notices,
//! and the shell, which has nothing more to read, ends after it has noted how it ended. Where the same command is
//! sent again, on another connection, the claim is there: it is waited for, and what was kept is the reply.
//!
//! | file | holds |
//! | --- | --- |
//! | `ID` | the claim: boot id, process and its start of the shell; process group of the command and its start; how it ended |
//! | `ID.l` | its time limit passed |
//! | `PID.1`, `PID.2` | what the shell's last command wrote, up to 8 MiB, with its frames |
//! | `PID.a`, `PID.b` | the pipes |
//! | `PID.i` | standard input, while it is received |
//!
//! Further frames, on standard output:
//!
//! | stdout | meaning |
//! | --- | --- |
//! | `w` | it waits for standard input |
//! | `i` | there is no room for that |
//! | `u` | no folder can be made, and it waits for the line `go`: then nobody can know of the command any more |
//! | `j` | it was sent before; what follows is what is known of it |
//! | `n` | nothing is |
//! | `rSTATUS SIGNAL LEFT` | it ended so, and its output, as far as it was kept, was told before |
//!
//! On standard error, `y` says the latter.

use std::fmt::Write as _;
use std::time::Duration;

use oneex_sdk::{Claim, Command, OpError, quote};

use super::request::{END_GROUP, Input, one_line};

/// How long after the controller the host itself ends a command that takes too long.
const GRACE: Duration = Duration::from_secs(5);

/// What a shell has to know before its first such command.
///
/// Only who made a claim takes it back. One that is empty was made this very moment by somebody else, who is given the
/// time to write it.
///
/// A place begins with the seconds since 1970: one that is a week older than ours is forgotten, and removed.
const FUNCTIONS: &str = r#"oneex_start $$;oneex_v="$oneex_b $$ $oneex_r";
    oneex_tee(){ umask 077;trap '' HUP PIPE XFSZ;ulimit -f 16384;exec tee -a "$1" /dev/null;};
    oneex_old(){ oneex_y=${oneex_d#*-};oneex_y=${oneex_y%%-*};for oneex_f in /tmp/oneex-*;do
    oneex_l=${oneex_f#*-};oneex_l=${oneex_l%%-*};
    case $oneex_l in [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]);;*)continue;;esac;
    [ $((oneex_y-oneex_l)) -gt 604800 ]&&[ -O "$oneex_f" ]&&[ ! -L "$oneex_f" ]&&rm -rf "$oneex_f";done;};
    oneex_ward(){ [ "$oneex_w" = "$oneex_d" ]&&return;[ -z "$oneex_w$oneex_u" ]||return 1;oneex_u=1;
    [ -n "$oneex_setsid" ]&&command -v tee >/dev/null||return 1;
    [ -d "$oneex_d" ]||mkdir -m 700 "$oneex_d";
    [ -O "$oneex_d" ]&&[ ! -L "$oneex_d" ]&&mkfifo "$oneex_d/$$.a" "$oneex_d/$$.b"||return 1;
    oneex_tee "$oneex_d/$$.1" <"$oneex_d/$$.a" >&3 3>&- 4>&- &
    oneex_tee "$oneex_d/$$.2" <"$oneex_d/$$.b" >&4 3>&- 4>&- &
    exec 7>"$oneex_d/$$.a" 8>"$oneex_d/$$.b";trap : HUP PIPE;oneex_w=$oneex_d;oneex_old;};
    oneex_own(){ oneex_o=3;oneex_e=4;oneex_c="$oneex_d/$oneex_i";
    if [ ! -s "$oneex_c" ]&&[ -n "$oneex_z" ]&&[ "$oneex_z" != "$oneex_b" ];then
    printf '%s' "${oneex_t}n;";return 1;fi;
    if oneex_ward&&[ ! -e "$oneex_c" ];then
    oneex_x=;set -C;{ oneex_x=1;printf '%s\n' "$oneex_v"&&oneex_o=7&&oneex_e=8;} >"$oneex_c";set +C;
    if [ $oneex_o = 7 ];then printf '' >"$oneex_d/$$.1";printf '' >"$oneex_d/$$.2";return 0;fi;
    [ -z "$oneex_x" ]||rm -f "$oneex_c";fi;
    if [ -e "$oneex_c" ]&&[ ! -s "$oneex_c" ];then sleep 1;fi;
    if [ -s "$oneex_c" ];then oneex_join;return 1;fi;
    if [ -e "$oneex_c" ];then printf '%s' "${oneex_t}n;";return 1;fi;
    printf '%s' "${oneex_t}u;";read -r oneex_y&&[ "$oneex_y" = go ]||exit 1;};
    oneex_store(){ printf '%s' "${oneex_t}w;";head -c "$1" >"$oneex_d/$$.i";
    [ "$(wc -c <"$oneex_d/$$.i")" -eq "$1" ]&&exec 9<"$oneex_d/$$.i"&&rm -f "$oneex_d/$$.i"&&return;
    rm -f "$oneex_c" "$oneex_d/$$.i";printf '%s' "${oneex_t}i;";exit 1;};"#;

/// Waits for a command that was sent before, and tells what is kept of it.
///
/// That its shell is gone is believed only when nothing was noted after it was: it may have ended just now.
const JOIN: &str = r#"oneex_join(){ printf '%s' "${oneex_t}j;";oneex_g=;oneex_q=;while :;do
    { read -r oneex_l oneex_p oneex_n;read -r oneex_x;read -r oneex_s;} <"$oneex_c";
    if [ -n "$oneex_x" ]&&[ -z "$oneex_g" ];then
    oneex_g=1;printf '%s' "${oneex_t}p$oneex_x;";printf '%s' "${oneex_t}s;" >&4;fi;
    [ -z "$oneex_s" ]||break;
    if [ -n "$oneex_q" ];then printf '%s' "${oneex_t}n;";return;fi;
    oneex_start "$oneex_p";
    if [ "$oneex_l" = "$oneex_b" ]&&[ "$oneex_n" = "$oneex_r" ]&&kill -0 "$oneex_p";then sleep 0.2||sleep 1;
    else oneex_q=1;fi;done;
    oneex_f="$oneex_d/$oneex_p";oneex_q=0;
    until tail -c 200 "$oneex_f.1"|grep -q "${oneex_t}e"||[ $oneex_q -ge 10 ];do
    oneex_q=$((oneex_q+1));sleep 0.1||sleep 1;done;
    if head -c 200 "$oneex_f.1"|grep -q "${oneex_t}p";then cat "$oneex_f.1";cat "$oneex_f.2" >&4;fi;
    printf '%s' "${oneex_t}r$oneex_s;";printf '%s' "${oneex_t}y;" >&4;};"#;

/// What is written to a shell before its first claimed command.
pub(super) fn functions() -> String {
    format!("{} {}\n", one_line(FUNCTIONS), one_line(JOIN))
}

/// The frames of a claimed command begin with this, so that who knows the claim can read what is kept of it.
pub(super) fn token(claim: &Claim) -> String {
    format!("oneex{}", claim.id)
}

/// The folder of the run on the host, for the commands of one user.
pub(super) fn folder(claim: &Claim, user: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("/tmp/oneex-{}-{}", claim.place, user.chars().map(plain).collect::<String>())
}

/// The connection was lost, and the host knows nothing of the command.
pub(super) fn unknown() -> OpError {
    OpError::failed(
        "the connection was lost while the command ran, and the host does not know what became of it",
    )
    .hint("look at the host before it is run again: it may have ended, and it may have been cut off")
    .fate_unknown()
}

/// The host cannot take the command's standard input.
pub(super) fn no_room() -> OpError {
    OpError::failed("the host has no room in `/tmp` for the standard input of the command")
}

/// Parts of the text of a claimed command.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Comes before it, and says whether it is run.
    pub(super) before: String,
    /// Notes its process group, from inside.
    pub(super) note: String,
    /// Where it reads from.
    pub(super) from: &'static str,
    /// Notes how it ended.
    pub(super) record: String,
    /// Comes after it.
    pub(super) after: String,
}

/// The parts for this command, in this folder.
pub(super) fn parts(claim: &Claim, command: &Command, folder: &str, input: Input<'_>) -> Parts {
    let mut parts = Parts::default();
    let _ = write!(
        parts.before,
        "oneex_t={};oneex_d={};oneex_i={};oneex_z={};if oneex_own;then ",
        quote(&token(claim)),
        quote(folder),
        quote(&claim.id),
        quote(claim.boot.get().map_or("", String::as_str))
    );
    if let Input::Channel(length) = input {
        let _ = write!(parts.before, "if [ $oneex_o = 7 ];then oneex_store {length};else exec 9<&0;fi;");
        parts.from = "<&9 9<&-";
    }
    parts.note = r#"if [ $oneex_o = 7 ];then printf '%s\n' "$oneex_p $oneex_r" >>"$oneex_c";fi;"#.to_owned();
    parts.record = concat!(
        r#"if [ $oneex_o = 7 ];then [ ! -e "$oneex_c.l" ]||oneex_g=l;"#,
        r#"printf '%s\n' "$oneex_s ${oneex_n:--} $oneex_g" >>"$oneex_c";fi;"#
    )
    .to_owned();
    "oneex_o=;oneex_e=;".clone_into(&mut parts.after);
    if let Some(limit) = command.timeout {
        parts.before.push_str(&watch(limit));
        parts.after.push_str("[ -z \"$oneex_k\" ]||kill \"$oneex_k\";");
    }
    parts.after.push_str("fi");
    parts
}

/// Ends the command when its limit has passed on the host: nobody else would where the controller does not come back.
fn watch(limit: Duration) -> String {
    let seconds = limit.saturating_add(GRACE).as_secs();
    let end = quote(END_GROUP);
    format!(
        "oneex_k=;if [ $oneex_o = 7 ];then (trap 'kill $oneex_k' TERM;sleep {seconds}& oneex_k=$!;wait $oneex_k||exit;\
         {{ read -r oneex_x;read -r oneex_p oneex_x;read -r oneex_x&&exit;:;}} <\"$oneex_c\"||exit;: >\"$oneex_c.l\";\
         exec \"$oneex_sh\" -c {end} sh \"$oneex_p\") </dev/null >/dev/null 3>&- 4>&- 7>&- 8>&- & oneex_k=$!;fi;"
    )
}

#[cfg(test)]
mod tests;
