//! Finding our own marks in what a command writes.
//!
//! A frame is an unguessable token, a short text and `;`. Everything else is the command's.

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

    /// Adds what arrived and returns what is complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.held.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while let Some(at) = memchr::memmem::find(&self.held, &self.token) {
            let body = at + self.token.len();
            let Some(length) = memchr::memchr(b';', &self.held[body..]) else {
                self.give(at, &mut pieces);
                return pieces;
            };
            self.give(at, &mut pieces);
            let frame: Vec<u8> = self.held.drain(..self.token.len() + length + 1).collect();
            let text = String::from_utf8_lossy(&frame[self.token.len()..frame.len() - 1]).into_owned();
            pieces.push(Piece::Frame(text));
        }
        self.give(self.held.len() - self.begun(), &mut pieces);
        pieces
    }

    /// How many bytes at the end could be the beginning of a token.
    fn begun(&self) -> usize {
        let most = self.held.len().min(self.token.len().saturating_sub(1));
        (1..=most).rev().find(|count| self.held.ends_with(&self.token[..*count])).unwrap_or(0)
    }

    fn give(&mut self, count: usize, pieces: &mut Vec<Piece>) {
        if count > 0 {
            pieces.push(Piece::Data(self.held.drain(..count).collect()));
        }
    }
}

/// A token that nobody can guess.
pub(super) fn new_token() -> String {
    format!("oneex{:032x}", rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use super::{Frames, Piece};
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
