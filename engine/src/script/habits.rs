//! What people write who come from Python, JavaScript, Ruby, a shell or Rust, and how it is said here.

/// How a word of another language is said here, as a hint.
pub(super) fn word(word: &str) -> Option<&'static str> {
    Some(match word {
        "and" => "“and” is written `&&`",
        "or" => "“or” is written `||`",
        "not" => "“not” is written `!`: `if !done { … }`, `if !(x in list) { … }`",
        "is" => "equality is written `==`",
        "True" => "it is written `true`",
        "False" => "it is written `false`",
        "None" | "null" | "nil" | "undefined" | "Null" | "NULL" => "nothing is written `()`",
        "elif" | "elsif" | "elseif" => "it is written `else if`",
        "except" | "rescue" | "finally" => "an error is caught by `try { … } catch (error) { … }`",
        "def" | "function" | "func" | "sub" => "a function is written `fn name(value) { … }`",
        "lambda" => "a closure is written `|h| …`",
        "var" | "mut" => "a variable is declared with `let name = …;`",
        "from" => "a role is imported with `import \"roles/name\" as name;`",
        "console" | "echo" | "puts" => "text is shown by `print(…)`",
        "process" | "os" | "ENV" => "a variable of the environment is read by `env_var(\"NAME\")`",
        _ => return None,
    })
}

/// How an operator or another sign is said here.
pub(super) fn sign(sign: &str) -> Option<&'static str> {
    Some(match sign {
        "++" => "write `+= 1`",
        "--" => "write `-= 1`; a comment begins with `//`",
        "?" => "`if` has a value: `let a = if condition { 1 } else { 2 };`",
        "#" => "a comment begins with `//`",
        _ => return None,
    })
}

/// What the text around a place tells: `before` ends there, `after` begins there.
pub(super) fn around(before: &str, after: &str) -> Option<String> {
    let name: String = after.chars().take_while(|c| is_of_a_name(*c)).collect();
    let rest = &after[name.len()..];
    let behind = rest.trim_start();
    let behind = behind.strip_prefix(')').map_or(behind, str::trim_start);
    if !name.is_empty() && behind.starts_with("=>") {
        return Some(format!("a closure is written `|{name}| …`"));
    }
    if name == "f" && rest.starts_with(['"', '\'']) {
        return Some("text with values in it stands in back-quotes: `` `hello ${name}` ``".to_owned());
    }
    let before = before.trim_end();
    if before.ends_with("for (") || before.ends_with("for(") {
        return Some("a loop is written `for item in list { … }`, `for i in 0..3 { … }`".to_owned());
    }
    if before.ends_with("import") {
        return Some("a role is imported with `import \"roles/name\" as name;`".to_owned());
    }
    if after.starts_with(['"', '`']) {
        let called = before.trim_end_matches(is_of_a_name).len();
        let called = before.get(called..)?;
        let is_name = called.starts_with(|c: char| c.is_ascii_alphabetic());
        return is_name.then(|| format!("a call has parentheses: `{called}(…)`"));
    }
    word(&name).map(str::to_owned)
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::around;

    #[test]
    fn the_text_around_tells_what_is_meant() {
        let table = [
            ("if a ", "and b {", Some("“and” is written `&&`")),
            ("run(", "h => h.exec()", Some("a closure is written `|h| …`")),
            ("run((", "host) => 1", Some("a closure is written `|host| …`")),
            (
                "let s = ",
                "f\"x\"",
                Some("text with values in it stands in back-quotes: `` `hello ${name}` ``"),
            ),
            ("h.exec ", "\"x\"", Some("a call has parentheses: `exec(…)`")),
            ("let ü = §exec ", "`x`", Some("a call has parentheses: `exec(…)`")),
            ("§ ", "\"x\"", None),
            ("12 ", "\"x\"", None),
            ("", "\"x\"", None),
            (
                "for (",
                "let i = 0;",
                Some("a loop is written `for item in list { … }`, `for i in 0..3 { … }`"),
            ),
            ("import ", "json", Some("a role is imported with `import \"roles/name\" as name;`")),
            ("", "ünder", None),
            ("let a = ", "android", None),
            ("", "", None),
        ];
        for (before, after, wanted) in table {
            assert_eq!(around(before, after).as_deref(), wanted, "{before:?} {after:?}");
        }
    }
}
