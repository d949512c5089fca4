//! What the kernel swaps to, proc(5).

use super::fstab::decode;

/// A line of `/proc/swaps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Swap {
    /// The file or the device.
    pub(crate) path: String,
    /// The one with the highest is used first.
    pub(crate) priority: i64,
}

impl Swap {
    /// Reads a line; nothing for the heading.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let path = decode(words.next()?);
        // Path, type, size, used, priority.
        let priority = words.nth(3)?.parse().ok()?;
        // A file that was removed while it is in use has the word at its end.
        let path = path.strip_suffix(" (deleted)").map_or(path.clone(), str::to_owned);
        path.starts_with('/').then_some(Self { path, priority })
    }
}

#[cfg(test)]
mod tests {
    use super::Swap;

    /// Written after the form of `/proc/swaps`, proc(5): a partition and two files.
    const FORM: &str = include_str!("forms/proc-swaps.txt");

    #[test]
    fn recorded_lines_are_read() {
        let found: Vec<Swap> = FORM.lines().filter_map(Swap::parse).collect();
        let swap = |path: &str, priority| Swap { path: path.to_owned(), priority };
        assert_eq!(found, [swap("/dev/sda5", -2), swap("/swap file", 5), swap("/var/swap", -3)]);
        for wrong in ["", "Filename Type Size Used Priority", "/a file 1 2", "/a file 1 2 x", "a file 1 2 3"]
        {
            assert_eq!(Swap::parse(wrong), None, "{wrong}");
        }
    }
}
