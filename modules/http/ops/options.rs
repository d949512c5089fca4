//! The options that all `http::` functions have.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oneex_sdk::{Duration, OpError, OpResult, Secret, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::request::shown;
use crate::http::{Auth, Body, Method, Request, StatusSet};

/// The options of a request.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// The address, whole: `https://host/path`. A password in it is masked; `auth` is the better place.
    #[serde(serialize_with = "without_password")]
    pub url: String,
    /// Further headers by name. Never shown, for they often hold a token.
    pub headers: Option<Secret<BTreeMap<String, String>>>,
    /// Fields added to the query of the address; numbers and booleans are written as text.
    pub query: Option<BTreeMap<String, Value>>,
    /// A value sent as a JSON document.
    pub json: Option<Value>,
    /// Fields sent as an HTML form does.
    pub form: Option<BTreeMap<String, Value>>,
    /// A text sent as it is; name its type with the header `content-type`.
    pub body: Option<String>,
    /// Who asks: `#{ user, password }` or `#{ bearer }`.
    pub auth: Option<Secret<Auth>>,
    /// How long one attempt may take, its answer included; 30 s.
    pub timeout: Option<Duration>,
    /// The statuses that are a success, one or several; 200 to 299 when left out.
    pub ok_status: Option<StatusSet>,
    /// How often it is sent again after a lost connection or an answer 429, 502, 503 or 504; 2 for `get` and
    /// `head`, otherwise 0, because a write may have had its effect.
    pub retries: Option<u32>,
    /// A PEM file of the controller with authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Trusts every certificate: whoever is on the way can read and change everything. Prefer `ca_file`.
    #[serde(default)]
    pub insecure: bool,
}

impl Options {
    /// What of them must not be shown anywhere from now on: who asks, also where the address or a header
    /// says so.
    pub(super) fn secrets(&self) -> Vec<String> {
        /// What the names of headers hold that carry a secret.
        const TELLING: [&str; 6] = ["authorization", "token", "key", "secret", "password", "cookie"];
        let tells = |name: &str| TELLING.iter().any(|part| name.to_ascii_lowercase().contains(part));
        let headers = self.headers.iter().flat_map(|headers| headers.expose());
        let mut secrets: Vec<String> =
            headers.filter(|(name, _)| tells(name)).map(|(_, value)| value.clone()).collect();
        secrets.extend(self.auth.as_ref().map(|auth| auth.expose().secret().to_owned()));
        let url = Request::parse_url(&self.url).ok();
        if let Some(password) = url.as_ref().and_then(url::Url::password) {
            secrets.push(percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned());
            secrets.push(password.to_owned());
        }
        secrets.retain(|secret| !secret.is_empty());
        secrets
    }

    /// The request that these options describe.
    pub(super) fn request(&self, method: Method) -> OpResult<Request> {
        let mut request = Request::new(method, Request::parse_url(&self.url)?);
        if let Some(query) = self.query.as_ref().filter(|query| !query.is_empty()) {
            request.url.query_pairs_mut().extend_pairs(fields("query", query)?);
        }
        request.body = match (&self.json, &self.form, &self.body) {
            (None, None, None) => None,
            (Some(json), None, None) => Some(Body::Json(json.clone())),
            (None, Some(form), None) => Some(Body::Form(fields("form", form)?)),
            (None, None, Some(text)) => Some(Body::Text(text.clone())),
            _ => return Err(OpError::invalid("`json`, `form` and `body` exclude each other")),
        };
        if self.timeout.is_some_and(|limit| limit.0.is_zero()) {
            return Err(OpError::invalid("a `timeout` of nothing leaves no time for an answer"));
        }
        request.headers = self.headers.clone().unwrap_or_default();
        request.auth = self.auth.as_ref().map(|auth| auth.expose().clone());
        request.timeout = self.timeout.map(|limit| limit.0);
        request.ok_status = self.ok_status.clone().unwrap_or_default();
        request.retries = self.retries;
        Ok(request)
    }
}

fn without_password<S: serde::Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match Request::parse_url(url) {
        Ok(parsed) if parsed.password().is_some() => serializer.serialize_str(&shown(&parsed)),
        _ => serializer.serialize_str(url),
    }
}

fn fields(option: &str, map: &BTreeMap<String, Value>) -> OpResult<Vec<(String, String)>> {
    let text = |(name, value): (&String, &Value)| match value {
        Value::String(text) => Ok((name.clone(), text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
        _ => Err(OpError::invalid(format!("`{option}.{name}` must be a text, a number or a boolean"))),
    };
    map.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, Value, json};

    use super::Options;
    use crate::http::{Body, Method, Request};

    fn request(options: Value) -> Result<Request, oneex_sdk::OpError> {
        serde_json::from_value::<Options>(options).expect("options").request(Method::Post)
    }

    #[test]
    fn the_query_is_added_and_encoded() {
        let asked = request(json!({ "url": "http://x/?a=1", "query": { "b": "c d&", "n": 2, "t": true } }));
        assert_eq!(asked.expect("a request").url.as_str(), "http://x/?a=1&b=c+d%26&n=2&t=true");
        let error = request(json!({ "url": "http://x/", "query": { "b": [1] } })).expect_err("a list");
        assert_eq!(error.message, "`query.b` must be a text, a number or a boolean");
    }

    #[test]
    fn there_is_one_body() {
        let form = request(json!({ "url": "http://x/", "form": { "a": 1 } })).expect("a form");
        assert_eq!(form.body, Some(Body::Form(vec![("a".into(), "1".into())])));
        let error = request(json!({ "url": "http://x/", "json": {}, "body": "" })).expect_err("two bodies");
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert_eq!(error.message, "`json`, `form` and `body` exclude each other");
    }

    #[test]
    fn what_identifies_the_caller_is_not_shown() {
        let options =
            json!({ "url": "http://x/", "headers": { "x-token": "geheim" }, "auth": { "bearer": "geheim" } });
        let options: Options = serde_json::from_value(options).expect("options");
        let shown = serde_json::to_string(&options).expect("shown");
        assert!(!shown.contains("geheim") && !format!("{options:?}").contains("geheim"), "{shown}");
    }

    #[test]
    fn a_password_in_the_address_and_telling_headers_are_secrets() {
        let options = json!({
            "url": "http://me:ge%2Fheim@x/", "auth": { "bearer": "t1" },
            "headers": { "X-Api-Key": "k1", "accept": "text/plain", "Cookie": "c1" },
        });
        let options: Options = serde_json::from_value(options).expect("options");
        assert_eq!(options.secrets(), ["c1", "k1", "t1", "ge/heim", "ge%2Fheim"]);
        let shown = serde_json::to_value(&options).expect("shown");
        assert_eq!(shown["url"], "http://x/");
        let plain: Options = serde_json::from_value(json!({ "url": "http://x" })).expect("options");
        assert_eq!(serde_json::to_value(&plain).expect("shown")["url"], "http://x", "as it was written");
        assert!(plain.secrets().is_empty());
    }

    #[test]
    fn no_time_is_refused() {
        assert!(request(json!({ "url": "http://x/", "timeout": 0 })).is_err());
        let asked = request(json!({ "url": "http://x/", "timeout": "2m" })).expect("a request");
        assert_eq!(asked.timeout, Some(std::time::Duration::from_secs(120)));
    }
}
