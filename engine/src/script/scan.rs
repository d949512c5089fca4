//! A rough reading of a script that does not parse: its words and signs with their places, which
//! bracket is not closed, which names are declared. Only hints are made of it.

/// A place: line and column in characters, both from 1.
pub(super) type Place = (u32, u32);

/// What stands in a script.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// A name, a keyword, a number.
    Word(String),
    /// A string or a character, quotes included.
    Text,
    /// Any other character.
    Sign(char),
}

/// A script that was read.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// What stands in it, with the places of the first and after the last character.
    pieces: Vec<(Place, Piece, Place)>,
    /// The bracket that is not closed where another one is, or at the end.
    pub(super) unclosed: Option<(char, Place)>,
    /// The comment that goes on to the end of the file.
    pub(super) open_comment: Option<Place>,
}

impl Scan {
    /// Reads a script.
    pub(super) fn of(text: &str) -> Self {
        let mut reader = Reader {
            rest: text.chars().collect::<Vec<_>>().into_iter().peekable(),
            at: (1, 1),
            open: Vec::new(),
            out: Self::default(),
        };
        reader.read();
        reader.out.unclosed = reader.out.unclosed.or(reader.open.pop());
        reader.out
    }

    /// The names of variables, constants, parameters and imports, with their places.
    pub(super) fn declared(&self) -> Vec<(&str, Place)> {
        let mut names = Vec::new();
        for (index, (_, piece, _)) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Word(word) if matches!(word.as_str(), "let" | "const" | "as" | "for" | "catch") => {
                    match self.piece(index + 1) {
                        Some(Piece::Sign('(')) => self.words_until(index + 2, ')', &mut names),
                        _ => names.extend(self.word(index + 1)),
                    }
                }
                Piece::Word(word) if word == "fn" => self.words_until(index + 3, ')', &mut names),
                Piece::Sign('|') if self.begins_closure(index) => {
                    self.words_until(index + 1, '|', &mut names);
                }
                _ => {}
            }
        }
        names
    }

    /// The keys of maps.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.pieces.windows(3).filter_map(|window| match window {
            [(_, Piece::Word(key), _), (_, Piece::Sign(':'), _), (_, next, _)]
                if *next != Piece::Sign(':') =>
            {
                Some(key.as_str())
            }
            _ => None,
        })
    }

    /// The sign that follows the word at a place; nothing where another word does.
    pub(super) fn sign_after(&self, place: Place) -> Option<char> {
        let index = self.pieces.iter().position(|(start, _, _)| *start == place)?;
        match (self.piece(index + 1), self.piece(index + 2)) {
            // `::` is no `:`.
            (Some(Piece::Sign(':')), Some(Piece::Sign(':'))) => None,
            (Some(Piece::Sign(sign)), _) => Some(*sign),
            _ => None,
        }
    }

    /// Where the last piece before a place ends.
    pub(super) fn end_before(&self, place: Place) -> Option<Place> {
        self.pieces.iter().take_while(|(start, _, _)| *start < place).last().map(|(_, _, end)| *end)
    }

    fn piece(&self, index: usize) -> Option<&Piece> {
        self.pieces.get(index).map(|(_, piece, _)| piece)
    }

    fn word(&self, index: usize) -> Option<(&str, Place)> {
        match self.pieces.get(index) {
            Some((place, Piece::Word(word), _)) => Some((word, *place)),
            _ => None,
        }
    }

    fn words_until<'a>(&'a self, from: usize, end: char, names: &mut Vec<(&'a str, Place)>) {
        let pieces = self.pieces.iter().enumerate().skip(from);
        let inside =
            pieces.take_while(|(_, (_, piece, _))| matches!(piece, Piece::Word(_) | Piece::Sign(',')));
        let inside: Vec<usize> = inside.map(|(index, _)| index).collect();
        if self.piece(from + inside.len()) == Some(&Piece::Sign(end)) {
            names.extend(inside.into_iter().filter_map(|index| self.word(index)));
        }
    }

    /// A `|` after a value is an operator.
    fn begins_closure(&self, index: usize) -> bool {
        match index.checked_sub(1).and_then(|before| self.piece(before)) {
            Some(Piece::Word(word)) => word == "return",
            Some(Piece::Text) => false,
            Some(Piece::Sign(sign)) => !matches!(sign, ')' | ']' | '}' | '|'),
            None => true,
        }
    }
}

struct Reader {
    rest: std::iter::Peekable<std::vec::IntoIter<char>>,
    at: Place,
    /// The brackets that are open; `$` for code within a text.
    open: Vec<(char, Place)>,
    out: Scan,
}

impl Reader {
    fn read(&mut self) {
        while let Some(c) = self.rest.peek().copied() {
            let start = self.at;
            if c.is_whitespace() {
                self.next();
            } else if c.is_alphanumeric() || c == '_' {
                let mut word = String::new();
                while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    self.at.1 += 1;
                    word.push(c);
                }
                self.push(start, Piece::Word(word));
            } else {
                self.next();
                self.other(c, start);
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.at = if c == '\n' { (self.at.0 + 1, 1) } else { (self.at.0, self.at.1 + 1) };
        Some(c)
    }

    fn push(&mut self, start: Place, piece: Piece) {
        self.out.pieces.push((start, piece, self.at));
    }

    fn other(&mut self, c: char, start: Place) {
        match (c, self.rest.peek().copied()) {
            ('/', Some('/')) => while self.next().is_some_and(|c| c != '\n') {},
            ('/', Some('*')) => self.comment(start),
            ('"' | '\'', _) => self.string(c, start),
            ('`', _) => self.template(start),
            ('(' | '[' | '{', _) => {
                self.open.push((c, start));
                self.push(start, Piece::Sign(c));
            }
            (')' | ']' | '}', _) => self.close(c, start),
            _ => self.push(start, Piece::Sign(c)),
        }
    }

    /// Comments may stand in comments.
    fn comment(&mut self, start: Place) {
        let mut depth = 1;
        self.next();
        while depth > 0 {
            match (self.next(), self.rest.peek()) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (Some(_), _) => continue,
                (None, _) => {
                    self.out.open_comment = Some(start);
                    return;
                }
            }
            self.next();
        }
    }

    fn string(&mut self, quote: char, start: Place) {
        while let Some(c) = self.next() {
            if c == '\\' {
                self.next();
            } else if c == quote || c == '\n' {
                break;
            }
        }
        self.push(start, Piece::Text);
    }

    /// The text of a back-quoted string, up to its end or to code in it.
    fn template(&mut self, start: Place) {
        while let Some(c) = self.next() {
            if c == '`' {
                break;
            }
            if c == '$' && self.rest.peek() == Some(&'{') {
                self.open.push(('$', self.at));
                self.next();
                break;
            }
        }
        self.push(start, Piece::Text);
    }

    fn close(&mut self, c: char, start: Place) {
        let right = match c {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        match self.open.pop() {
            Some(('$', _)) if c == '}' => self.template(start),
            Some((opened, place)) => {
                if opened != right && self.out.unclosed.is_none() {
                    self.out.unclosed = Some((if opened == '$' { '{' } else { opened }, place));
                }
                self.push(start, Piece::Sign(c));
            }
            None => self.push(start, Piece::Sign(c)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scan;

    #[test]
    fn the_bracket_that_is_not_closed_is_found() {
        let cases = [
            ("f(1)", None),
            ("f(#{ a: [1, 2] });", None),
            ("f(1;", Some(('(', (1, 2)))),
            ("run(|| {\n  if a {\n  }\n);", Some(('{', (1, 8)))),
            ("\"(\" + '(' + `(${f(\"(\")}(` // (\n/* ( /* ( */ */", None),
            ("`${f(1}`", Some(('(', (1, 5)))),
            ("a\n  [", Some(('[', (2, 3)))),
        ];
        for (text, expected) in cases {
            assert_eq!(Scan::of(text).unclosed, expected, "{text}");
        }
    }

    #[test]
    fn declared_names_are_found() {
        let text = "import \"x\" as web;\nconst A = 1; let b = a | c;\nfn f(d, e) { }\n\
                    for (g, i) in x { }\ntask(|h, item| j);\ntry { } catch (err) { }";
        let scan = Scan::of(text);
        let names: Vec<&str> = scan.declared().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["web", "A", "b", "d", "e", "g", "i", "h", "item", "err"]);
    }

    #[test]
    fn keys_are_words_before_a_colon() {
        let scan = Scan::of("#{ name: web::f(), size: 2 }");
        assert_eq!(scan.keys().collect::<Vec<_>>(), ["name", "size"]);
    }

    #[test]
    fn a_comment_without_an_end_is_found() {
        assert_eq!(Scan::of("a\n /* b").open_comment, Some((2, 2)));
        assert_eq!(Scan::of("/* a */ \"/*\"").open_comment, None);
    }

    #[test]
    fn places_before_and_after() {
        let scan = Scan::of("let a = \"x\" // why\n\nlet b");
        assert_eq!(scan.end_before((3, 1)), Some((1, 12)));
        assert_eq!(scan.end_before((1, 1)), None);
        assert_eq!(Scan::of("{ a: 1 }").sign_after((1, 3)), Some(':'));
        assert_eq!(Scan::of("a::b").sign_after((1, 1)), None);
    }
}
