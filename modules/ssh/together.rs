//! Commands that only read, as one request and one reply.
//!
//! One shell runs them one after the other; a script that answers for several is run once for all of its kind. After
//! each, `TOKEN STATUS ;` is written to standard output and `TOKEN ;` to standard error, without the blanks. The token is
//! random, so no output is taken for an end.

use std::time::Duration;

use oneex_sdk::{Command, CommandOutput, CutOutput, Exit, OpResult, Program};

use super::frames::new_token;
use super::functions::Calls;
use crate::shell::surroundings;

/// The longest text: it is one argument, which a system limits to 128 KiB when it is quoted.
const LONGEST: usize = 48 * 1024;
/// How long all of them may take: what hangs is asked again by itself.
const LIMIT: Duration = Duration::from_secs(20);

/// Several commands as one.
pub(super) struct Together {
    /// What is run where it is to be a command of its own.
    pub(super) command: Command,
    /// The same, for a shell that can be told functions.
    pub(super) calls: Calls,
    token: String,
    /// Which command each of the answers is of.
    order: Vec<usize>,
    count: usize,
}

impl Together {
    /// Puts as many of the commands together as fit; at least the first.
    pub(super) fn of(commands: &[Command]) -> OpResult<Self> {
        let token = new_token();
        let (mut calls, mut keep, mut order) = (Calls::default(), 0_usize, Vec::new());
        calls.push(
            &format!("answered(){{ printf '%s' '{token}'\"$1;\";printf '%s' '{token};' >&2;}}\n"),
            Vec::new(),
        );
        let mut size = 0;
        for group in groups(commands)? {
            let is_first = order.is_empty();
            size += script(&commands[group[0]]).len();
            let fits = |(place, index): &(usize, usize)| {
                size += 256 + arguments(&commands[*index]).iter().map(|text| text.len() + 16).sum::<usize>();
                (is_first && *place == 0) || size <= LONGEST
            };
            let fitting = group.into_iter().enumerate().take_while(fits).map(|(_, index)| index);
            let fitting: Vec<usize> = fitting.collect();
            if fitting.is_empty() {
                break;
            }
            let mut part = part(&fitting.iter().map(|index| &commands[*index]).collect::<Vec<_>>())?;
            let functions = part.take_functions();
            calls.push(&part.text, functions);
            keep = fitting.iter().map(|index| commands[*index].keep).fold(keep, usize::saturating_add);
            order.extend(fitting);
        }
        let mut command = Command::shell(calls.definitions() + &calls.text);
        command.user = commands.first().and_then(|first| first.user.clone());
        command.keep = keep.min(Command::KEEP * 4);
        command.timeout = Some(LIMIT);
        command.tidy = commands.iter().all(|command| command.tidy);
        Ok(Self { command, calls, token, order, count: commands.len() })
    }

    /// Takes the reply apart; nothing for what has no end in it.
    pub(super) fn answers(&self, output: &CommandOutput) -> Vec<Option<CommandOutput>> {
        let (mut stdout, mut stderr) = (output.stdout.as_slice(), output.stderr.as_slice());
        let answers = std::iter::from_fn(|| {
            let (before, after) = split(stdout, self.token.as_bytes())?;
            let (status, rest) = split(after, b";")?;
            let (errors, rest_of_errors) = split(stderr, format!("{};", self.token).as_bytes())?;
            (stdout, stderr) = (rest, rest_of_errors);
            let exit = Exit::Code(std::str::from_utf8(status).ok()?.parse().ok()?);
            Some(CommandOutput {
                exit,
                stdout: before.to_vec(),
                stderr: errors.to_vec(),
                cut: CutOutput::default(),
            })
        });
        let mut all = vec![None; self.count];
        for (answer, index) in answers.zip(&self.order) {
            all[*index] = Some(answer);
        }
        all
    }
}

/// The commands by what they run: those of one script that answers for several are together, at the place of the first.
fn groups(commands: &[Command]) -> OpResult<Vec<Vec<usize>>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        let is_joined = repeats(command)?;
        let same = |group: &&mut Vec<usize>| {
            let first = &commands[group[0]];
            script(first) == script(command) && arguments(first).len() == arguments(command).len()
        };
        match groups.iter_mut().find(same).filter(|_| is_joined) {
            Some(group) if repeats(&commands[group[0]])? => group.push(index),
            _ => groups.push(vec![index]),
        }
    }
    Ok(groups)
}

/// Says whether it answers for several, in surroundings that all of them share.
fn repeats(command: &Command) -> OpResult<bool> {
    Ok(command.repeats && !arguments(command).is_empty() && surroundings(command, "")?.is_empty())
}

fn script(command: &Command) -> &str {
    match &command.program {
        Program::Shell { text, .. } => text,
        Program::Argv(_) => "",
    }
}

fn arguments(command: &Command) -> &[String] {
    match &command.program {
        Program::Shell { args, .. } | Program::Argv(args) => args,
    }
}

/// The text that runs them, of which there is one or which run the same script, and says how each ended.
fn part(commands: &[&Command]) -> OpResult<Calls> {
    let mut command = commands[0].clone();
    let (before, after) = match &mut command.program {
        Program::Shell { args, .. } if repeats(commands[0])? => {
            let each = args.len();
            *args = commands.iter().flat_map(|command| arguments(command)).cloned().collect();
            (format!("oneex_each={each};"), "")
        }
        _ => (surroundings(commands[0], "exit 126")?, "answered \"$?\""),
    };
    let mut calls = Calls::of(&command)?;
    calls.text = format!("({before}{}) </dev/null;{after}\n", calls.text);
    Ok(calls)
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = memchr::memmem::find(bytes, at)?;
    Some((&bytes[..place], &bytes[place + at.len()..]))
}

#[cfg(test)]
mod spoiled;

#[cfg(test)]
mod tests {
    use oneex_sdk::{Command, CommandOutput, CutOutput, Exit};

    use super::{LONGEST, Together};

    /// What comes of them when `sh` runs them here.
    fn ran(sh: &str, commands: &[Command]) -> Vec<Option<(i32, String, String)>> {
        let together = Together::of(commands).expect("they are valid");
        let process = std::process::Command::new(sh).arg("-c").arg(together.command.line()).output();
        let process = process.expect("it runs");
        let exit = Exit::Code(process.status.code().expect("a status"));
        let output =
            CommandOutput { exit, stdout: process.stdout, stderr: process.stderr, cut: CutOutput::default() };
        let answers = together.answers(&output).into_iter();
        let told = |one: CommandOutput| (one.code(), one.stdout_text(), one.stderr_text());
        answers.map(|one| one.map(told)).collect()
    }

    #[test]
    fn each_has_its_own_streams_and_status() {
        let mut folder = Command::shell("pwd");
        folder.cwd = Some("/usr".into());
        let commands = [
            Command::script("printf '%s|' \"$@\"; echo e >&2; exit 3", ["a b", "$(id)", "", "it's\n"]),
            Command::shell("cat; exec 1>&- 2>&-"),
            Command::argv(["sh", "-c", "kill -9 $$"]),
            folder,
            Command::argv(["printf", "\\0;\\n"]).env("X", "1"),
            Command::argv(["no-such-program"]),
            Command::shell("set -e; x() { exit 4; }; a=1; exec 3>&-; x"),
            Command::shell("if"),
            Command::script("echo \"$# ${a-unset}\"; x", ["y"]),
        ];
        for sh in ["dash", "bash"] {
            let answers = ran(sh, &commands);
            let told = |index: usize| answers[index].clone().expect("an answer");
            assert_eq!(told(0), (3, "a b|$(id)||it's\n|".into(), "e\n".into()), "{sh}");
            assert_eq!(told(1), (0, String::new(), String::new()), "{sh}");
            assert_eq!(told(2).0, 137, "{sh}");
            assert_eq!(told(3), (0, "/usr\n".into(), String::new()), "{sh}");
            assert_eq!(told(4), (0, "\0;\n".into(), String::new()), "{sh}");
            assert_eq!(told(5).0, 127, "{sh}");
            assert_eq!(told(6).0, 4, "{sh}");
            assert_ne!(told(7).0, 0, "{sh}");
            assert_eq!((told(8).0, told(8).1.as_str()), (127, "1 unset\n"), "{sh}");
        }
    }

    #[test]
    fn a_script_that_answers_for_several_is_run_once() {
        let text = "while [ $# -ge 2 ]; do echo \"$$ $1 $2 ${oneex_each-}\"; echo \"e$1\" >&2; \
                    [ \"$1\" != stop ] || exit 3; [ -z \"${oneex_each-}\" ] || answered \"${#2}\"; shift 2; done";
        let several = |one: &str, two: &str| Command::script(text, [one, two]).repeats();
        let mut elsewhere = several("x", "y");
        elsewhere.cwd = Some("/".into());
        let commands = [
            several("a b", "1"),
            Command::shell("echo other"),
            several("$(id)", ""),
            elsewhere,
            several("c", "333"),
        ];
        for sh in ["dash", "bash"] {
            let answers = ran(sh, &commands);
            let told = |index: usize| {
                let (code, stdout, stderr) = answers[index].clone()?;
                Some((code, stdout.split_once(' ')?.1.to_owned(), stderr))
            };
            assert_eq!(told(0), Some((1, "a b 1 2\n".into(), "ea b\n".into())), "{sh}");
            assert_eq!(answers[1], Some((0, "other\n".into(), String::new())), "{sh}");
            assert_eq!(told(2), Some((0, "$(id)  2\n".into(), "e$(id)\n".into())), "{sh}");
            assert_eq!(told(4), Some((3, "c 333 2\n".into(), "ec\n".into())), "{sh}");
            let shell = |index: usize| answers[index].as_ref().and_then(|one| one.1.split(' ').next());
            assert_eq!(shell(0), shell(4), "{sh}");
        }
        // What comes after one that ends the script is to be asked alone.
        let answers = ran("dash", &[several("a", "1"), several("stop", "1"), several("b", "1")]);
        assert_eq!(answers.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = Command::script("echo \"$1\" | wc -c", ["x".repeat(LONGEST / 2)]);
        let answers = ran("dash", &[long.clone(), Command::shell("echo 2"), long.clone(), long]);
        let codes: Vec<_> =
            answers.iter().map(|one| one.as_ref().map(|one| one.1.trim().to_owned())).collect();
        let counted = Some((LONGEST / 2 + 1).to_string());
        assert_eq!(codes, [counted, Some("2".to_owned()), None, None]);
    }

    #[test]
    fn what_is_cut_has_no_answer() {
        let together = Together::of(&[Command::shell("x"), Command::shell("y")]).expect("valid");
        let token = &together.token;
        for (stdout, stderr, answered) in [
            (format!("a{token}0;b{token}1;"), format!("{token};{token};"), 2),
            (format!("a{token}0;b{token}1"), format!("{token};{token};"), 1),
            (format!("a{token}0;b{token}1;"), format!("{token};"), 1),
            (format!("a{token}x;b{token}1;"), format!("{token};{token};"), 0),
            (String::new(), String::new(), 0),
            (format!("{token}0;").repeat(9), format!("{token};").repeat(9), 2),
        ] {
            let output = CommandOutput {
                exit: Exit::Code(0),
                stdout: stdout.clone().into(),
                stderr: stderr.into(),
                cut: CutOutput::default(),
            };
            let answers = together.answers(&output);
            assert_eq!((answers.len(), answers.iter().flatten().count()), (2, answered), "{stdout}");
        }
    }
}
