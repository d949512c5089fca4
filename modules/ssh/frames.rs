//! Finding our own marks in what a command writes.
//!
//! A frame is an unguessable token, a short text and `;`. Everything else is the command's.

/// The longest text of a frame: what goes on after a token without an end is output. The longest that a host has to
/// say are three ids and a boot, below a hundred bytes.
const LONGEST: usize = 1024;

/// Part of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// What the command wrote.
    Data(Vec<u8>),
    /// What the shell says about the command.
    Frame(String),
}

/// Takes one stream apart, in whatever chunks it arrives.
#[derive(Debug, Default)]
pub(super) struct Frames {
    token: Vec<u8>,
    held: Vec<u8>,
}

impl Frames {
    /// Looks for frames of `token` from here on.
    pub(super) fn expect(&mut self, token: &str) {
        self.token = token.as_bytes().to_vec();
        self.held.clear();
    }

    /// Adds what arrived and returns what is complete. No more is held back than a frame may be long, and no byte is
    /// moved for each frame before it.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.held.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        // What comes before `given` is in the pieces, and what comes before `from` begins no frame.
        let (mut given, mut from) = (0, 0);
        while let Some(at) = memchr::memmem::find(&self.held[from..], &self.token) {
            let (at, body) = (from + at, from + at + self.token.len());
            let end = self.held.len().min(body + LONGEST);
            match memchr::memchr(b';', &self.held[body..end]) {
                Some(length) => {
                    give(&self.held[given..at], &mut pieces);
                    let text = String::from_utf8_lossy(&self.held[body..body + length]).into_owned();
                    pieces.push(Piece::Frame(text));
                    given = body + length + 1;
                    from = given;
                }
                None if end < body + LONGEST => {
                    give(&self.held[given..at], &mut pieces);
                    self.held.drain(..at);
                    return pieces;
                }
                None => from = body,
            }
        }
        let end = self.held.len() - self.begun(from);
        give(&self.held[given..end], &mut pieces);
        self.held.drain(..end);
        pieces
    }

    /// How many bytes at the end, of those from there on, could be the beginning of a token.
    fn begun(&self, from: usize) -> usize {
        let most = (self.held.len() - from).min(self.token.len().saturating_sub(1));
        (1..=most).rev().find(|count| self.held.ends_with(&self.token[..*count])).unwrap_or(0)
    }
}

fn give(bytes: &[u8], pieces: &mut Vec<Piece>) {
    if !bytes.is_empty() {
        pieces.push(Piece::Data(bytes.to_vec()));
    }
}

/// A token that nobody can guess.
pub(super) fn new_token() -> String {
    format!("oneex{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use super::{Frames, LONGEST, Piece};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn joined(pieces: Vec<Piece>) -> (Vec<u8>, Vec<String>) {
        let (mut data, mut frames) = (Vec::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Data(bytes) => data.extend(bytes),
                Piece::Frame(text) => frames.push(text),
            }
        }
        (data, frames)
    }

    #[test]
    fn nothing_that_cannot_be_a_token_is_held_back() {
        let mut frames = Frames::default();
        frames.expect("TOKEN");
        assert_eq!(frames.feed(b"abTOK"), [Piece::Data(b"ab".to_vec())]);
        assert_eq!(frames.feed(b"x"), [Piece::Data(b"TOKx".to_vec())]);
    }

    #[test]
    fn a_token_without_an_end_is_output_and_is_not_held_for_ever() {
        let mut frames = Frames::default();
        frames.expect("TOKEN");
        let most = "TOKEN".len() + LONGEST;
        let mut given = Vec::new();
        let endless = [b"TOKENe0 ".to_vec(), vec![b' '; 10 * LONGEST], b"TOKENz;".to_vec()].concat();
        for byte in &endless {
            given.extend(frames.feed(&[*byte]));
            assert!(frames.held.len() < most, "{}", frames.held.len());
        }
        let (data, found) = joined(given);
        assert_eq!((data.as_slice(), found), (&endless[..endless.len() - 7], vec!["z".to_owned()]));
        let longest = "x".repeat(LONGEST - 1);
        assert_eq!(frames.feed(format!("TOKEN{longest};").as_bytes()), [Piece::Frame(longest)]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_chunks_come_out_whole(
            before in any::<Vec<u8>>(), after in any::<Vec<u8>>(), sizes in proptest::collection::vec(1usize..9, 1..40)
        ) {
            let mut frames = Frames::default();
            frames.expect("oneexTOKEN-oneexTO");
            let mut stream = before.clone();
            stream.extend_from_slice(b"oneexTOKEN-oneexTOe0 x;");
            stream.extend_from_slice(&after);
            stream.extend_from_slice(b"oneexTOKEN-oneexTOz;");
            let mut pieces = Vec::new();
            let mut sizes = sizes.iter().cycle();
            let mut rest = stream.as_slice();
            while !rest.is_empty() {
                let size = (*sizes.next().unwrap()).min(rest.len());
                pieces.extend(frames.feed(&rest[..size]));
                rest = &rest[size..];
            }
            let (data, found) = joined(pieces);
            prop_assert_eq!(found, ["e0 x", "z"]);
            prop_assert_eq!(data, [before, after].concat());
        }
    }
}
