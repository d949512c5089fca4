//! Operations on real hosts whose system folders are the test's own.

mod authorized_keys;
mod busybox;
mod group;
mod machine;
mod packages;
mod repository;
mod service;
mod systemd;
mod user;
mod whole;
