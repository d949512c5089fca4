//! The functions `http::get head post put patch delete`.

mod clients;
mod options;
mod reads;
mod writes;

pub use clients::{Clients, register};
