//! Which handlers a piece of code may notify, found by reading it.
//!
//! A handler runs when nothing can notify it any more, so the graph must know beforehand who may.
//! Where the code leaves that open the answer is "any": too many are safe, too few are not.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, Array, Dynamic, FnPtr, Map};

use super::notify_source::{Summary, summarise};

/// Which handlers a piece of code may notify.
#[derive(Debug, Clone, Default)]
pub struct NotifySet {
    /// Their names, as the script writes them.
    pub names: BTreeSet<String>,
    /// Handles that the code captured and passes to `notify`; only from [`NotifyIndex::of_closure`].
    pub handles: Vec<Dynamic>,
    /// True when the code notifies something that only a run will know: then it may be any.
    pub dynamic: bool,
}

/// What every function and closure of a runbook and its modules may notify.
#[derive(Debug, Default)]
pub struct NotifyIndex {
    functions: BTreeMap<String, Vec<Summary>>,
}

/// Reads all functions and closures of `asts`: the runbook's and those of all modules it imports.
///
/// What a function notifies includes what the functions it calls (by name, in any namespace) and
/// the closures it makes notify. A name passed down as an argument is followed.
pub fn notifies(asts: &[&AST]) -> NotifyIndex {
    let mut functions: BTreeMap<String, Vec<Summary>> = BTreeMap::new();
    for (name, summary) in summarise(asts) {
        functions.entry(name).or_default().push(summary);
    }
    let mut index = NotifyIndex { functions };
    while index.propagate() {}
    index
}

impl NotifyIndex {
    /// What the function or closure of that name (see `FnPtr::fn_name`) may notify. What it gets
    /// as an argument or has captured counts as `dynamic`.
    pub fn of(&self, fn_name: &str) -> NotifySet {
        let mut set = NotifySet::default();
        for summary in self.functions.get(fn_name).into_iter().flatten() {
            set.names.extend(summary.names.iter().cloned());
            set.dynamic |= summary.dynamic || !summary.params.is_empty();
        }
        set
    }

    /// What a closure may notify, its captured names, handles and closures looked at.
    pub fn of_closure(&self, closure: &FnPtr) -> NotifySet {
        let mut set = NotifySet::default();
        self.add_closure(closure, &mut set, 0);
        set
    }

    fn add_closure(&self, closure: &FnPtr, set: &mut NotifySet, depth: usize) {
        for summary in self.functions.get(closure.fn_name()).into_iter().flatten() {
            set.names.extend(summary.names.iter().cloned());
            set.dynamic |= summary.dynamic;
            for (position, path) in &summary.params {
                match closure.curry().get(*position) {
                    Some(captured) => add_value(captured, path, set, 0),
                    None => set.dynamic = true,
                }
            }
        }
        for captured in closure.iter_curry() {
            self.add_captured(captured, set, depth + 1);
        }
    }

    /// Closures that were captured, alone or in arrays and maps, may be called.
    fn add_captured(&self, captured: &Dynamic, set: &mut NotifySet, depth: usize) {
        if depth > DEEPEST {
            set.dynamic = true;
            return;
        }
        let value = captured.flatten_clone();
        if value.is_shared() {
            set.dynamic = true;
        } else if let Some(closure) = value.read_lock::<FnPtr>() {
            self.add_closure(&closure, set, depth);
        } else if let Some(items) = value.read_lock::<Array>() {
            items.iter().for_each(|item| self.add_captured(item, set, depth + 1));
        } else if let Some(fields) = value.read_lock::<Map>() {
            fields.values().for_each(|item| self.add_captured(item, set, depth + 1));
        }
    }

    /// Hands what callees notify on to their callers; false when nothing is new.
    fn propagate(&mut self) -> bool {
        let mut news = Vec::new();
        for (name, summaries) in &self.functions {
            for (place, summary) in summaries.iter().enumerate() {
                let mut grown = summary.clone();
                for call in &summary.calls {
                    for callee in self.functions.get(&call.callee).into_iter().flatten() {
                        grown.absorb(call, callee);
                    }
                }
                if grown != *summary {
                    news.push((name.clone(), place, grown));
                }
            }
        }
        let changed = !news.is_empty();
        for (name, place, grown) in news {
            if let Some(summary) = self.functions.get_mut(&name).and_then(|list| list.get_mut(place)) {
                *summary = grown;
            }
        }
        changed
    }
}

/// How deep captured values are looked into; what is deeper counts as unknown.
const DEEPEST: usize = 32;

fn add_value(value: &Dynamic, path: &[String], set: &mut NotifySet, depth: usize) {
    let value = value.flatten_clone();
    if value.is_shared() || depth > DEEPEST {
        set.dynamic = true;
    } else if let Some((field, rest)) = path.split_first() {
        let inner = value.read_lock::<Map>().and_then(|fields| fields.get(field.as_str()).cloned());
        match inner {
            Some(inner) => add_value(&inner, rest, set, depth + 1),
            None => set.dynamic = true,
        }
    } else if let Ok(name) = value.as_immutable_string_ref() {
        set.names.insert(name.to_string());
    } else if let Some(items) = value.read_lock::<Array>() {
        items.iter().for_each(|item| add_value(item, &[], set, depth + 1));
    } else if value.is_variant() {
        set.handles.push(value.clone());
    } else {
        set.dynamic = true;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use rhai::{AST, Dynamic, Engine, FnPtr, Module, Scope};

    use super::{NotifySet, notifies};

    #[derive(Clone)]
    struct Handle;

    /// Runs `code`, whose calls of `run(closure)` are answered with what the closure may notify.
    fn runs(code: &str, module: Option<&str>) -> Vec<NotifySet> {
        let closures: Arc<Mutex<Vec<FnPtr>>> = Arc::default();
        let mut engine = Engine::new();
        let kept = Arc::clone(&closures);
        engine.register_fn("run", move |closure: FnPtr| kept.lock().expect("lock").push(closure));
        engine.register_fn("handler", |_: &str| Handle);
        let mut asts: Vec<AST> = Vec::new();
        if let Some(text) = module {
            let ast = engine.compile(text).expect(text);
            let module = Module::eval_ast_as_new(Scope::new(), &ast, &engine).expect(text);
            engine.register_static_module("role", module.into());
            asts.push(ast);
        }
        let ast = engine.compile(code).expect(code);
        engine.run_ast(&ast).expect(code);
        asts.push(ast);
        let index = notifies(&asts.iter().collect::<Vec<_>>());
        let closures = closures.lock().expect("lock");
        closures.iter().map(|closure| index.of_closure(closure)).collect()
    }

    #[track_caller]
    fn check(code: &str, names: &[&str], handles: usize, dynamic: bool) {
        let sets = runs(code, None);
        let set = sets.first().expect("one closure is run");
        let names: BTreeSet<String> = names.iter().map(ToString::to_string).collect();
        assert_eq!((&set.names, set.handles.len(), set.dynamic), (&names, handles, dynamic), "{code}");
    }

    #[test]
    fn literals_are_found_wherever_they_stand() {
        check(r#"run(|h| h.file().notify("a"));"#, &["a"], 0, false);
        check(
            r#"run(|h| { if h.x { h.file().notify("a") } else { notify(h.file(), "b"); } });"#,
            &["a", "b"],
            0,
            false,
        );
        check(r#"run(|h| h.file().notify(["a", "b"]));"#, &["a", "b"], 0, false);
        check(r#"run(|h| { for n in ["a", "b"] { h.file().notify(n); } });"#, &["a", "b"], 0, false);
        check(r#"run(|h| { let n = "a"; h.file().notify(n); });"#, &["a"], 0, false);
        check(r#"const N = "a"; fn f(h) { h.file().notify(global::N) } run(|h| f(h));"#, &["a"], 0, false);
        check("run(|h| h.file());", &[], 0, false);
    }

    #[test]
    fn what_functions_and_closures_notify_counts_for_their_callers() {
        check(r#"fn f(h) { h.x().notify("a") } run(|h| f(h));"#, &["a"], 0, false);
        check(r#"fn f() { this.x().notify("a") } run(|h| h.f());"#, &["a"], 0, false);
        check(r#"fn g(h) { h.x().notify("a") } fn f(h) { g(h); f(h) } run(|h| f(h));"#, &["a"], 0, false);
        check(r#"run(|h| parallel([|| h.x().notify("a"), || h.y().notify("b")]));"#, &["a", "b"], 0, false);
        check(r#"fn f(h) { h.x().notify("a") } run(|h| Fn("f").call(h));"#, &["a"], 0, false);
        check(r#"fn f(h) { h.x().notify("a") } run(|h| h.map(f));"#, &["a"], 0, false);
        check(r#"fn f(h) { h.x().notify("a") } run(Fn("f"));"#, &["a"], 0, false);
    }

    #[test]
    fn names_and_handles_are_followed_through_captures_and_arguments() {
        check(r#"let n = "a"; run(|h| h.x().notify(n));"#, &["a"], 0, false);
        check(r#"let r = handler("a"); run(|h| h.x().notify(r));"#, &[], 1, false);
        check(r#"let r = handler("a"); run(|h| parallel([|| h.x().notify(r)]));"#, &[], 1, false);
        check(
            r#"let r = #{ reload: handler("a"), other: 1 }; run(|h| h.x().notify(r.reload));"#,
            &[],
            1,
            false,
        );
        check(
            r#"let l = [handler("a"), "b"]; run(|h| { for r in l { h.x().notify(r) } });"#,
            &["b"],
            1,
            false,
        );
        check(r#"fn f(h, n) { h.x().notify(n) } run(|h| f(h, "a"));"#, &["a"], 0, false);
        check(r#"fn f(h, n) { h.x().notify(n) } let r = handler("a"); run(|h| f(h, r));"#, &[], 1, false);
        check(r#"let f = |h| h.x().notify("a"); run(|h| f.call(h));"#, &["a"], 0, false);
        check(r#"let f = [#{ g: |h| h.x().notify("a") }]; run(|h| f[0].g.call(h));"#, &["a"], 0, false);
    }

    #[test]
    fn what_only_a_run_knows_may_be_any() {
        check("run(|h| h.x().notify(h.name));", &[], 0, true);
        check("run(|h| h.x().notify(`reload ${h.name}`));", &[], 0, true);
        check(r#"run(|h| { let n = "a"; n = h.y; h.x().notify(n); });"#, &[], 0, true);
        check(r#"let n = 5; run(|h| h.x().notify(n));"#, &[], 0, true);
        check("fn f(h, n) { h.x().notify(n) } run(|h| f(h, h.y()));", &[], 0, true);
        check(r#"fn f(h, n) { f(h, n.next); h.x().notify(n) } run(|h| f(h, "a"));"#, &["a"], 0, true);
        check("run(|h| { try { h.y() } catch (e) { h.x().notify(e) } });", &[], 0, true);
    }

    #[test]
    fn an_overload_that_is_not_called_does_not_count() {
        check(
            r#"fn f(h) { h.x().notify("a") } fn f(h, n) { h.x().notify(n) } run(|h| f(h));"#,
            &["a"],
            0,
            false,
        );
    }

    #[test]
    fn functions_of_modules_are_followed() {
        let module = r#"
            const RELOAD = "m";
            fn config(h) { inner(h) }
            private fn inner(h) { h.x().notify(global::RELOAD) }
            fn tell(h, name) { h.x().notify(name) }
        "#;
        let sets = runs(
            r#"run(|h| role::config(h)); run(|h| role::tell(h, "n")); run(|h| h.x().notify(role::RELOAD));"#,
            Some(module),
        );
        let names: Vec<Vec<&str>> =
            sets.iter().map(|set| set.names.iter().map(String::as_str).collect()).collect();
        assert_eq!(names, [vec!["m"], vec!["n"], vec!["m"]]);
        assert!(sets.iter().all(|set| !set.dynamic));
    }

    #[test]
    fn by_name_alone_an_argument_is_unknown() {
        let engine = Engine::new();
        let ast = engine.compile(r#"fn f(h, n) { h.x().notify(n); h.y().notify("a") }"#).expect("compiles");
        let set = notifies(&[&ast]).of("f");
        assert!(set.dynamic && set.names.contains("a"));
        assert!(!notifies(&[&ast]).of("nothing").dynamic);
        let _: Vec<Dynamic> = set.handles;
    }
}
