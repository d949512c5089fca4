//! `task`, `handler`, `gate`, `group_of`, and everything that a builder takes.

use std::sync::Arc;
use std::time::Duration;

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext};

use super::hosts::set_of;
use super::options::{self, Options};
use crate::diag::Position;
use crate::graph::{Amount, Batch, Condition, HostsFrom, ItemsFrom, Notifies, Retry, Task, TaskId, TaskKind};
use crate::run::Code;
use crate::script::closure::{Closure, freeze};
use crate::script::current::{Current, current};
use crate::script::declare::{Declarations, Draft, Inherited, Reference};
use crate::script::error::Thrown;
use crate::script::kind::kind;
use crate::script::plain::to_argument;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// What `task`, `block` and `group_of` return: the builder of a task, and a handle for those that
/// wait for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Handle {
    /// The tasks that it stands for.
    pub(crate) tasks: Arc<[TaskId]>,
    /// What it is called in messages.
    pub(crate) name: Arc<str>,
}

impl Handle {
    /// The one task that it stands for.
    pub(crate) fn single(&self) -> Result<TaskId, Thrown> {
        match &*self.tasks {
            [task] => Ok(*task),
            _ => Err(Thrown::invalid(format!(
                "`{}` stands for {} tasks, not for one",
                self.name,
                self.tasks.len()
            ))),
        }
    }
}

/// The load that the present thread runs. Fails in bodies: the graph is complete by then.
pub(super) fn loading(word: &str) -> Result<Current, Thrown> {
    let current = current()?;
    if current.node.is_some() {
        return Err(Thrown::invalid(format!("`{word}` declares, and bodies run when all is declared"))
            .hint("move it to the top level of the runbook, or into a function that is called there"));
    }
    Ok(current)
}

/// Works on the declarations of the present load.
pub(super) fn declared<T>(
    word: &str,
    work: impl FnOnce(&Current, &mut Declarations) -> Result<T, Thrown>,
) -> Result<T, Thrown> {
    let current = loading(word)?;
    let script = Arc::clone(&current.script);
    let mut declared = script.declared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    work(&current, &mut declared)
}

fn declare(
    context: &NativeCallContext<'_>,
    word: &'static str,
    name: &str,
    kind: TaskKind,
) -> Result<Handle, Thrown> {
    if name.trim().is_empty() {
        return Err(Thrown::invalid(format!("a {word} needs a name")));
    }
    let gate = matches!(kind, TaskKind::Gate(_));
    declared(word, |current, declared| {
        let position = current.script.position(context);
        let role = current
            .script
            .imports
            .role_name(&position.file)
            .filter(|_| *position.file != *current.script.name);
        let full = declared.full_name(role.as_deref(), name);
        if let Some(other) = declared.names.get(&full).map(|other| &declared.tasks[other.index()]) {
            return Err(Thrown::invalid(format!("there are two tasks named `{full}`"))
                .hint(format!("the other one is declared at {}", other.task.position)));
        }
        let id = TaskId(u32::try_from(declared.tasks.len()).unwrap_or(u32::MAX));
        declared.names.insert(Arc::clone(&full), id);
        let inherited =
            declared.open.last().map(|block| declared.inherited[*block].clone()).unwrap_or_default();
        let block = declared.open.last().copied();
        declared.tasks.push(draft(id, &full, role, kind, position, block, inherited, gate));
        for open in declared.open.clone() {
            declared.blocks[open].tasks.push(id);
        }
        Ok(Handle { tasks: [id].into(), name: full })
    })
}

#[expect(clippy::too_many_arguments, reason = "each is a field of the one struct that is built here")]
fn draft(
    id: TaskId,
    full: &Arc<str>,
    role: Option<String>,
    kind: TaskKind,
    position: Position,
    block: Option<usize>,
    inherited: Inherited,
    complete: bool,
) -> Draft {
    let gate = matches!(kind, TaskKind::Gate(_));
    Draft {
        task: Task {
            id,
            name: Arc::clone(full),
            kind,
            position,
            block,
            on: inherited.on.filter(|_| !gate),
            each: None,
            needs: Vec::new(),
            after: Vec::new(),
            after_any: Vec::new(),
            when: inherited.when,
            batch: None,
            max_fail: inherited.max_fail.unwrap_or(Amount::Count(0)),
            throttle: inherited.throttle,
            exclusive: inherited.exclusive,
            retry: None,
            timeout: None,
            sudo: inherited.sudo,
            tags: inherited.tags,
            allow_empty: false,
            adds_hosts: Vec::new(),
            sensitive: false,
            doc: String::new(),
            body: None,
            rescue: None,
            always: None,
            notifies: Notifies::default(),
        },
        role,
        complete,
        needs: inherited.needs,
        after: inherited.after,
        after_any: Vec::new(),
        notified_names: Vec::new(),
    }
}

/// Changes a task that is being declared, and returns its handle again.
fn build(
    context: &NativeCallContext<'_>,
    handle: &Handle,
    word: &'static str,
    late: bool,
    work: impl FnOnce(&mut Draft, Position) -> Result<(), Thrown>,
) -> Fallible<Handle> {
    let changed = declared(word, |current, declared| {
        let id = handle.single()?;
        let position = current.script.position(context);
        let draft = &mut declared.tasks[id.index()];
        if draft.complete && !late {
            return Err(Thrown::invalid(format!(
                "`.{word}` stands behind `.run` of task `{}`",
                draft.task.name
            ))
            .hint("only `.rescue`, `.always` and `.doc` may follow `.run`"));
        }
        work(draft, position)
    });
    changed.map(|()| handle.clone()).map_err(|error| error.at(context))
}

/// What `needs` and its like take: a handle, a name, an array of them.
pub(super) fn references(value: &Dynamic) -> Result<Vec<Reference>, Thrown> {
    if let Some(handle) = value.read_lock::<Handle>() {
        return Ok(vec![Reference::Tasks(handle.tasks.to_vec())]);
    }
    if let Some(array) = value.read_lock::<Array>() {
        return array.iter().map(references).collect::<Result<Vec<_>, _>>().map(|all| all.concat());
    }
    if let Ok(name) = value.clone().into_string() {
        return Ok(vec![Reference::Name(name)]);
    }
    Err(Thrown::invalid(format!("expected a task, found a value of type `{}`", kind(value)))
        .hint("give what `task(…).run(…)` returned, its name, or an array of them"))
}

/// What `.on` takes.
pub(super) fn hosts_from(context: &NativeCallContext<'_>, value: Dynamic) -> Result<HostsFrom, Thrown> {
    match value.try_cast_result::<FnPtr>() {
        Ok(function) => Ok(HostsFrom::Code(Arc::new(Closure::keep(context, function)?))),
        Err(value) => Ok(HostsFrom::Set(set_of(&value)?)),
    }
}

fn items_from(context: &NativeCallContext<'_>, mut value: Dynamic) -> Result<ItemsFrom, Thrown> {
    if value.is_fnptr() {
        return Ok(ItemsFrom::Code(Arc::new(Closure::keep(context, value.cast())?)));
    }
    freeze(&mut value)?;
    match to_argument(&value).map_err(|error| Thrown::invalid(error.to_string()))? {
        oneex_sdk::Value::Array(items) => Ok(ItemsFrom::List(items)),
        _ => {
            Err(Thrown::invalid(format!("`.each` takes an array, found a value of type `{}`", kind(&value))))
        }
    }
}

/// What `.when` takes.
pub(super) fn condition(context: &NativeCallContext<'_>, value: Dynamic) -> Result<Condition, Thrown> {
    match value.try_cast_result::<FnPtr>() {
        Ok(function) => Ok(Condition::Code(Arc::new(Closure::keep(context, function)?))),
        Err(value) => options::boolean(&value).map(Condition::Fixed),
    }
}

/// What `.batch` takes: a size, a ladder of sizes, or a map with `size`, `pause` and `check`.
pub(super) fn batch(context: &NativeCallContext<'_>, value: Dynamic) -> Result<Batch, Thrown> {
    if let Some(map) = value.read_lock::<Map>() {
        let mut options = Options::new("batch", &["size", "pause", "check"], map.clone())?;
        let ladder = options
            .parse("size", ladder)?
            .ok_or_else(|| Thrown::invalid("`batch` needs the option `size`"))?;
        let pause = options.parse("pause", options::duration)?.unwrap_or(Duration::ZERO);
        let check = match options.take("check").map(Dynamic::try_cast_result::<FnPtr>) {
            Some(Ok(function)) => Some(Arc::new(Closure::keep(context, function)?) as Arc<dyn Code>),
            Some(Err(_)) => return Err(Thrown::invalid("`batch`: option `check`: expected a closure")),
            None => None,
        };
        return Ok(Batch { ladder, pause, check });
    }
    Ok(Batch { ladder: ladder(&value)?, pause: Duration::ZERO, check: None })
}

fn ladder(value: &Dynamic) -> Result<Vec<Amount>, Thrown> {
    let ladder = match value.read_lock::<Array>() {
        Some(array) => array.iter().map(options::amount).collect::<Result<Vec<_>, _>>()?,
        None => vec![options::amount(value)?],
    };
    let nobody = |amount: &Amount| matches!(amount, Amount::Count(0)) || *amount == Amount::Percent(0.0);
    if ladder.is_empty() || ladder.iter().any(nobody) {
        return Err(Thrown::invalid("a batch has at least one host"));
    }
    Ok(ladder)
}

fn retry(value: &Dynamic) -> Result<Retry, Thrown> {
    if let Some(map) = value.read_lock::<Map>() {
        let mut options =
            Options::new("retry", &["times", "wait", "backoff", "max_wait", "on"], map.clone())?;
        let defaults = Retry::default();
        return Ok(Retry {
            times: options
                .parse("times", times)?
                .ok_or_else(|| Thrown::invalid("`retry` needs the option `times`"))?,
            wait: options.parse("wait", options::duration)?.unwrap_or(defaults.wait),
            backoff: options.parse("backoff", options::factor)?.unwrap_or(defaults.backoff),
            max_wait: options.parse("max_wait", options::duration)?.unwrap_or(defaults.max_wait),
            on: options.parse("on", failures)?.unwrap_or_default(),
        });
    }
    Ok(Retry { times: times(value)?, ..Retry::default() })
}

/// The kinds of failures that are tried again.
fn failures(value: &Dynamic) -> Result<Vec<String>, Thrown> {
    const KINDS: [&str; 5] = ["failed", "unreachable", "timeout", "denied", "invalid"];
    let kinds = options::texts(value)?;
    match kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        None => Ok(kinds),
        Some(wrong) => {
            let error = Thrown::invalid(format!("there is no failure of the kind `{wrong}`"));
            Err(match oneex_sdk::nearest(wrong, KINDS) {
                Some(right) => error.hint(format!("did you mean `{right}`?")),
                None => error.hint(format!("kinds are: {}", KINDS.join(", "))),
            })
        }
    }
}

fn times(value: &Dynamic) -> Result<u32, Thrown> {
    options::count(value, 0).map(|times| u32::try_from(times).unwrap_or(u32::MAX))
}

/// Takes the closures of a task, and reads in their code which handlers they may notify.
fn code(
    context: &NativeCallContext<'_>,
    draft: &mut Draft,
    function: FnPtr,
) -> Result<Arc<dyn Code>, Thrown> {
    let closure = Closure::keep(context, function)?;
    let notifies = current()?.script.notifies(closure.function());
    let mut handles: Vec<TaskId> = Vec::new();
    for value in &notifies.handles {
        match value.read_lock::<Handle>() {
            Some(handle) => handles.extend(handle.tasks.iter()),
            None => draft.task.notifies.any = true,
        }
    }
    draft.notified_names.extend(notifies.names);
    draft.task.notifies.handlers.extend(handles);
    draft.task.notifies.any |= notifies.dynamic;
    Ok(Arc::new(closure))
}

/// Registers the words.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Handle>("task")
        .register_fn("task", |context: NativeCallContext, name: &str| -> Fallible<Handle> {
            declare(&context, "task", name, TaskKind::Task).map_err(|error| error.at(&context))
        })
        .register_fn("handler", |context: NativeCallContext, name: &str| -> Fallible<Handle> {
            declare(&context, "handler", name, TaskKind::Handler).map_err(|error| error.at(&context))
        })
        .register_fn("gate", |context: NativeCallContext, name: &str, message: &str| -> Fallible<Handle> {
            let kind = TaskKind::Gate(message.to_owned());
            declare(&context, "gate", name, kind).map_err(|error| error.at(&context))
        })
        .register_fn("group_of", |context: NativeCallContext, tasks: Array| -> Fallible<Handle> {
            group_of(&tasks).map_err(|error| error.at(&context))
        })
        .register_fn("to_string", |handle: &mut Handle| handle.name.to_string())
        .register_fn("to_debug", |handle: &mut Handle| handle.name.to_string());
    register_order(engine);
    register_policy(engine);
    register_code(engine);
}

fn group_of(tasks: &Array) -> Result<Handle, Thrown> {
    let mut all = Vec::new();
    for reference in references(&Dynamic::from(tasks.clone()))? {
        match reference {
            Reference::Tasks(tasks) => all.extend(tasks),
            Reference::Name(name) => {
                return Err(Thrown::invalid(format!("`group_of` takes handles, found the name `{name}`")));
            }
        }
    }
    Ok(Handle { tasks: all.into(), name: "group".into() })
}

fn register_order(engine: &mut Engine) {
    macro_rules! waits {
        ($($word:ident),*) => {$(
            engine.register_fn(stringify!($word), |context: NativeCallContext, handle: &mut Handle, on: Dynamic| {
                build(&context, handle, stringify!($word), gate_is_open(handle), |draft, position| {
                    draft.$word.extend(references(&on)?.into_iter().map(|reference| (reference, position.clone())));
                    Ok(())
                })
            });
        )*};
    }
    waits!(needs, after, after_any);
    engine
        .register_fn("on", |context: NativeCallContext, handle: &mut Handle, hosts: Dynamic| {
            build(&context, handle, "on", false, |draft, _| {
                draft.task.on = Some(hosts_from(&context, hosts)?);
                Ok(())
            })
        })
        .register_fn("each", |context: NativeCallContext, handle: &mut Handle, items: Dynamic| {
            build(&context, handle, "each", false, |draft, _| {
                draft.task.each = Some(items_from(&context, items)?);
                Ok(())
            })
        })
        .register_fn("when", |context: NativeCallContext, handle: &mut Handle, wanted: Dynamic| {
            build(&context, handle, "when", gate_is_open(handle), |draft, _| {
                draft.task.when.push(condition(&context, wanted)?);
                Ok(())
            })
        })
        .register_fn("batch", |context: NativeCallContext, handle: &mut Handle, size: Dynamic| {
            build(&context, handle, "batch", false, |draft, _| {
                draft.task.batch = Some(Box::new(batch(&context, size)?));
                Ok(())
            })
        });
}

/// A gate has no `.run`, so what orders it may follow at any time.
fn gate_is_open(handle: &Handle) -> bool {
    let is_gate = |declared: &mut Declarations| {
        handle.single().is_ok_and(|id| matches!(declared.tasks[id.index()].task.kind, TaskKind::Gate(_)))
    };
    declared("gate", |_, declared| Ok(is_gate(declared))).unwrap_or(false)
}

fn register_policy(engine: &mut Engine) {
    macro_rules! setters {
        ($($word:literal, $value:ident: $kind:ty, $late:expr, |$draft:ident| $work:expr;)*) => {$(
            engine.register_fn($word, |context: NativeCallContext, handle: &mut Handle, $value: $kind| {
                build(&context, handle, $word, $late, |$draft, _| { $work; Ok(()) })
            });
        )*};
    }
    setters! {
        "max_fail", value: Dynamic, false, |draft| draft.task.max_fail = options::amount(&value)?;
        "throttle", value: Dynamic, false, |draft| draft.task.throttle = Some(options::count(&value, 1)?);
        "exclusive", value: Dynamic, false, |draft| draft.task.exclusive.extend(options::texts(&value)?);
        "retry", value: Dynamic, false, |draft| draft.task.retry = Some(Box::new(retry(&value)?));
        "timeout", value: Dynamic, false, |draft| draft.task.timeout = Some(options::limit(&value)?);
        "sudo", value: Dynamic, false, |draft| draft.task.sudo = options::user(&value)?;
        "tags", value: Dynamic, true, |draft| draft.task.tags.extend(options::texts(&value)?);
        "adds_hosts", value: Dynamic, false, |draft| draft.task.adds_hosts.extend(options::texts(&value)?);
        "doc", value: Dynamic, true, |draft| draft.task.doc = options::text(&value)?;
    }
    engine
        .register_fn(
            "retry",
            |context: NativeCallContext, handle: &mut Handle, value: Dynamic, wait: Dynamic| {
                build(&context, handle, "retry", false, |draft, _| {
                    let wait = options::duration(&wait)?;
                    draft.task.retry = Some(Box::new(Retry { wait, ..retry(&value)? }));
                    Ok(())
                })
            },
        )
        .register_fn("sudo", |context: NativeCallContext, handle: &mut Handle| {
            build(&context, handle, "sudo", false, |draft, _| {
                draft.task.sudo = Some("root".into());
                Ok(())
            })
        })
        .register_fn("allow_empty", |context: NativeCallContext, handle: &mut Handle| {
            build(&context, handle, "allow_empty", false, |draft, _| {
                draft.task.allow_empty = true;
                Ok(())
            })
        })
        .register_fn("sensitive", |context: NativeCallContext, handle: &mut Handle| {
            build(&context, handle, "sensitive", false, |draft, _| {
                draft.task.sensitive = true;
                Ok(())
            })
        });
}

fn register_code(engine: &mut Engine) {
    engine
        .register_fn("run", |context: NativeCallContext, handle: &mut Handle, body: FnPtr| {
            build(&context, handle, "run", false, |draft, _| {
                draft.task.body = Some(code(&context, draft, body)?);
                draft.complete = true;
                Ok(())
            })
        })
        .register_fn("rescue", |context: NativeCallContext, handle: &mut Handle, body: FnPtr| {
            build(&context, handle, "rescue", true, |draft, _| {
                draft.task.rescue = Some(code(&context, draft, body)?);
                Ok(())
            })
        })
        .register_fn("always", |context: NativeCallContext, handle: &mut Handle, body: FnPtr| {
            build(&context, handle, "always", true, |draft, _| {
                draft.task.always = Some(code(&context, draft, body)?);
                Ok(())
            })
        });
}
