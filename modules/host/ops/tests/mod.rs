//! Operations on real hosts whose system folders are the test's own.

mod group;
mod machine;
mod user;
