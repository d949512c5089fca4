//! Ctrl-C and its kin, as cancellation.
