//! Filters over maps, items and truth.

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("combine", super::combine::combine);
    environment.add_filter("dict2items", dict2items);
    environment.add_filter("items2dict", items2dict);
    environment.add_filter("mandatory", mandatory);
    environment.add_filter("ternary", ternary);
    environment.add_filter("bool", to_bool);
    environment.add_filter("extract", extract);
    environment.add_function("cycler", |items: Rest<Value>| minijinja_contrib::globals::cycler(items.0));
    environment.add_filter("ipaddr", ipaddr);
}

/// An error that the value or an option of a filter caused.
pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn dict2items(map: &Value, options: Kwargs) -> Result<Value, Error> {
    let key_name = options.get::<Option<String>>("key_name")?.unwrap_or_else(|| "key".into());
    let value_name = options.get::<Option<String>>("value_name")?.unwrap_or_else(|| "value".into());
    options.assert_all_used()?;
    if map.kind() != ValueKind::Map {
        return Err(wrong("`dict2items` takes a map"));
    }
    let item = |key: Value| {
        let value = map.get_item(&key)?;
        Ok(Value::from_pairs([(key_name.clone(), key), (value_name.clone(), value)]))
    };
    map.try_iter()?.map(item).collect::<Result<Vec<_>, Error>>().map(Value::from)
}

fn items2dict(items: &Value, options: Kwargs) -> Result<Value, Error> {
    let key_name = options.get::<Option<String>>("key_name")?.unwrap_or_else(|| "key".into());
    let value_name = options.get::<Option<String>>("value_name")?.unwrap_or_else(|| "value".into());
    options.assert_all_used()?;
    let pair = |item: Value| {
        let (key, value) = (item.get_attr(&key_name)?, item.get_attr(&value_name)?);
        if key.is_undefined() || value.is_undefined() {
            return Err(wrong(format!("`items2dict` needs `{key_name}` and `{value_name}` in every item")));
        }
        Ok((key, value))
    };
    items.try_iter()?.map(pair).collect::<Result<Vec<_>, Error>>().map(Value::from_pairs)
}

/// What `container` has under `key`, and in that under each of `more`: a key or a list of them.
fn extract(key: Value, container: &Value, more: Option<Value>) -> Result<Value, Error> {
    let more: Vec<Value> = match more {
        Some(keys) if keys.kind() == ValueKind::Seq => keys.try_iter()?.collect(),
        more => more.into_iter().collect(),
    };
    more.iter().try_fold(container.get_item(&key)?, |value, key| value.get_item(key))
}

fn mandatory(value: Value, message: Option<String>) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(wrong(message.unwrap_or_else(|| "a mandatory value is not defined".into())));
    }
    Ok(value)
}

/// One of two values, or a third for `none`.
fn ternary(value: &Value, yes: Value, no: Value, none: Option<Value>) -> Value {
    match none {
        Some(none) if value.is_none() => none,
        _ if value.is_true() => yes,
        _ => no,
    }
}

/// Truth as Ansible's `bool` filter reads it: `yes`, `on`, `true`, `1`; anything else is false.
fn to_bool(value: &Value) -> Value {
    if value.is_none() || value.kind() == ValueKind::Bool {
        return value.clone();
    }
    let text = value.to_string().trim().to_lowercase();
    Value::from(matches!(text.as_str(), "yes" | "on" | "true" | "1" | "1.0" | "y" | "t"))
}

/// Parts of an address or network: `address`, `network`, `netmask`, `prefix`, `broadcast`; without one,
/// the address itself, or false when it is none.
fn ipaddr(text: String, query: Option<String>) -> Result<Value, Error> {
    let network =
        text.parse::<ipnet::IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(ipnet::IpNet::from));
    let Ok(network) = network else { return Ok(Value::from(false)) };
    let shown = match query.as_deref().unwrap_or_default() {
        "" => text,
        "address" | "ip" => network.addr().to_string(),
        "network" => network.network().to_string(),
        "netmask" => network.netmask().to_string(),
        "broadcast" => network.broadcast().to_string(),
        "prefix" => return Ok(Value::from(network.prefix_len())),
        other => {
            let known = "`address`, `network`, `netmask`, `prefix` and `broadcast`";
            return Err(wrong(format!("`ipaddr` knows {known}, not `{other}`")));
        }
    };
    Ok(Value::from(shown))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::Templates;

    #[test]
    fn filters_do_what_ansible_says() {
        let data = json!({"a": {"x": 1, "m": {"p": 1}}, "b": {"y": 2, "m": {"q": 2}}, "n": null});
        let table = [
            ("{{ a | combine(b) | to_json }}", r#"{"x": 1, "m": {"q": 2}, "y": 2}"#),
            ("{{ a | combine(b, recursive=true) | to_json }}", r#"{"x": 1, "m": {"p": 1, "q": 2}, "y": 2}"#),
            ("{{ {'k': 1} | dict2items | to_json }}", r#"[{"key": "k", "value": 1}]"#),
            ("{{ [{'key': 'k', 'value': 1}] | items2dict | to_json }}", r#"{"k": 1}"#),
            ("{{ true | ternary('y', 'n') }}{{ n | ternary('y', 'n', 'z') }}", "yz"),
            ("{{ 'yes' | bool }} {{ 'no' | bool }} {{ 1 | bool }}", "True False True"),
            (
                "{{ '/etc/nginx/nginx.conf' | basename }} {{ '/etc/x' | dirname }} {{ '/x' | dirname }}",
                "nginx.conf /etc /",
            ),
            ("{{ 'a.tar.gz' | splitext | join(' ') }}", "a.tar .gz"),
            ("{{ '10.1.2.3/24' | ipaddr('network') }}/{{ '10.1.2.3/24' | ipaddr('prefix') }}", "10.1.2.0/24"),
            ("{{ 'x' | ipaddr }} {{ '::1' | ipaddr }}", "False ::1"),
            (
                "{{ missing | default('d') }} {{ '' | default('e', true) }} {{ n | default('f', true) }}",
                "d e f",
            ),
            ("{{ a.nothing | default('g') }}", "g"),
            ("{{ 'A b'.lower().split() | join('-') }} {{ a.get('x') }}", "a-b 1"),
        ];
        for (text, wanted) in table {
            assert_eq!(
                Templates::default().render_text("t", text, data.clone()).expect(text),
                wanted,
                "{text}"
            );
        }
    }

    #[test]
    fn mandatory_says_what_is_missing() {
        let error = Templates::default()
            .render_text("t", "{{ x | mandatory('x is needed') }}", json!({}))
            .expect_err("missing");
        assert_eq!(error.message, "x is needed");
    }
}
