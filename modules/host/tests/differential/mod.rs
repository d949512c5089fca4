//! Our operations beside the modules of Ansible that they are named after: the same call on the same files, on
//! twin folders. Contents, modes, owners, links and whether something changed agree, in a plan, in a first run and in
//! a second. Where they differ on purpose, the comparison says so by name, and the book says why.

mod access;
mod accounts;
mod archives;
mod authorized;
mod blocks;
mod checkouts;
mod contents;
mod copies;
mod crontabs;
mod fragments;
mod ini;
mod jobs;
mod known_hosts;
mod limits;
mod lines;
mod looks;
mod mounts;
mod paths;
mod replaces;
mod sudoers;
mod sysctl;
mod twins;
