//! Files with holes, as GNU's tar and bsdtar write them into archives of the form `pax`.

use std::io::{self, Read};

use tar::Entry;

/// Parts of a content that are there, and the whole size; between them is nothing but zeros.
#[derive(Debug, PartialEq, Eq)]
struct Map {
    parts: Vec<(u64, u64)>,
    size: u64,
}

/// A file with holes: its name, and how large it is.
pub(super) struct Sparse {
    /// The name, which stands in no header.
    pub(super) name: Vec<u8>,
    size: u64,
}

/// More parts than these make no file that somebody packed.
const MOST_PARTS: u64 = 1 << 20;

impl Sparse {
    /// What the further headers of a member say; nothing where it has no holes.
    pub(super) fn of(entry: &mut Entry<'_, impl Read>) -> io::Result<Option<Self>> {
        let Some(extensions) = entry.pax_extensions()? else { return Ok(None) };
        let (mut major, mut is_sparse, mut name, mut size) = (None, false, None, None);
        for extension in extensions {
            let extension = extension?;
            let value = extension.value_bytes();
            let number = || std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
            match extension.key_bytes() {
                b"GNU.sparse.major" => major = number(),
                b"GNU.sparse.name" => name = Some(value.to_vec()),
                b"GNU.sparse.realsize" => size = number(),
                _ => {}
            }
            is_sparse |= extension.key_bytes().starts_with(b"GNU.sparse.");
        }
        match (is_sparse, major, name, size) {
            (false, ..) => Ok(None),
            (true, Some(1), Some(name), Some(size)) => Ok(Some(Self { name, size })),
            // Forms 0.0 and 0.1, which nobody writes for fifteen years.
            _ => Err(io::Error::other("it has files with holes in a form that is not known")),
        }
    }

    /// The whole content of a member, with its holes as zeros.
    pub(super) fn content<R: Read>(&self, mut packed: R) -> io::Result<impl Read + use<R>> {
        let map = Map::read(&mut packed, self.size)?;
        Ok(Filled { packed, map, at: 0, part: 0 })
    }
}

impl Map {
    /// Reads the lines before the content: how many parts, then where each begins and how long it is. They fill whole
    /// blocks.
    fn read(packed: &mut impl Read, size: u64) -> io::Result<Self> {
        let wrong = || io::Error::other("a file with holes does not say where they are");
        let mut read = 0_usize;
        let mut number = || -> io::Result<u64> {
            let mut value = 0_u64;
            for count in 0.. {
                let mut byte = [0];
                packed.read_exact(&mut byte)?;
                read += 1;
                match byte[0] {
                    b'\n' if count > 0 => break,
                    digit @ b'0'..=b'9' => {
                        let more = value.checked_mul(10);
                        value =
                            more.and_then(|v| v.checked_add(u64::from(digit - b'0'))).ok_or_else(wrong)?;
                    }
                    _ => return Err(wrong()),
                }
            }
            Ok(value)
        };
        let count = number()?;
        if count > MOST_PARTS {
            return Err(wrong());
        }
        let (mut parts, mut last) = (Vec::new(), 0);
        for _ in 0..count {
            let (start, length) = (number()?, number()?);
            let end = start.checked_add(length).filter(|end| start >= last && *end <= size);
            last = end.ok_or_else(wrong)?;
            parts.push((start, length));
        }
        let padding = read.next_multiple_of(512) - read;
        packed.read_exact(&mut vec![0; padding])?;
        Ok(Self { parts, size })
    }
}

/// A content with its holes filled.
struct Filled<R> {
    packed: R,
    map: Map,
    at: u64,
    part: usize,
}

impl<R: Read> Read for Filled<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.map.parts.get(self.part).is_some_and(|(start, length)| self.at >= start + length) {
            self.part += 1;
        }
        let part = self.map.parts.get(self.part);
        let limit = |until: u64, buffer: &[u8]| {
            usize::try_from(until - self.at).unwrap_or(usize::MAX).min(buffer.len())
        };
        let count = match part {
            Some((start, length)) if self.at >= *start => {
                let count = limit(start + length, buffer);
                let count = self.packed.read(&mut buffer[..count])?;
                if count == 0 && !buffer.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                count
            }
            hole => {
                let count = limit(hole.map_or(self.map.size, |(start, _)| *start), buffer);
                buffer[..count].fill(0);
                count
            }
        };
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::Sparse;

    #[test]
    fn holes_are_filled() {
        for (map, packed, size, expected) in [
            ("0\n", "", 3, Some("000")),
            ("1\n0\n2\n", "ab", 2, Some("ab")),
            ("2\n1\n2\n4\n1\n", "abc", 6, Some("0ab0c0")),
            ("2\n0\n1\n3\n0\n", "a", 3, Some("a00")),
            ("1\n0\n3\n", "ab", 3, None),
            ("1\n0\n3\n", "abc", 2, None),
            ("2\n2\n1\n1\n1\n", "ab", 9, None),
            ("1\n18446744073709551615\n9\n", "ab", 9, None),
            ("99999999999999999999\n", "", 9, None),
            ("9999999999\n", "", 9, None),
            ("\n", "", 9, None),
            ("x\n", "", 9, None),
            ("1\n0\n", "", 9, None),
        ] {
            let mut all = map.as_bytes().to_vec();
            all.resize(512, 0);
            all.extend_from_slice(packed.as_bytes());
            let sparse = Sparse { name: Vec::new(), size };
            let mut content = String::new();
            let read = sparse.content(&all[..]).and_then(|mut filled| filled.read_to_string(&mut content));
            let content = read.ok().map(|_| content.replace('\0', "0"));
            assert_eq!(content.as_deref(), expected, "{map:?}");
        }
    }
}
