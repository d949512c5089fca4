//! The client itself: one pool of connections with one set of rules.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use oneex_sdk::{CancellationToken, Meter, OpError, OpResult, Secret};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::request::{Auth, Body, Method, Request, Response, shown};
use super::settings::Settings;
use super::turns::Turns;
use super::{failure, retry};

mod save;

/// A client. Connections are kept and used again; clones share them.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    settings: Settings,
    meter: Arc<Meter>,
    turns: Turns,
}

impl Client {
    /// Makes a client that counts its requests in `meter`. A `ca_file` that cannot be read and a proxy that is
    /// none are `invalid`.
    pub fn new(settings: Settings, meter: Arc<Meter>) -> OpResult<Self> {
        // reqwest takes the process's provider; a second installation only finds the first one there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorities = settings.ca_file.as_deref().map(authorities).transpose()?.unwrap_or_default();
        let builder = || -> OpResult<reqwest::ClientBuilder> {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("oneex/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(settings.connect_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .tls_danger_accept_invalid_certs(settings.insecure)
                .no_proxy();
            settings.proxies.add_to(builder)
        };
        // A machine without any authority installed must still reach `http://` and its own `ca_file`.
        let inner = builder()?
            .tls_certs_merge(authorities.clone())
            .build()
            .or_else(|_| builder()?.tls_certs_only(authorities).build().map_err(|error| setup(&error)))?;
        Ok(Self { inner, settings, meter, turns: Turns::default() })
    }

    /// Sends a request and reads the whole answer; follows redirects and repeats as the settings say.
    ///
    /// A status that is no success is `failed`, no connection `unreachable`, no trust `denied`, a time limit
    /// `timeout`, and `cancelled` as soon as `cancel` fires.
    pub async fn send(&self, request: &Request, cancel: &CancellationToken) -> OpResult<Response> {
        let response = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(OpError::cancelled()),
            response = self.repeat(request) => response?,
        };
        if request.ok_status.contains(response.status) {
            Ok(response)
        } else {
            Err(failure::status(request.method, &response))
        }
    }

    async fn repeat(&self, request: &Request) -> OpResult<Response> {
        let allowed = retry::allowed(request, self.settings.retries);
        let mut attempt = 0;
        loop {
            let outcome = self.follow(request).await;
            let wanted = outcome.as_ref().is_ok_and(|response| request.ok_status.contains(response.status));
            let pause = retry::pause(&outcome, attempt, self.settings.backoff);
            match pause.filter(|_| !wanted && attempt < allowed) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return outcome,
            }
            attempt += 1;
        }
    }

    /// One attempt with its redirects. What identifies the caller stays with the server it was meant for, and
    /// a redirect from `https` to `http` is refused.
    async fn follow(&self, request: &Request) -> OpResult<Response> {
        let mut request = std::borrow::Cow::Borrowed(request);
        for _ in 0..=self.settings.redirects {
            let response = self.once(&request).await?;
            let location = response.headers.get("location").map(String::as_str);
            match self.redirected(&request, response.status, location)? {
                None => return Ok(response),
                Some(next) => request = std::borrow::Cow::Owned(next),
            }
        }
        Err(self.too_many_redirects(&request))
    }

    fn too_many_redirects(&self, request: &Request) -> OpError {
        OpError::failed(format!(
            "more than {} redirects, the last to `{}`",
            self.settings.redirects,
            shown(&request.url)
        ))
    }

    /// The request that an answer sends on to; nothing where it is the last.
    fn redirected(
        &self,
        request: &Request,
        status: u16,
        location: Option<&str>,
    ) -> OpResult<Option<Request>> {
        let location = location.filter(|_| !request.ok_status.contains(status));
        let Some(location) = location.filter(|_| retry::follows(request.method, status)) else {
            return Ok(None);
        };
        let next = request.url.join(location).map_err(|_| {
            OpError::failed(format!("`{}` redirects to what is no address", shown(&request.url)))
        })?;
        if next.scheme() != "https" && (request.url.scheme() == "https" || next.scheme() != "http") {
            return Err(OpError::denied(format!(
                "`{}` redirects to the unprotected `{}`",
                shown(&request.url),
                shown(&next)
            )));
        }
        let mut moved = request.clone();
        if next.origin() != moved.url.origin() {
            moved.headers = Secret::default();
            moved.auth = None;
        }
        moved.url = next;
        Ok(Some(moved))
    }

    async fn once(&self, request: &Request) -> OpResult<Response> {
        let _turn = self.turns.take(&request.url).await;
        self.meter.count(request.method.writes());
        let failed = |error: reqwest::Error| failure::connection(&error, &request.url);
        let mut answer = self.prepare(request)?.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.settings.body_limit {
                return Err(OpError::failed(format!(
                    "the answer of `{}` is larger than {} bytes",
                    shown(&request.url),
                    self.settings.body_limit
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: answer.status().as_u16(),
            headers: plain(answer.headers()),
            body: String::from_utf8_lossy(&body).into_owned(),
            url: shown(answer.url()),
        })
    }

    fn prepare(&self, request: &Request) -> OpResult<reqwest::RequestBuilder> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let builder = self
            .inner
            .request(method, request.url.clone())
            .timeout(request.timeout.unwrap_or(self.settings.timeout));
        let builder = match &request.body {
            None => builder,
            Some(Body::Json(value)) => builder.json(value),
            Some(Body::Form(fields)) => builder.form(fields),
            Some(Body::Text(text)) => builder.body(text.clone()),
        };
        let builder = match &request.auth {
            None => builder,
            Some(Auth::Basic { user, password }) => builder.basic_auth(user, Some(password.expose())),
            Some(Auth::Bearer { bearer }) => {
                // A header value holds no line breaks; reqwest would only say so when it is sent.
                header_value("authorization", bearer.expose())?;
                builder.bearer_auth(bearer.expose())
            }
        };
        Ok(builder.headers(header_map(request.headers.expose())?))
    }
}

fn setup(error: &reqwest::Error) -> OpError {
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    OpError::invalid(format!("cannot set up the HTTP client: {cause}"))
}

fn authorities(path: &Path) -> OpResult<Vec<reqwest::Certificate>> {
    let wrong = |why: String| OpError::invalid(format!("`ca_file` `{}`: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => {
            Err(wrong("holds no certificate".to_owned())
                .hint("it must be PEM: `-----BEGIN CERTIFICATE-----`"))
        }
    }
}

fn header_value(name: &str, value: &str) -> OpResult<HeaderValue> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        OpError::invalid(format!("the value of the header `{name}` holds a character it must not"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn header_map(headers: &BTreeMap<String, String>) -> OpResult<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| OpError::invalid(format!("`{name}` is not the name of a header")))?;
        map.insert(parsed, header_value(name, value)?);
    }
    Ok(map)
}

fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut plain = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        plain
            .entry(name.as_str().to_owned())
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    plain
}

#[cfg(test)]
mod tests;
