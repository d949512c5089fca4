//! What OpenSSH's own client makes of a configuration, and what is made of it here.

mod dump;
mod generated;
mod openssh;
mod robust;
mod spoiled;
mod traps;
