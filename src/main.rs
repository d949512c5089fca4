//! oneex.
fn main() {}
