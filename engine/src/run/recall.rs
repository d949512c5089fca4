//! Calls and the journal: what is written before and after one, and what is known of it when it is made again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use oneex_sdk::{Change, Command, Map, OpResult, Reader as _, Value};

use super::access::Performing;
use super::chronicle::{Fate, differs, unknown};
use super::claims::Claims;
use super::{Interrupt, Level, Mode, OpOutcome, OpStatus, RunEvent};
use crate::journal::{Answer, Asked, Entry, Intent, sealed};
use crate::redact::MASK;

/// How exact the time is that a host has been up.
const INEXACT: Duration = Duration::from_secs(5);

impl Performing<'_> {
    /// What the call gave in the earlier part of the run, where it is not to be made again.
    pub(super) fn recalled(&mut self) -> Result<Option<OpOutcome>, Interrupt> {
        let run = &self.node.run;
        let Some(past) = run.past().filter(|_| run.mode == Mode::Run) else { return Ok(None) };
        let mut args = if self.node.sensitive { Value::from(MASK) } else { self.args.clone() };
        run.redactor.value(&mut args);
        let target = run.redactor.text(&self.target);
        let asked = Asked {
            place: self.place,
            name: &self.name,
            target: &target,
            args: &args,
            kind: self.kind.as_str(),
        };
        match past.answer(&self.node.node, asked) {
            Answer::New => Ok(None),
            Answer::Begun => {
                self.begun = true;
                Ok(None)
            }
            Answer::Given { status, change, fields } => {
                let changed = matches!(status, OpStatus::Changed | OpStatus::Done);
                Ok(Some(OpOutcome { changed, change, fields, unknown: None }))
            }
            Answer::Failed(failure) => Err(Interrupt::Failed(failure)),
            Answer::Differs(made) => {
                let now = format!("`{}` on `{target}` with {args}", self.name);
                Err(differs(self.node, self.place, &made, &now))
            }
            Answer::Unknown(intent) => {
                if let Some(claim) = &intent.claim {
                    let booted = run.runtime.block_on(self.was_booted(intent.time));
                    self.view.claims = Claims::again(claim, booted);
                    self.asked_again = Some(intent);
                    return Ok(None);
                }
                match self.decided(&intent) {
                    Fate::Retry => Ok(None),
                    Fate::Skip => Ok(Some(self.skipped())),
                    Fate::Fail => Err(Interrupt::Failed(Box::new(unknown(&intent)))),
                }
            }
        }
    }

    /// Whether the host was booted since, or may have been.
    async fn was_booted(&self, since: Timestamp) -> bool {
        let up =
            self.view.query(Command::shell("read -r up rest </proc/uptime && echo \"$up\"").tidy()).await;
        let up = up.ok().and_then(|output| output.stdout_text().trim().parse::<f64>().ok());
        let passed = Timestamp::now().duration_since(since).as_secs_f64();
        up.is_none_or(|up| up + INEXACT.as_secs_f64() < passed)
    }

    fn decided(&self, call: &Intent) -> Fate {
        let arbiter = self.node.run.chronicle.as_ref().map(|chronicle| &chronicle.arbiter);
        let fate = arbiter.map_or(Fate::Fail, |arbiter| arbiter.decide(call));
        let what = match fate {
            Fate::Retry => "it is run again",
            Fate::Skip => "it is taken for done",
            // The failure says it.
            Fate::Fail => return fate,
        };
        self.node.run.events.emit(RunEvent::Message {
            node: Some(self.node.node.clone()),
            level: Level::Warning,
            text: format!(
                "`{}` on {} was begun at {}, and nobody knows how it ended: {what}",
                call.name, call.target, call.time
            ),
            position: Some(self.position.clone()),
        });
        fate
    }

    fn skipped(&self) -> OpOutcome {
        OpOutcome { changed: true, change: Change::action(), fields: Map::new(), unknown: None }
    }

    /// The target does not know what became of a call that was begun in the earlier part of the run.
    pub(super) async fn unknown(&mut self) -> Result<(OpStatus, OpOutcome), Interrupt> {
        let Some(intent) = self.asked_again.take() else { return Err(Interrupt::Cancelled) };
        match self.decided(&intent) {
            Fate::Retry => {
                self.view.claims = Claims::default();
                self.run().await.map_err(|error| self.interrupt(error))
            }
            Fate::Skip => Ok((OpStatus::Done, self.skipped())),
            Fate::Fail => {
                let mut failure = unknown(&intent);
                failure.position = Some(self.position.clone());
                Err(Interrupt::Failed(Box::new(failure)))
            }
        }
    }

    /// Writes down that the call is about to change something, and waits until that is on the disk.
    pub(super) async fn intend(&self, change: &Change) -> OpResult<()> {
        let run = &self.node.run;
        if run.chronicle.is_none() {
            return Ok(());
        }
        let keeps = self.on_host && self.view.lasting && self.view.transport().await?.keeps_claims();
        self.intended.store(true, Ordering::Relaxed);
        self.keep_images(change);
        run.intend(Intent {
            node: self.node.node.clone(),
            place: self.place.to_owned(),
            op: self.number,
            name: self.name.clone(),
            target: run.redactor.text(&self.target),
            time: Timestamp::now(),
            claim: keeps.then(|| self.view.claims.name().to_owned()),
        })
        .await
    }

    /// Keeps what the call replaces. It may hold what nobody has called a secret, and is sealed whatever it is.
    fn keep_images(&self, change: &Change) {
        let (run, node) = (&self.node.run, &self.node.node);
        for (number, image) in change.items.iter().filter_map(|item| item.image.as_ref()).enumerate() {
            let content = match std::str::from_utf8(&image.content) {
                Ok(text) => serde_json::json!({ "name": image.name, "text": text }),
                Err(_) => {
                    serde_json::json!({ "name": image.name, "base64": STANDARD.encode(&image.content) })
                }
            };
            run.seal(&sealed::name(sealed::IMAGE, node, &format!("{}#{number}", self.place)), &content);
            run.note(&Entry::Image {
                node: node.clone(),
                place: self.place.to_owned(),
                name: run.redactor.text(&image.name),
                size: image.content.len() as u64,
            });
        }
    }

    /// Notes that a call was cancelled, with what it had begun.
    pub(super) fn drop_cancelled<T>(&self, result: &Result<T, Interrupt>) {
        if matches!(result, Err(Interrupt::Cancelled)) && self.intended.load(Ordering::Relaxed) {
            let (node, place) = (self.node.node.clone(), self.place.to_owned());
            self.node.run.note(&Entry::Dropped { node, place });
        }
    }

    /// Seals what came of the call where the journal shows something else.
    pub(super) fn seal(&self, result: &Result<(OpStatus, OpOutcome), Interrupt>) {
        let run = &self.node.run;
        if run.chronicle.is_none() {
            return;
        }
        let value = match result {
            Ok((_, outcome)) => serde_json::json!({ "output": outcome.fields, "change": outcome.change }),
            Err(Interrupt::Failed(failure)) => serde_json::json!({ "failure": failure }),
            Err(_) => return,
        };
        if self.node.sensitive || run.is_hidden(&value) {
            run.seal(&sealed::name(sealed::CALL, &self.node.node, self.place), &value);
        }
    }
}
