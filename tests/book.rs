//! Guard: what the README and the book show is true.
