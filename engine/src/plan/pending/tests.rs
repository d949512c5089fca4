use std::sync::Arc;

use oneex_sdk::Resources;

use super::{Author, Pending};
use crate::graph::samples::Sample;
use crate::graph::{Graph, TaskId};
use crate::run::NodeKey;

fn paths(path: &str) -> Resources {
    Resources::Paths(vec![path.to_owned()])
}

fn named(name: &str) -> Resources {
    Resources::Named(vec![name.to_owned()])
}

/// The node of a task on a host.
fn on(task: TaskId, host: &str) -> Author {
    let name: Arc<str> = task.0.to_string().into();
    Author { node: NodeKey { task: name, host: Some(host.into()), item: None }, task: Some(task) }
}

/// One body that changes and looks, without any other task.
fn one_body() -> (Graph, Author) {
    let mut sample = Sample::default();
    let task = sample.task("t");
    (sample.build().expect("a graph"), on(task, "web1"))
}

#[test]
fn a_look_depends_on_a_change_above_or_below_it_and_on_no_other() {
    let (graph, body) = one_body();
    let pending = Pending::default();
    pending.add(&"web1".into(), paths("/etc/nginx"), body.clone(), "directory /etc/nginx".into());
    let assumed = |target: &str, what: &Resources| pending.assumed_by(target, what, &body, &graph);
    for seen in ["/etc/nginx", "/etc/nginx/conf.d/a", "/etc"] {
        assert!(assumed("web1", &paths(seen)).is_some(), "{seen}");
    }
    assert_eq!(assumed("web1", &paths("/etc/nginx2")), None);
    assert_eq!(assumed("web2", &paths("/etc/nginx")), None);
    assert_eq!(assumed("web1", &Resources::Host), Some("directory /etc/nginx".into()));
}

#[test]
fn a_change_counts_for_its_own_body_and_for_the_tasks_behind_it() {
    let mut sample = Sample::default();
    let [first, then, last, beside] = ["first", "then", "last", "beside"].map(|name| sample.task(name));
    sample.needs(then, &[first]);
    sample.after_any(last, &[then]);
    let handler = sample.task("reload");
    sample.handler(handler);
    sample.notifies(first, handler);
    let graph = sample.build().expect("a graph");
    let pending = Pending::default();
    pending.add(&"web1".into(), paths("/a"), on(first, "web1"), "it".into());
    let on_end = Author { task: None, ..on(first, "web1") };
    for (reader, assumes, why) in [
        (on(first, "web1"), true, "the same body"),
        (on(first, "web2"), false, "another node of the same task"),
        (on(then, "web1"), true, "a task that needs it"),
        (on(last, "web2"), true, "a task behind that one"),
        (on(handler, "web1"), true, "a handler that it notifies"),
        (on(beside, "web1"), false, "a task beside it, which may as well run before"),
        (on_end, true, "what runs last"),
    ] {
        assert_eq!(pending.assumed_by("web1", &paths("/a"), &reader, &graph).is_some(), assumes, "{why}");
    }
}

#[test]
fn what_is_missing_may_come_with_a_package_or_a_unit_file() {
    let unit = || paths("/etc/systemd/system/app.service");
    for (changed, missing, may) in [
        (named("package:nginx"), named("service:nginx"), true),
        (named("package:nginx"), named("user:www-data"), true),
        (named("package:nginx"), paths("/etc/nginx/nginx.conf"), true),
        (named("package:nginx"), named("package:curl"), false),
        (named("package:nginx"), Resources::Nothing, false),
        (named("user:ops"), named("service:nginx"), false),
        (named("user:ops"), paths("/home/ops"), false),
        (unit(), named("service:app"), true),
        (unit(), named("user:app"), false),
        (paths("/etc/init.d/app"), named("service:app"), true),
        (paths("/etc/motd"), named("service:app"), false),
    ] {
        let (graph, body) = one_body();
        let pending = Pending::default();
        pending.add(&"web1".into(), changed.clone(), body.clone(), "it".into());
        let found = pending.may_bring("web1", &missing, &body, &graph);
        assert_eq!(found.is_some(), may, "{changed:?} for {missing:?}");
        assert_eq!(pending.may_bring("web2", &missing, &body, &graph), None);
    }
}

#[test]
fn named_things_depend_on_their_own_name() {
    let (graph, body) = one_body();
    let pending = Pending::default();
    pending.add(&"web1".into(), named("package:curl"), body.clone(), "packages curl".into());
    for (seen, assumes) in
        [(named("package:curl"), true), (named("package:vim"), false), (Resources::Nothing, false)]
    {
        assert_eq!(pending.assumed_by("web1", &seen, &body, &graph).is_some(), assumes, "{seen:?}");
    }
}
