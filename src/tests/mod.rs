//! Sweeps over the whole program in one process: thousands of spoiled inputs, and what it says of each.

mod lock_laws;
mod material;
mod stage;
mod sweep;
