//! Runs against real servers: sshd on loopback addresses. A server that is missing is a failure.

mod crowds;
mod elevation;
mod names;
mod network;
mod trust;
