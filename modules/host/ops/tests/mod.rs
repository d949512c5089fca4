//! Operations on real hosts whose system folders are the test's own.

mod acl;
mod alternatives;
mod apt_repository;
mod authorized_keys;
mod busybox;
mod cron;
mod disks;
mod distributions;
mod download;
mod git;
mod group;
mod hostile;
pub(crate) mod machine;
mod mount;
mod openrc;
mod packages;
mod pip;
mod repository;
mod service;
mod settings;
mod swap;
mod systemd;
mod unarchive;
mod unit_decisions;
mod units;
mod user;
mod whole;
