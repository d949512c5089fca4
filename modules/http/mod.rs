//! The one REST client, and the `http::` functions on top of it.
//!
//! Every module that talks to an API does it through [`Client`]: TLS, time limits, repeats, redirects,
//! bounded answers, cancelling and counting are decided here once. Nothing here reads the
//! environment: proxies and certificate files come as [`Settings`].

mod client;
mod failure;
mod ops;
mod proxy;
mod request;
mod retry;
mod settings;
mod turns;

pub use client::Client;
pub use ops::{Clients, register};
pub use proxy::Proxies;
pub(crate) use request::shown;
pub use request::{Auth, Body, Method, Request, Response, StatusSet};
pub use settings::{LazySettings, Settings};
