//! `file::`: files of the project, on the controller.

use std::sync::Arc;

use rhai::{Blob, Engine, FuncRegistration, Module, NativeCallContext};

use super::World;
use super::error::{Fallible, failure};

pub(super) fn register(engine: &mut Engine, world: &Arc<dyn World>) {
    let mut module = Module::new();
    module.set_id("file");
    let files = Arc::clone(world);
    FuncRegistration::new("read")
        .with_params_info(["path: &str", "Result<String>"])
        .with_comments([
            "/// The text of a file of the project, which must be UTF-8.\n///",
            "/// ```rhai\n/// file::read(\"motd\") == \"welcome\\n\"\n/// ```",
        ])
        .set_into_module(&mut module, move |context: NativeCallContext, path: &str| -> Fallible<String> {
            let bytes = files.read_file(path).map_err(|message| failure(&context, message))?;
            let hint = || format!("`{path}` is not UTF-8: use `file::read_bytes`");
            String::from_utf8(bytes).map_err(|_| failure(&context, hint()))
        });
    let files = Arc::clone(world);
    FuncRegistration::new("read_bytes")
        .with_params_info(["path: &str", "Result<Blob>"])
        .with_comments([
            "/// The bytes of a file of the project.\n///",
            "/// ```rhai\n/// file::read_bytes(\"motd\").len() == 8\n/// ```",
        ])
        .set_into_module(&mut module, move |context: NativeCallContext, path: &str| -> Fallible<Blob> {
            files.read_file(path).map_err(|message| failure(&context, message))
        });
    let files = Arc::clone(world);
    FuncRegistration::new("exists")
        .with_params_info(["path: &str", "bool"])
        .with_comments([
            "/// Says whether the project has that file, and it can be read.\n///",
            "/// ```rhai\n/// file::exists(\"motd\") && !file::exists(\"nothing\")\n/// ```",
        ])
        .set_into_module(&mut module, move |path: &str| -> bool { files.read_file(path).is_ok() });
    engine.register_static_module("file", module.into());
}
