//! The options of the words of the language, as opposed to those of operations.

/// A word that takes a map of options.
pub(super) struct Word {
    /// Its name.
    pub(super) name: &'static str,
    /// True for `x.name(…)`.
    pub(super) is_method: bool,
    /// How many arguments a call has that gives the map, and which of them it is.
    pub(super) map_at: (usize, usize),
    /// The options.
    pub(super) options: &'static [&'static str],
    /// Those that must be given.
    pub(super) required: &'static [&'static str],
}

/// All such words. `params` is not among them: its map has a spec under each name.
pub(super) const WORDS: &[Word] = &[
    Word {
        name: "batch",
        is_method: true,
        map_at: (1, 0),
        options: &["size", "pause", "check"],
        required: &["size"],
    },
    Word {
        name: "retry",
        is_method: true,
        map_at: (1, 0),
        options: &["times", "wait", "backoff", "max_wait", "on"],
        required: &["times"],
    },
    Word {
        name: "block",
        is_method: false,
        map_at: (3, 1),
        options: &[
            "on",
            "sudo",
            "tags",
            "when",
            "needs",
            "after",
            "batch",
            "max_fail",
            "throttle",
            "exclusive",
            "parallel",
        ],
        required: &[],
    },
    Word { name: "wait_until", is_method: false, map_at: (3, 1), options: &["every"], required: &[] },
    Word {
        name: "add_host",
        is_method: false,
        map_at: (1, 0),
        options: &[
            "name",
            "address",
            "port",
            "user",
            "groups",
            "vars",
            "host_keys",
            "connection",
            "password",
            "private_key_file",
        ],
        required: &["name"],
    },
];

/// What the spec of a parameter may say.
pub(super) const PARAM_SPEC: &[&str] =
    &["value", "required", "type", "help", "pattern", "choices", "min", "max", "env", "prompt"];

/// The types of parameters.
pub(super) const PARAM_TYPES: &[&str] =
    &["string", "int", "float", "bool", "list", "map", "duration", "size", "secret", "host", "hosts"];
