//! Values of an INI inventory: what Python's `ast.literal_eval` reads, else the text itself.
//!
//! Source: ansible-core's `plugins/inventory/ini.py`, `_parse_value`.

use serde_json::{Map, Number, Value};

/// Deeper nesting is taken as text.
const DEEPEST: usize = 64;

/// Reads a value. What is not a Python literal is a string.
pub(super) fn parse(text: &str) -> Value {
    let mut reader = Reader { text, at: 0 };
    reader
        .top()
        .filter(|_| {
            reader.space();
            reader.rest().is_empty() || reader.rest().starts_with('#')
        })
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// A value, or several with commas between them, which are a tuple also without brackets.
    fn top(&mut self) -> Option<Value> {
        let first = self.value(0)?;
        if !self.eat(",") {
            return Some(first);
        }
        let mut items = vec![first];
        loop {
            self.space();
            if self.rest().is_empty() || self.rest().starts_with('#') {
                return Some(Value::Array(items));
            }
            items.push(self.value(0)?);
            if !self.eat(",") {
                return Some(Value::Array(items));
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.space();
        match self.rest().chars().next()? {
            '[' => self.sequence("]", depth).map(|(items, _)| Value::Array(items)),
            '(' => {
                let (mut items, comma) = self.sequence(")", depth)?;
                // `(1)` is a number in brackets, `(1,)` and `()` are tuples.
                if items.len() == 1 && !comma { items.pop() } else { Some(Value::Array(items)) }
            }
            '{' => self.braces(depth),
            '.' if self.rest().starts_with("...") => {
                self.at += 3;
                Some(Value::String("...".into()))
            }
            c if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => self.number(),
            '\'' | '"' => self.strings(),
            c if c.is_alphabetic() => self.word(),
            _ => None,
        }
    }

    fn sequence(&mut self, close: &str, depth: usize) -> Option<(Vec<Value>, bool)> {
        self.at += 1;
        let mut items = Vec::new();
        let mut comma = false;
        while !self.eat(close) {
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            comma = self.eat(",");
        }
        Some((items, comma))
    }

    /// A dict, or a set, which becomes a list.
    fn braces(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        if self.eat("}") {
            return Some(Value::Object(Map::new()));
        }
        let first = self.value(depth + 1)?;
        if !self.eat(":") {
            let mut items = vec![first];
            while self.eat(",") {
                if self.eat("}") {
                    return Some(Value::Array(items));
                }
                let item = self.value(depth + 1)?;
                if !items.contains(&item) {
                    items.push(item);
                }
            }
            return self.eat("}").then_some(Value::Array(items));
        }
        let mut map = Map::new();
        map.insert(key(first)?, self.value(depth + 1)?);
        while self.eat(",") {
            if self.eat("}") {
                return Some(Value::Object(map));
            }
            let name = key(self.value(depth + 1)?)?;
            if !self.eat(":") {
                return None;
            }
            map.insert(name, self.value(depth + 1)?);
        }
        self.eat("}").then_some(Value::Object(map))
    }

    fn word(&mut self) -> Option<Value> {
        for (word, value) in
            [("True", Value::Bool(true)), ("False", Value::Bool(false)), ("None", Value::Null)]
        {
            let after = self.rest().strip_prefix(word).map(|rest| rest.chars().next());
            if after.is_some_and(|next| next.is_none_or(|c| !c.is_alphanumeric() && c != '_')) {
                self.at += word.len();
                return Some(value);
            }
        }
        self.strings()
    }

    fn number(&mut self) -> Option<Value> {
        let mut negative = false;
        while let Some(sign) = self.rest().chars().next().filter(|c| matches!(c, '+' | '-')) {
            negative ^= sign == '-';
            self.at += 1;
            self.space();
        }
        let rest = self.rest();
        let mut end = 0;
        for (index, c) in rest.char_indices() {
            let exponent_sign = matches!(c, '+' | '-')
                && rest[..index].ends_with(['e', 'E'])
                && !rest.starts_with("0x")
                && !rest.starts_with("0X");
            if !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || exponent_sign) {
                break;
            }
            end = index + c.len_utf8();
        }
        let word = rest.get(..end)?;
        self.at += end;
        if word.ends_with('_') || word.contains("__") || word.starts_with('_') {
            return None;
        }
        let clean = word.replace('_', "");
        let sign = if negative { "-" } else { "" };
        number(&clean, sign).map(Value::Number)
    }

    /// One string or several beside each other, each with its prefix.
    fn strings(&mut self) -> Option<Value> {
        let mut out = String::new();
        loop {
            self.space();
            let rest = self.rest();
            let prefix = rest.find(['\'', '"']).filter(|end| *end <= 2)?;
            let raw = match rest[..prefix].to_lowercase().as_str() {
                "" | "u" | "b" => false,
                "r" | "br" | "rb" => true,
                _ => return None,
            };
            self.at += prefix;
            self.string(raw, &mut out)?;
            self.space();
            if !self.rest().starts_with(['\'', '"']) {
                return Some(Value::String(out));
            }
        }
    }

    fn string(&mut self, raw: bool, out: &mut String) -> Option<()> {
        let open = self.rest().chars().next()?;
        let triple = open.to_string().repeat(3);
        let close = if self.rest().starts_with(&triple) { triple } else { open.to_string() };
        self.at += close.len();
        loop {
            if self.rest().starts_with(&close) {
                self.at += close.len();
                return Some(());
            }
            let c = self.rest().chars().next()?;
            self.at += c.len_utf8();
            if c != '\\' {
                out.push(c);
                continue;
            }
            let next = self.rest().chars().next()?;
            if raw {
                out.push('\\');
                out.push(next);
                self.at += next.len_utf8();
            } else {
                self.escape(next, out)?;
            }
        }
    }

    fn escape(&mut self, c: char, out: &mut String) -> Option<()> {
        self.at += c.len_utf8();
        let digits = match c {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code = self.rest().get(..digits)?;
            out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
            self.at += digits;
            return Some(());
        }
        if c.is_digit(8) {
            let more = self.rest().chars().take(2).take_while(|c| c.is_digit(8)).count();
            let code = &self.text[self.at - 1..self.at + more];
            self.at += more;
            out.push(char::from_u32(u32::from_str_radix(code, 8).ok()?)?);
            return Some(());
        }
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'v' => out.push('\u{b}'),
            '\\' | '\'' | '"' => out.push(c),
            '\n' => {}
            other => {
                out.push('\\');
                out.push(other);
            }
        }
        Some(())
    }
}

fn key(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("True".into()),
        Value::Bool(false) => Some("False".into()),
        Value::Null => Some("None".into()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn number(text: &str, sign: &str) -> Option<Number> {
    let lower = text.to_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return i64::from_str_radix(&format!("{sign}{digits}"), radix).ok().map(Number::from);
        }
    }
    if lower.bytes().all(|b| b.is_ascii_digit()) && !lower.is_empty() {
        // Python refuses `0123`: it is no number, so it stays the text that it is.
        if lower.len() > 1 && lower.starts_with('0') && lower.bytes().any(|b| b != b'0') {
            return None;
        }
        let signed = format!("{sign}{lower}");
        return signed
            .parse::<i64>()
            .map(Number::from)
            .or_else(|_| signed.parse::<u64>().map(Number::from))
            .ok();
    }
    let plain = lower.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
    if !plain || !lower.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    Number::from_f64(format!("{sign}{lower}").parse().ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn literals_are_what_python_says() {
        let table = [
            ("1", json!(1)),
            ("-1", json!(-1)),
            ("0x1f", json!(31)),
            ("0o17", json!(15)),
            ("1_000", json!(1000)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("0644", json!("0644")),
            ("00", json!(0)),
            ("True", json!(true)),
            ("true", json!("true")),
            ("yes", json!("yes")),
            ("None", json!(null)),
            ("Truer", json!("Truer")),
            ("'a b'", json!("a b")),
            ("\"a\\tb\"", json!("a\tb")),
            ("r'a\\tb'", json!("a\\tb")),
            ("'a' 'b'", json!("ab")),
            ("'\\x41\\101\\u00e9'", json!("AAé")),
            ("['a', 1, [True]]", json!(["a", 1, [true]])),
            ("(1, 2)", json!([1, 2])),
            ("(1)", json!(1)),
            ("()", json!([])),
            ("1, 'a'", json!([1, "a"])),
            ("80,", json!([80])),
            ("80, # one", json!([80])),
            ("80,443,", json!([80, 443])),
            ("80,,443", json!("80,,443")),
            ("web1,web2", json!("web1,web2")),
            (",80", json!(",80")),
            ("{'a': {'b': 1}, 2: 3}", json!({"a": {"b": 1}, "2": 3})),
            ("{'x', 'x', 'y'}", json!(["x", "y"])),
            ("{}", json!({})),
            ("1 # one", json!(1)),
            ("10.0.0.1", json!("10.0.0.1")),
            ("/usr/bin/python3", json!("/usr/bin/python3")),
            ("[a, b]", json!("[a, b]")),
            ("[1, 2", json!("[1, 2")),
            ("'open", json!("'open")),
            ("", json!("")),
            ("a=b", json!("a=b")),
            ("12 monkeys", json!("12 monkeys")),
            ("1e999", json!("1e999")),
        ];
        for (text, wanted) in table {
            assert_eq!(parse(text), wanted, "{text}");
        }
    }

    #[test]
    fn deep_nesting_stays_text() {
        let text = "[".repeat(10_000);
        assert_eq!(parse(&text), json!(text));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[\\[\\](){}'\"\\\\,:0-9a-z_.+é -]{0,40}") {
            let _ = parse(&text);
        }
    }
}
