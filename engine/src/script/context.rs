//! From a loaded runbook to a run.

use std::path::PathBuf;
use std::sync::Arc;

use super::files::ScriptFiles;
use super::load::Loaded;
use crate::ahead::Memory;
use crate::run::{Chronicle, Listener, Mode, RunContext, RunSetup};
use crate::template::Templates;

impl Loaded {
    /// Puts the run of this runbook together, with what is remembered of its reads, the folder
    /// of all runs, and the run's id with its hold on its journal. Fails when no temporary folder can be made.
    pub fn context(
        &self,
        mode: Mode,
        reads: Memory,
        runs: Option<PathBuf>,
        chronicle: Option<(String, Chronicle)>,
        listeners: Vec<Box<dyn Listener>>,
        runtime: tokio::runtime::Handle,
    ) -> std::io::Result<Arc<RunContext>> {
        let files = ScriptFiles::new(Arc::clone(&self.script))?;
        let templates = self.project.folders().cloned().chain([files.embedded_folder()]).collect();
        Ok(RunContext::new(RunSetup {
            name: self.script.name.to_string(),
            mode,
            graph: Arc::clone(&self.graph),
            inventory: Arc::clone(&self.inventory),
            registry: self.registry.clone(),
            redactor: Arc::clone(&self.redactor),
            sources: Arc::clone(&self.sources),
            files: Arc::new(files),
            reads,
            runs,
            chronicle,
            templates: Templates::new(templates),
            listeners,
            runtime,
        }))
    }
}
