//! Finds mistakes before a run: names, arity, options, literals. Reads the script, runs nothing.
