//! What ansible-core says of an inventory, recorded: `ansible-inventory -i site --list`, version 2.19.14.
//!
//! The folder has `hosts.ini` and `more.yml`, and variables for groups and, in `web02.yml`, for a host.

use std::path::Path;

use serde_json::{Value, json};

use super::{Inventory, InventorySource};
use crate::diag::SourceMap;

#[test]
fn variables_have_the_values_and_the_order_that_ansible_gives_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/inventory/recorded/site");
    let inventory = Inventory::load(&[InventorySource::Folder(folder)], &SourceMap::default());
    let inventory = inventory.expect("an inventory");
    let recorded: Value = serde_json::from_str(include_str!("recorded/site.json")).expect("JSON");
    let recorded = recorded.as_object().expect("a map");
    let mut names: Vec<String> = inventory.names().iter().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, recorded.keys().cloned().collect::<Vec<_>>());
    for (name, wanted) in recorded {
        let mut vars = inventory.host(name).expect("a host").vars.clone();
        vars.sort_keys();
        assert_eq!(&json!(vars), wanted, "{name}");
    }
}
