//! Operations whose types are hidden.

use std::sync::{Arc, LazyLock};

use crate::options::bind_options;
use crate::{
    BoxFuture, Call, DynOp, Looked, Manual, Op, OpError, OpResult, Output, Reader, Resources, Value, Writer,
};

/// Hides the types of an operation.
pub fn erase<O: Op>(op: O) -> Arc<dyn DynOp> {
    let manual = Manual {
        name: O::NAME,
        namespace: O::NAMESPACE,
        kind: O::KIND,
        text: O::MANUAL,
        positional: O::POSITIONAL,
        lock: O::LOCK,
        examples: O::EXAMPLES,
        schema: LazyLock::new(|| schemars::schema_for!(O::Params).to_value()),
    };
    Arc::new(Erased { op: Arc::new(op), manual })
}

struct Erased<O> {
    op: Arc<O>,
    manual: Manual,
}

struct Bound<O: Op> {
    op: Arc<O>,
    params: O::Params,
}

impl<O: Op> DynOp for Erased<O> {
    fn manual(&self) -> &Manual {
        &self.manual
    }

    fn bind(&self, options: Value) -> OpResult<Box<dyn Call>> {
        let params = bind_options(&self.manual, options)?;
        Ok(Box::new(Bound { op: Arc::clone(&self.op), params }))
    }
}

impl<O: Op> Call for Bound<O> {
    fn shown(&self) -> Value {
        let mut shown = serde_json::to_value(&self.params).unwrap_or_default();
        if let Some(map) = shown.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
        shown
    }

    fn resources(&self) -> Resources {
        self.op.resources(&self.params)
    }

    fn look<'a>(&'a self, reader: &'a dyn Reader) -> BoxFuture<'a, OpResult<Looked>> {
        Box::pin(async move {
            let state = self.op.read(reader, &self.params).await?;
            let change = self.op.diff(&self.params, &state);
            let output = self.op.output(&self.params, &state);
            Ok(Looked { state: Box::new(state), change, output })
        })
    }

    fn apply<'a>(&'a self, writer: &'a dyn Writer, looked: &'a Looked) -> BoxFuture<'a, OpResult<Output>> {
        Box::pin(async move {
            let state = looked.state.downcast_ref::<O::State>().ok_or_else(|| {
                OpError::invalid(format!("`{}` was given another operation's state", O::NAME))
            })?;
            self.op.apply(writer, &self.params, state, &looked.change).await
        })
    }
}
