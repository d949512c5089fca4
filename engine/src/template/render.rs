//! Rendering files and texts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use minijinja::Environment;
use oneex_sdk::{HostInfo, Map, Value};

use super::context::TemplateContext;
use super::print::{with_line_ends, with_plain_line_breaks};
use super::{environment, failure};
use crate::diag::Diagnostic;
use crate::inventory::Inventory;

/// Templates and their engine: one environment for all, which keeps what it has parsed.
pub struct Templates {
    environment: Environment<'static>,
    /// Folders that are left out where files are named.
    shown: Vec<PathBuf>,
}

impl Default for Templates {
    /// Templates that include only what stands in or below their own folder.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Templates {
    /// Templates that may include what is below `roots`: the project, and what it allows beside it.
    /// Without roots, a template includes only what stands in or below its own folder.
    pub fn new(roots: Vec<PathBuf>) -> Self {
        let shown = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
        Self { environment: environment::build(roots), shown }
    }

    /// What a template of a host sees: `vars` first, then `inventory_hostname`, `group_names`, `groups`,
    /// `hostvars`, `facts` (also as `ansible_facts`), then the host's variables.
    ///
    /// `hostvars` and `groups` look into the inventory when they are asked, and not before.
    pub fn host_context(
        &self,
        inventory: &Arc<RwLock<Inventory>>,
        host: &Arc<HostInfo>,
        facts: &Arc<Value>,
        vars: &Map<String, Value>,
    ) -> TemplateContext {
        TemplateContext::host(inventory, host, facts, vars)
    }

    /// Renders the template in a file. Includes and imports are relative to the file that has them.
    ///
    /// Fails with the file, the line and, where it is known, the column.
    pub fn render_file(
        &self,
        path: &Path,
        context: impl Into<TemplateContext>,
    ) -> Result<String, Box<Diagnostic>> {
        let context = context.into();
        let name = path.to_string_lossy();
        self.environment
            .get_template(&name)
            .and_then(|template| Ok(with_line_ends(template.source(), template.render(context.value())?)))
            .map_err(|error| Box::new(self.shown(failure::diagnostic(&error, &name, None, &context))))
    }

    /// The diagnostic with files named as people know them: from the project on.
    fn shown(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        for label in &mut diagnostic.labels {
            let path = Path::new(&*label.position.file);
            let inside = self.shown.iter().find_map(|root| path.strip_prefix(root).ok());
            if let Some(inside) = inside {
                label.position.file = inside.to_string_lossy().into();
            }
        }
        diagnostic
    }

    /// Renders a text; `name` is what it is called in messages. It includes nothing relative.
    ///
    /// Fails with the name, the line and, where it is known, the column.
    pub fn render_text(
        &self,
        name: &str,
        text: &str,
        context: impl Into<TemplateContext>,
    ) -> Result<String, Box<Diagnostic>> {
        let context = context.into();
        let text = &*with_plain_line_breaks(text);
        self.environment
            .render_named_str(name, text, context.value())
            .map(|rendered| with_line_ends(text, rendered))
            .map_err(|error| Box::new(failure::diagnostic(&error, name, Some(text), &context)))
    }

    /// Finds mistakes in the syntax of a template without rendering it.
    pub fn check_text(&self, name: &str, text: &str) -> Result<(), Box<Diagnostic>> {
        let context = TemplateContext::from(Value::Null);
        self.environment
            .template_from_named_str(name, text)
            .map(|_| ())
            .map_err(|error| Box::new(failure::diagnostic(&error, name, Some(text), &context)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, RwLock};

    use serde_json::json;

    use super::Templates;
    use crate::inventory::{Inventory, NewHost};

    #[test]
    fn whitespace_is_ansibles() {
        let text = "a\n{% if true %}\nb\n  {% endif %}\n{# c #}\nd\n";
        let out = Templates::default().render_text("t", text, json!({})).expect("a text");
        assert_eq!(out, "a\nb\n  d\n");
    }

    #[test]
    fn includes_are_relative_and_stay_inside() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(&path, text).expect("a file");
            path
        };
        write("secret.j2", "secret");
        write("t/parts/part.j2", "{{ x }}!");
        let good = write("t/good.j2", "{% include 'parts/part.j2' %}\n");
        let bad = write("t/bad.j2", "{% include '../secret.j2' %}\n");
        let templates = Templates::default();
        assert_eq!(templates.render_file(&good, json!({"x": 1})).expect("a text"), "1!\n");
        // The last line break of what is included goes, as with Jinja2, and that of the file itself stays.
        write("t/parts/line.j2", "world\n");
        let inside = write("t/inside.j2", "Hello {% include 'parts/line.j2' %}!\n{{ 'x\n' }}\n");
        assert_eq!(templates.render_file(&inside, json!({})).expect("a text"), "Hello world!\nx\n");
        let error = templates.render_file(&bad, json!({})).expect_err("outside").to_string();
        assert!(error.contains("outside"), "{error}");
        let wide = Templates::new(vec![folder.path().to_owned()]);
        assert_eq!(wide.render_file(&bad, json!({})).expect("a text"), "secret\n");
        let absolute = write("t/absolute.j2", "{% include '/etc/passwd' %}");
        assert!(wide.render_file(&absolute, json!({})).expect_err("outside").to_string().contains("outside"));
    }

    #[test]
    fn an_undefined_name_is_named_with_the_nearest() {
        let error = Templates::default()
            .render_text("motd.j2", "line\n{{ hostnam }}\n", json!({"hostname": "a"}))
            .expect_err("undefined");
        assert_eq!(error.to_string(), "motd.j2:2:4: `hostnam` is not defined");
        assert_eq!(error.hints, ["did you mean `hostname`?"]);
    }

    #[test]
    fn syntax_errors_name_their_line() {
        let error = Templates::default().render_text("t", "a\n{% if %}\n", json!({})).expect_err("a mistake");
        assert_eq!(error.labels[0].position.line, 2);
        assert!(Templates::default().check_text("t", "{{ a }}").is_ok());
    }

    #[test]
    fn a_host_sees_its_variables_its_facts_and_other_hosts() {
        let mut inventory = Inventory::default();
        for (name, port) in [("web1", 80), ("web2", 81)] {
            let vars = json!({"port": port}).as_object().cloned().expect("a map");
            let groups = vec!["web".to_owned()];
            inventory
                .add_host(NewHost { name: name.into(), groups, vars, ..NewHost::default() })
                .expect("a host");
        }
        let host = inventory.host("web1").expect("a host");
        let inventory = Arc::new(RwLock::new(inventory));
        let templates = Templates::default();
        let vars = json!({"extra": "x"}).as_object().cloned().expect("a map");
        let facts = Arc::new(json!({"os": "debian"}));
        let context = templates.host_context(&inventory, &host, &facts, &vars);
        let text = "{{ inventory_hostname }} {{ port }} {{ extra }} {{ facts.os }} {{ ansible_facts.os }} {{ group_names | join }}\
                    {% for h in groups.web %} {{ h }}:{{ hostvars[h].port }}{% endfor %} {{ groups['all'] | length }}";
        let out = templates.render_text("t", text, context.clone()).expect("a text");
        assert_eq!(out, "web1 80 x debian debian web web1:80 web2:81 2");
        let error = templates.render_text("t", "{{ prot }}", context).expect_err("undefined");
        assert_eq!(error.hints, ["did you mean `port`?"]);
    }
}
