//! The commands, one file a command: what they print, and the code they end with.
