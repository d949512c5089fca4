//! The embedded standard library, as the engine asks for it.

use std::sync::Arc;

use oneex_engine::script::Library;

struct Embedded;

impl Library for Embedded {
    fn role(&self, name: &str) -> Option<String> {
        oneex_stdlib::source(name).map(std::borrow::Cow::into_owned)
    }

    fn file(&self, role: &str, path: &str) -> Option<Vec<u8>> {
        oneex_stdlib::file(role, path).map(std::borrow::Cow::into_owned)
    }

    fn files(&self, role: &str) -> Vec<String> {
        oneex_stdlib::files(role)
    }

    fn names(&self) -> Vec<String> {
        oneex_stdlib::names()
    }
}

/// The library.
pub(crate) fn embedded() -> Arc<dyn Library> {
    Arc::new(Embedded)
}
