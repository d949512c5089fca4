//! Examples at the end of each command's help: what people do with it most. A test parses every line.

pub(super) const RUN: &str = "\
Examples:
  oneex run deploy --set version=v1.4.2 --env staging
  oneex run site.rhai -i web1,web2 --limit web1
  oneex run deploy --only smoke --forks 8
  oneex run deploy --lock hosts --lock-wait 10m
  oneex run deploy --output json --junit report.xml --stats cost.json
  oneex run deploy --help                      what deploy takes";

pub(super) const RESUME: &str = "\
Examples:
  oneex resume                                 the last run of the project
  oneex resume 01a2b3c4 --unknown retry        headless: commands of unknown fate are run again
  oneex resume --accept-changes                after the runbook was mended";

pub(super) const HISTORY: &str = "\
Examples:
  oneex history                                the last twenty runs
  oneex history deploy --status failed,cut --since 7d
  oneex history --host web1 --changed --output json";

pub(super) const SHOW: &str = "\
Examples:
  oneex show                                   the last run
  oneex show 01a2b3c4 --failed                 what failed in it
  oneex show 01a2b3c4 --host web1 --task config";

pub(super) const LOG: &str = "\
Examples:
  oneex log -f                                 the run that goes on now
  oneex log 01a2b3c4 --junit report.xml        a report of an old run";

pub(super) const DIFF: &str = "\
Examples:
  oneex diff 01a2b3c4                          what was different in the last run
  oneex diff 01a2b3c4 01a2b3d5";

pub(super) const JOURNAL: &str = "\
Examples:
  oneex journal verify                         is everything as it was written?
  oneex journal sign --key audit.key           a line for a file that is kept elsewhere
  oneex journal verify --signatures signatures
  oneex journal export 01a2b3c4                one record a line
  oneex journal prune --keep 100 --older-than 90d";

pub(super) const PLAN: &str = "\
Examples:
  oneex plan deploy --set version=v1.4.2
  oneex plan deploy -v                         what stays as it is, too
  oneex plan deploy --exit-code -q             for a script: 5 when a run would change something";

pub(super) const GRAPH: &str = "\
Examples:
  oneex graph deploy
  oneex graph deploy --format svg -o deploy.svg
  oneex graph deploy --tags release --format mermaid";

pub(super) const PARAMS: &str = "\
Examples:
  oneex params deploy
  oneex params deploy --output json";

pub(super) const HOSTS: &str = "\
Examples:
  oneex hosts
  oneex hosts 'web:&prod:!web3' --vars
  oneex hosts -i inventory/staging --graph";

pub(super) const FACTS: &str = "\
Examples:
  oneex facts web1
  oneex facts all --output json > facts.jsonl";

pub(super) const EXEC: &str = "\
Examples:
  oneex exec 'web:!web3' -- uptime
  oneex exec web -- 'df -h / | tail -1'        one word: a text for sh
  oneex exec web --merge -- uname -r           equal outputs once
  oneex exec db --sudo=postgres --timeout 30s -- psql -c 'select 1'
  oneex exec web --stdin motd.txt -- 'cat > motd'";

pub(super) const LOCK: &str = "\
Examples:
  oneex lock show
  oneex lock show --output json
  oneex lock break prod --reason 'ci-7 is gone'";

pub(super) const DOC: &str = "\
Examples:
  oneex doc
  oneex doc template";

pub(super) const NEW: &str = "\
Examples:
  oneex new shop
  oneex new .";

pub(super) const COMPLETIONS: &str = "\
Examples:
  oneex completions bash > ~/.local/share/bash-completion/completions/oneex
  oneex completions zsh > ~/.zfunc/_oneex
  oneex completions fish > ~/.config/fish/completions/oneex.fish";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::commands::Cli;

    #[test]
    fn every_command_has_examples_and_they_parse() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines = help.lines().filter(|line| line.starts_with("  oneex "));
            let mut count = 0;
            for line in lines {
                // What follows the example, and what the shell does with its output, is no part of it.
                let line = line.trim().split("   ").next().unwrap_or_default();
                let line = line
                    .split(" > ~")
                    .next()
                    .unwrap_or_default()
                    .split(" > facts")
                    .next()
                    .unwrap_or_default();
                let words = shlex::split(line).expect(line);
                assert_eq!(words.get(1).map(String::as_str), Some(command.get_name()), "{line}");
                Cli::try_parse_from(words).map(drop).unwrap_or_else(|error| panic!("{line}: {error}"));
                count += 1;
            }
            assert!(count > 0, "`{}` has no example", command.get_name());
        }
    }
}
