//! A file, and what else of the host an operation must know, in one round trip.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{Command, OpError, OpResult, Reader};

use super::{ContentState, LARGEST_EDITED, Wanted};
use crate::host::probe::{Probe, SCRIPT, check_file_path, failure, parse};

/// What a host is asked before a file is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Question<'a> {
    /// A text for `sh`, which finds `words` in `$1`, `$2` … and changes nothing. It prints lines, none of which is
    /// `--`, and may set `at`, the path of the file.
    pub(crate) script: &'a str,
    /// The values that it finds.
    pub(crate) words: Vec<&'a str>,
}

/// What a host answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the question's script printed.
    pub(crate) said: String,
    /// What is at the path; the path is empty where there is none.
    pub(crate) probe: Probe,
}

/// Asks, and looks at `path` with its content. An empty `path` is one that the question's script finds out.
pub(crate) async fn look_and_ask(
    reader: &dyn Reader,
    path: &str,
    follow: bool,
    question: Question<'_>,
) -> OpResult<Answer> {
    if !path.is_empty() {
        check_file_path(path)?;
    }
    let text = format!(
        "export LC_ALL=C PATH=\"$PATH:/usr/sbin:/sbin\"\nat=$1 follow=$2 limit=$3\nshift 3\n\
         ask() {{ :\n{}\n}}\nask \"$@\" </dev/null\necho --\n\
         printf %s \"$at\" | base64 | tr -d '\\n'\necho\n[ -n \"$at\" ] || exit 0\n\
         set -- \"$at\" \"$follow\" content '' \"$limit\" 4096\n{SCRIPT}",
        question.script
    );
    let limit = LARGEST_EDITED.to_string();
    let follow = if follow { "follow" } else { "stay" };
    let words = [path, follow, &limit].into_iter().chain(question.words);
    let mut command = Command::script(text, words).tidy();
    command.keep = usize::try_from(LARGEST_EDITED).unwrap_or(usize::MAX / 2).saturating_add(1 << 20);
    let output = reader.query(command).await?;
    if !output.ok() {
        return Err(failure(path, &output.stderr_text()));
    }
    split(path, &output.stdout)
}

fn split(path: &str, answer: &[u8]) -> OpResult<Answer> {
    let wrong = || OpError::failed(format!("`{path}`: the host answered in a way that is not understood"));
    let mut lines = answer.split_inclusive(|byte| *byte == b'\n');
    let mut said = Vec::new();
    loop {
        match lines.next().ok_or_else(wrong)? {
            b"--\n" => break,
            line => said.extend_from_slice(line),
        }
    }
    let encoded = lines.next().ok_or_else(wrong)?;
    let at = STANDARD.decode(encoded.trim_ascii_end()).map_err(|_| wrong())?;
    let at = String::from_utf8(at).map_err(|_| wrong())?;
    let rest = &answer[said.len() + b"--\n".len() + encoded.len()..];
    let probe = if at.is_empty() { Probe { path: String::new(), found: None } } else { parse(&at, rest)? };
    Ok(Answer { said: String::from_utf8_lossy(&said).into_owned(), probe })
}

impl Answer {
    /// The values of the lines of `said` that begin with `word` and a blank, in their order.
    pub(crate) fn values<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.said.lines().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
    }

    /// The file with a content that is wanted.
    pub(crate) fn replaced(self, reader: &dyn Reader, wanted: Wanted) -> OpResult<ContentState> {
        self.probe.expect_file()?;
        Ok(ContentState::new(reader, self.probe, wanted))
    }

    /// The file with its text edited; nothing where none is there and the edit makes none.
    pub(crate) fn edited(
        self,
        reader: &dyn Reader,
        edit: impl FnOnce(&str) -> OpResult<String>,
    ) -> OpResult<Option<ContentState>> {
        self.probe.expect_file()?;
        let is_there = self.probe.file().is_some();
        let state = ContentState::edited(reader, self.probe, edit)?;
        Ok(Some(state).filter(|state| is_there || state.wanted.size() > 0))
    }
}

#[cfg(test)]
mod tests {
    use oneex_testkit::TestHost;

    use super::{Question, look_and_ask, split};

    #[tokio::test]
    async fn what_is_said_and_what_the_file_holds_stay_apart() {
        let host = TestHost::new();
        let content = "--\nsaid no\n\0\x01 -- \n";
        for name in ["f", "a b", "new\nline", "$(id)", "-n"] {
            host.write(name, content);
            let path = host.path(name);
            for (given, words) in [(path.as_str(), vec![""]), ("", vec![path.as_str()])] {
                let question = Question { script: r#"echo "word $#"; [ -z "$1" ] || at=$1"#, words };
                let answer = look_and_ask(&host, given, false, question).await.expect("an answer");
                assert_eq!(answer.values("word").collect::<Vec<_>>(), ["1"], "{name}");
                assert_eq!(answer.probe.path, path);
                let found = answer.probe.file().expect("a file");
                assert_eq!(found.content.as_deref(), Some(content.as_bytes()), "{name}");
            }
        }
        let question = Question { script: "echo none", words: vec![] };
        let answer = look_and_ask(&host, "", false, question).await.expect("an answer");
        assert_eq!((answer.said.as_str(), answer.probe.found), ("none\n", None));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in ["", "said\n", "--\n", "--\n!\n", "--\n/w==\n", "--\nL2Y=\nnonsense\n"] {
            assert!(split("/f", text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
