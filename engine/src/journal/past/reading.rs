//! From the records of a run to what is known of it.

use jiff::Timestamp;
use oneex_sdk::{Change, Map};
use serde::Deserialize;
use serde_json::Value;

use super::node::{Call, NodePast};
use super::{Ended, Notice, Past, Turn, sealed};
use crate::journal::{Entry, JournalResult, Reader, Record, RunRow, SealKey, Wanted};
use crate::run::{Failure, NodeKey, RunEvent};

/// What was sealed of how a node ended, or of what a call gave.
#[derive(Deserialize)]
struct Hidden {
    #[serde(default)]
    output: Value,
    #[serde(default)]
    failure: Option<Failure>,
    #[serde(default)]
    change: Option<Change>,
}

impl Past {
    /// Reads what a run did.
    ///
    /// # Errors
    ///
    /// It cannot be read, or another key sealed it.
    pub fn read(reader: &Reader, run: &RunRow, key: &SealKey) -> JournalResult<Self> {
        let mut past = Self::default();
        reader.records(run, &Wanted::default(), |seq, record| -> JournalResult<()> {
            match record {
                Record::Event(stamped) => past.event(seq, stamped.time, stamped.event),
                Record::Entry(entry) => past.entry(*entry),
            }
            Ok(())
        })?;
        past.reopen_late();
        let of_image = format!("{} ", sealed::IMAGE);
        for name in reader.sealed_names(run)?.into_iter().filter(|name| !name.starts_with(&of_image)) {
            if let Some(value) = reader.sealed(run, &name, key)? {
                past.unseal(&name, value);
            }
        }
        Ok(past)
    }

    fn node(&mut self, node: NodeKey) -> &mut NodePast {
        self.nodes.entry(node).or_default()
    }

    fn event(&mut self, seq: u64, time: Timestamp, event: RunEvent) {
        match event {
            RunEvent::NodeStarted { node, attempt } => {
                let past = self.node(node);
                past.goes_on();
                (past.attempt, past.pause, past.ended, past.turn) = (attempt, None, None, None);
            }
            RunEvent::NodeRetry { node, attempt, wait, .. } => {
                let past = self.node(node);
                (past.attempt, past.pause) = (attempt + 1, Some((time, wait)));
            }
            RunEvent::NodeFinished { node, status, reason, failure, output, duration, .. } => {
                let past = self.node(node);
                past.ended = Some(Ended { status, reason, failure, output, duration });
                past.ended_at = seq;
            }
            RunEvent::Operation {
                node,
                op,
                name,
                kind,
                target,
                args,
                status,
                change,
                failure,
                output,
                place,
                ..
            } => {
                self.last_operation = self.last_operation.max(op);
                let fields = match output {
                    Value::Object(fields) => fields,
                    _ => Map::new(),
                };
                self.node(node)
                    .calls
                    .insert(place, Call { kind, name, target, args, status, change, fields, failure });
            }
            RunEvent::Notified { node, handler, place } => {
                self.notified.push(Notice { node, handler: handler.to_string(), place, seq });
            }
            RunEvent::BatchStarted { task, batch, .. } => {
                let last = self.batches.entry(task.to_string()).or_default();
                *last = batch.max(*last);
            }
            RunEvent::Gate { gate, decision: "approved", by, .. } => {
                drop(self.gates.insert(gate.to_string(), by));
            }
            _ => {}
        }
    }

    fn entry(&mut self, entry: Entry) {
        match entry {
            Entry::Began(began) => {
                self.inputs.extend(began.inputs.clone());
                self.drawn_at_load.clone_from(&began.drawn);
                self.began = Some(began);
            }
            Entry::Input { name, digest } => drop(self.inputs.insert(name, digest)),
            Entry::Intent(intent) => {
                self.last_operation = self.last_operation.max(intent.op);
                let place = intent.place.clone();
                let past = self.node(intent.node.clone());
                // It is made again: what came of it before does not count.
                past.calls.remove(&place);
                past.intents.insert(place, intent);
            }
            Entry::Dropped { node, place } => drop(self.node(node).intents.remove(&place)),
            Entry::Drawn { node, place, name, value } => {
                drop(self.node(node).drawn.insert(place, (name, value)));
            }
            Entry::Turned { node, phase, status, reason, failure, output } => {
                let failure = failure.map(|failure| *failure);
                let ended = Ended { status, reason, failure, output, duration: 0.0 };
                self.node(node).turn = Some(Turn { phase, ended });
            }
            Entry::Host { node, host } => self.hosts.push((node, host)),
            Entry::Resumed { .. } | Entry::Image { .. } => {}
        }
    }

    /// Puts what was sealed in the place of what is masked. Names are those of [`sealed`].
    fn unseal(&mut self, name: &str, value: Value) {
        if name == sealed::LOAD {
            self.drawn_at_load = value.as_array().cloned().unwrap_or_default();
            return;
        }
        if name == sealed::REQUEST {
            self.asked_for = Some(value);
            return;
        }
        let Some((kind, rest)) = name.split_once(' ') else { return };
        if kind == sealed::SECRET {
            self.secrets.extend(value.as_str().map(str::to_owned));
            return;
        }
        let Ok((node, place)) = serde_json::from_str::<(NodeKey, String)>(rest) else {
            return;
        };
        if kind == sealed::HOST {
            let own = |(of, host): &&mut (NodeKey, Value)| {
                *of == node && host.get("name").and_then(Value::as_str) == Some(&*place)
            };
            self.hosts.iter_mut().filter(|host| own(host)).for_each(|(_, host)| host.clone_from(&value));
            return;
        }
        let past = self.node(node);
        if kind == sealed::DRAWN {
            if let Some((_, drawn)) = past.drawn.get_mut(&place) {
                *drawn = value;
            }
            return;
        }
        let Ok(Hidden { output, failure, change }) = serde_json::from_value(value) else { return };
        match kind {
            sealed::CALL => {
                let Some(call) = past.calls.get_mut(&place) else { return };
                if let Value::Object(fields) = output {
                    call.fields = fields;
                }
                (call.change, call.failure) =
                    (change.or(call.change.take()), failure.or(call.failure.take()));
            }
            sealed::NODE => {
                if let Some(ended) = &mut past.ended {
                    (ended.output, ended.failure) = (output, failure);
                }
            }
            sealed::TURN => {
                if let Some(turn) = &mut past.turn {
                    (turn.ended.output, turn.ended.failure) = (output, failure);
                }
            }
            _ => {}
        }
    }
}
