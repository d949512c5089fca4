//! Guard: what holds for every operation, whatever it does.
