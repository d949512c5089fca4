//! Forms of archives, told by their first bytes and not by their names.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Zip,
}

impl Format {
    /// By the first bytes of a file; nothing for what is none of them.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        let marks: [(usize, &[u8], Self); 8] = [
            (0, b"\x1f\x8b", Self::Gzip),
            (0, b"BZh", Self::Bzip2),
            (0, b"\xfd7zXZ\0", Self::Xz),
            (0, b"\x28\xb5\x2f\xfd", Self::Zstd),
            (0, b"PK\x03\x04", Self::Zip),
            (0, b"PK\x05\x06", Self::Zip),
            (257, b"ustar", Self::Tar),
            // What has no member is nothing but zeros.
            (0, &[0; 512], Self::Tar),
        ];
        let is_at = |&&(at, mark, _): &&(usize, &[u8], Self)| {
            start.get(at..at + mark.len()).is_some_and(|bytes| bytes == mark)
        };
        let marked = marks.iter().find(is_at).map(|(_, _, format)| *format);
        marked.or_else(|| is_old_tar(start).then_some(Self::Tar))
    }

    /// The form of an open file, which is read from its start afterwards.
    pub(super) fn of_file(file: &mut File) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        Read::by_ref(file).take(512).read_to_end(&mut start)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self::of(&start))
    }

    /// The tar that is packed in it.
    pub(super) fn unpacked(self, file: File) -> Box<dyn Read> {
        let file = BufReader::with_capacity(1 << 16, file);
        match self {
            Self::Tar | Self::Zip => Box::new(file),
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new(file, true)),
            Self::Zstd => Box::new(ZstdFrames::Between(Some(file))),
        }
    }
}

/// The oldest tars have no mark, but a sum over their first header.
fn is_old_tar(start: &[u8]) -> bool {
    start.len() == 512 && {
        let header = tar::Header::from_byte_slice(start);
        let mut summed = header.clone();
        summed.set_cksum();
        header.cksum().ok() == summed.cksum().ok()
    }
}

/// The frames of a file, one after the other: programs that pack with several threads write more than one.
enum ZstdFrames<R: BufRead> {
    Between(Option<R>),
    Inside(Box<ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>),
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            *self = match std::mem::replace(self, Self::Between(None)) {
                Self::Between(None) => return Ok(0),
                Self::Between(Some(mut source)) => {
                    if source.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    let decoder = ruzstd::decoding::StreamingDecoder::new(source);
                    Self::Inside(Box::new(decoder.map_err(io::Error::other)?))
                }
                Self::Inside(mut decoder) => match decoder.read(buffer)? {
                    0 if !buffer.is_empty() => Self::Between(Some(decoder.into_inner())),
                    count => {
                        *self = Self::Inside(decoder);
                        return Ok(count);
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};

    use super::Format;

    #[test]
    fn forms_are_known_by_their_first_bytes() {
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (start, format) in [
            (&b"\x1f\x8b\x08"[..], Some(Format::Gzip)),
            (b"BZh9", Some(Format::Bzip2)),
            (b"\xfd7zXZ\0\0", Some(Format::Xz)),
            (b"\x28\xb5\x2f\xfd\0", Some(Format::Zstd)),
            (b"PK\x03\x04", Some(Format::Zip)),
            (b"PK\x05\x06", Some(Format::Zip)),
            (&tar, Some(Format::Tar)),
            (&[0; 512], Some(Format::Tar)),
            (&[0; 511], None),
            (b"text", None),
            (b"", None),
        ] {
            assert_eq!(Format::of(start), format, "{}", start.escape_ascii());
        }
    }

    /// What a program makes of `content`, twice, one behind the other.
    fn twice(program: &str, content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        for _ in 0..2 {
            let mut child = Command::new(program)
                .arg("-c")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect(program);
            child.stdin.take().expect("piped").write_all(content).expect("it reads");
            file.write_all(&child.wait_with_output().expect("it ends").stdout).expect("written");
        }
        file
    }

    #[test]
    fn what_real_programs_packed_is_unpacked_whole() {
        let content: Vec<u8> = (0..200_000_u32).flat_map(|at| (at % 7919).to_le_bytes()).collect();
        for (program, format) in
            [("gzip", Format::Gzip), ("bzip2", Format::Bzip2), ("xz", Format::Xz), ("zstd", Format::Zstd)]
        {
            for content in [&content[..], b"small", b""] {
                let packed = twice(program, content);
                let mut file = packed.reopen().expect("the file");
                assert_eq!(Format::of_file(&mut file).expect("read"), Some(format));
                let mut all = Vec::new();
                format.unpacked(file).read_to_end(&mut all).expect(program);
                assert!(all == [content, content].concat(), "{program}, {} bytes", content.len());

                let bytes = std::fs::read(packed.path()).expect("the file");
                std::fs::write(packed.path(), &bytes[..bytes.len() - 3]).expect("cut");
                let cut = format.unpacked(packed.reopen().expect("the file")).read_to_end(&mut all);
                assert!(cut.is_err(), "{program} cut");
            }
        }
    }
}
