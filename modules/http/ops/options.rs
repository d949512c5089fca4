//! The options that all `http::` functions have.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oneex_sdk::{Duration, OpError, OpResult, Secret, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::{Auth, Body, Method, Request, StatusSet};

/// The options of a request.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// The address, whole: `https://host/path`.
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
    fn no_time_is_refused() {
        assert!(request(json!({ "url": "http://x/", "timeout": 0 })).is_err());
        let asked = request(json!({ "url": "http://x/", "timeout": "2m" })).expect("a request");
        assert_eq!(asked.timeout, Some(std::time::Duration::from_secs(120)));
    }
}
