//! Asking a person on the terminal.
