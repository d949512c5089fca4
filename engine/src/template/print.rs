//! What `{{ … }}` writes.

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, Output, State, Value, escape_formatter};

/// Makes the environment write `none` as nothing and floats as Python writes them.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.set_formatter(write);
}

fn write(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    if value.kind() == ValueKind::Number
        && !value.is_integer()
        && let Ok(number) = f64::try_from(value.clone())
    {
        return out.write_str(&python_float(number)).map_err(Error::from);
    }
    escape_formatter(out, state, value)
}

/// A float as Python's `repr`: the fewest digits, and an exponent below 1e-4 and from 1e16 on.
fn python_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return if number.is_nan() { "nan".to_owned() } else { scientific };
    };
    match exponent.parse::<i32>() {
        Ok(power) if !(-4..16).contains(&power) => {
            let sign = if power < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", power.abs())
        }
        _ if number.fract() == 0.0 => format!("{number:.1}"),
        _ => number.to_string(),
    }
}

/// The rendered text with at least the line breaks at its end that the template ends in: Ansible puts
/// those back that `trim_blocks` took, and the last one, which Jinja takes from every template and what it includes.
pub(super) fn with_line_ends(template: &str, mut rendered: String) -> String {
    let count = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let missing = count(template).saturating_sub(count(&rendered));
    rendered.extend(std::iter::repeat_n('\n', missing));
    rendered
}

/// The template with `\n` as its only line break, which is what Jinja2 makes of a template.
pub(super) fn with_plain_line_breaks(template: &str) -> std::borrow::Cow<'_, str> {
    if template.contains('\r') {
        template.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        template.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{python_float, with_line_ends, with_plain_line_breaks};

    #[test]
    fn floats_are_pythons() {
        let table = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-1.25e100, "-1.25e+100"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (number, wanted) in table {
            assert_eq!(python_float(number), wanted);
        }
    }

    #[test]
    fn line_ends_are_those_of_the_template() {
        assert_eq!(with_line_ends("{% endif %}\n\n", "x\n".into()), "x\n\n");
        assert_eq!(with_line_ends("x", "x\n".into()), "x\n");
        assert_eq!(with_plain_line_breaks("a\r\nb\rc\n"), "a\nb\nc\n");
    }

    proptest::proptest! {
        #[test]
        fn a_float_reads_back_as_itself(bits in proptest::prelude::any::<u64>()) {
            let number = f64::from_bits(bits);
            proptest::prop_assume!(!number.is_nan());
            proptest::prop_assert_eq!(python_float(number).parse::<f64>(), Ok(number));
        }
    }
}
