//! What is asked, and what was answered.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use oneex_sdk::{OpError, OpResult, Secret, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Reads the headers alone.
    Head,
    /// Creates, or does whatever the server makes of it.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether the request may change something on the server.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::Head)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Auth {
    /// A name and a password (RFC 7617).
    Basic {
        /// The name.
        user: String,
        /// The password; empty when left out.
        #[serde(default)]
        password: Secret<String>,
    },
    /// A token (RFC 6750).
    Bearer {
        /// The token.
        bearer: Secret<String>,
    },
}

impl Auth {
    /// The part of it that must not be shown.
    pub fn secret(&self) -> &str {
        match self {
            Self::Basic { password, .. } => password.expose(),
            Self::Bearer { bearer } => bearer.expose(),
        }
    }
}

/// What is sent along.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A JSON document, with its content type.
    Json(Value),
    /// Fields as an HTML form sends them, with their content type.
    Form(Vec<(String, String)>),
    /// A text, with the content type that the headers give.
    Text(String),
}

/// One request. What is left out takes the value of the client's settings.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address, `http` or `https`.
    pub url: Url,
    /// Further headers; their values may be secrets.
    pub headers: Secret<BTreeMap<String, String>>,
    /// Who asks.
    pub auth: Option<Auth>,
    /// What is sent along.
    pub body: Option<Body>,
    /// How long one attempt may take, its answer included.
    pub timeout: Option<Duration>,
    /// How often it is sent again; a request that writes is never repeated unless this is given.
    pub retries: Option<u32>,
    /// The statuses that are a success.
    pub ok_status: StatusSet,
}

impl Request {
    /// A request without headers and body, of which statuses 200 to 299 are a success.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: Secret::default(),
            auth: None,
            body: None,
            timeout: None,
            retries: None,
            ok_status: StatusSet::default(),
        }
    }

    /// Reads an address. Anything but `http` and `https` with a host is `invalid`.
    pub fn parse_url(text: &str) -> OpResult<Url> {
        let url = Url::parse(text).map_err(|error| {
            OpError::invalid(format!("not a web address: {error}"))
                .hint("write it whole: `https://host/path`")
        })?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(OpError::invalid(format!("`{other}` addresses are not supported"))
                .hint("use `http://` or `https://`")),
        }
    }
}

/// An address as people may see it: without name and password.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot hold a name and so have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// The statuses that count as a success: one, or several, `[200, 404]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct StatusSet(Vec<u16>);

impl StatusSet {
    /// The given statuses; 200 to 299 when there are none.
    pub fn new(statuses: impl IntoIterator<Item = u16>) -> Self {
        Self(statuses.into_iter().collect())
    }

    /// Says whether `status` is a success.
    pub fn contains(&self, status: u16) -> bool {
        if self.0.is_empty() { (200..300).contains(&status) } else { self.0.contains(&status) }
    }
}

impl<'de> Deserialize<'de> for StatusSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a status, as `200`, or several, as `[200, 404]`")]
        enum Form {
            One(u16),
            Several(Vec<u16>),
        }
        let statuses = match Form::deserialize(deserializer)? {
            Form::One(status) => vec![status],
            Form::Several(statuses) => statuses,
        };
        match statuses.iter().find(|status| !(100..600).contains(*status)) {
            Some(wrong) => {
                Err(serde::de::Error::custom(format!("`{wrong}` is not a status from 100 to 599")))
            }
            None => Ok(Self(statuses)),
        }
    }
}

impl JsonSchema for StatusSet {
    fn schema_name() -> Cow<'static, str> {
        "StatusSet".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let status = serde_json::json!({ "type": "integer", "minimum": 100, "maximum": 599 });
        json_schema!({ "anyOf": [status, { "type": "array", "items": status }] })
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case; of one that came several times, the values joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The body; what is not UTF-8 becomes U+FFFD.
    pub body: String,
    /// The address that answered, after redirects, without name and password.
    pub url: String,
}

impl Response {
    /// Reads the body as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> OpResult<T> {
        serde_json::from_str(&self.body).map_err(|error| {
            OpError::failed(format!("the answer of `{}` is not the expected JSON: {error}", self.url))
        })
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, json};

    use super::{Auth, Request, StatusSet, shown};

    #[test]
    fn addresses_are_whole_and_of_the_web() {
        assert!(Request::parse_url("https://example.org/a?b=c").is_ok());
        for wrong in [
            "example.org",
            "/path",
            "",
            "ftp://example.org/",
            "file:///etc/passwd",
            "http://",
            "http://a:99999/",
        ] {
            let error = Request::parse_url(wrong).expect_err(wrong);
            assert_eq!(error.kind, ErrorKind::Invalid, "{wrong}");
            assert!(error.hint.is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_shown_address_has_no_password() {
        let url = Request::parse_url("https://me:geheim@example.org/x").expect("an address");
        assert_eq!(shown(&url), "https://example.org/x");
    }

    #[test]
    fn statuses_are_one_or_several() {
        let read = |value| serde_json::from_value::<StatusSet>(value);
        assert!(read(json!(404)).is_ok_and(|set| set.contains(404) && !set.contains(200)));
        assert!(read(json!([200, 404])).is_ok_and(|set| set.contains(404) && set.contains(200)));
        assert!(StatusSet::default().contains(204) && !StatusSet::default().contains(300));
        assert!(read(json!(42)).is_err() && read(json!("ok")).is_err() && read(json!([700])).is_err());
    }

    #[test]
    fn credentials_are_of_one_form_and_hidden() {
        let read = |value| serde_json::from_value::<Auth>(value);
        let basic = read(json!({ "user": "me", "password": "geheim" })).expect("basic");
        assert_eq!(basic.secret(), "geheim");
        assert!(!format!("{basic:?}").contains("geheim"));
        assert_eq!(read(json!({ "bearer": "token" })).expect("bearer").secret(), "token");
        assert!(read(json!({ "token": "x" })).is_err());
        assert!(read(json!({ "user": "me", "bearer": "x" })).is_err());
    }
}
