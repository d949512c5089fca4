//! `url::`: addresses of the web as the WHATWG has them.

use rhai::plugin::*;

use super::error::{Fallible, failure};

pub(super) fn register(engine: &mut Engine) {
    engine.register_static_module("url", exported_module!(url_functions).into());
}

fn parsed(context: &NativeCallContext, text: &str) -> Fallible<url::Url> {
    url::Url::parse(text).map_err(|error| failure(context, format!("`{text}` is not a URL: {error}")))
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
mod url_functions {
    use ::url::form_urlencoded;
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
    use rhai::{Array, Dynamic, Map};

    /// What RFC 3986, section 2.3, leaves as it is.
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

    /// The parts of a URL: `scheme user password host port path query fragment`. `port` is the
    /// scheme's own where none is given; what is missing is `()`.
    ///
    /// ```rhai
    /// url::parse("https://api.example:8443/v1?x=1").port == 8443
    /// url::parse("https://api.example/v1").port == 443
    /// url::parse("https://api.example/v1").query == ()
    /// ```
    #[rhai_fn(return_raw)]
    pub fn parse(context: NativeCallContext, text: &str) -> Fallible<Map> {
        let url = parsed(&context, text)?;
        let optional = |part: Option<&str>| part.map_or(Dynamic::UNIT, |part| part.to_owned().into());
        let user = Some(url.username()).filter(|user| !user.is_empty());
        Ok(Map::from([
            ("scheme".into(), url.scheme().to_owned().into()),
            ("user".into(), optional(user)),
            ("password".into(), optional(url.password())),
            ("host".into(), optional(url.host_str())),
            ("port".into(), url.port_or_known_default().map_or(Dynamic::UNIT, |port| i64::from(port).into())),
            ("path".into(), url.path().to_owned().into()),
            ("query".into(), optional(url.query())),
            ("fragment".into(), optional(url.fragment())),
        ]))
    }

    /// Resolves a reference against a base, as a browser does with a link.
    ///
    /// ```rhai
    /// url::join("https://api.example/v1/", "hosts?all=1") == "https://api.example/v1/hosts?all=1"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn join(context: NativeCallContext, base: &str, reference: &str) -> Fallible<String> {
        let joined = parsed(&context, base)?.join(reference);
        let joined =
            joined.map_err(|error| failure(&context, format!("`{reference}` cannot be joined: {error}")))?;
        Ok(joined.into())
    }

    /// Percent-encodes a text so that it can stand anywhere in a URL.
    ///
    /// ```rhai
    /// url::encode("a b/ü") == "a%20b%2F%C3%BC"
    /// ```
    pub fn encode(text: &str) -> String {
        utf8_percent_encode(text, RESERVED).to_string()
    }

    /// Takes percent-encoding off. An error where the bytes are not UTF-8.
    ///
    /// ```rhai
    /// url::decode("a%20b%2F%C3%BC") == "a b/ü"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn decode(context: NativeCallContext, text: &str) -> Fallible<String> {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(Into::into).map_err(|_| failure(&context, format!("`{text}` does not decode to UTF-8")))
    }

    /// Makes a query of a map, in the order of its keys; an array gives a pair for each item, `()`
    /// is left out.
    ///
    /// ```rhai
    /// url::query(#{ q: "a b", page: 2, tag: ["x", "y"], none: () }) == "page=2&q=a+b&tag=x&tag=y"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn query(context: NativeCallContext, values: Map) -> Fallible<String> {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (key, value) in values {
            let items = match value.clone().try_cast::<Array>() {
                Some(items) => items,
                None => vec![value],
            };
            for item in items.iter().filter(|item| !item.is_unit()) {
                if item.is_map() || item.is_array() || item.is_fnptr() || item.is_variant() {
                    return Err(failure(&context, format!("the value of `{key}` cannot stand in a query")));
                }
                out.append_pair(&key, &item.to_string());
            }
        }
        Ok(out.finish())
    }
}
