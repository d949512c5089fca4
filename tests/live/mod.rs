//! Runs against real servers: sshd on loopback addresses. A server that is missing is a failure.

mod network;
mod trust;
