//! Which proxy a request goes through.

use oneex_sdk::{OpError, OpResult};

/// The proxies of all requests, by the scheme of the address that is asked; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Proxies {
    /// For `http://` addresses.
    pub http: Option<String>,
    /// For `https://` addresses.
    pub https: Option<String>,
    /// For both, where there is none of their own.
    pub all: Option<String>,
    /// Hosts that are asked directly, in the syntax of `NO_PROXY`: names with what is below them,
    /// addresses and networks, separated by commas; `*` means all.
    pub except: Option<String>,
}

/// Makes a proxy of an address.
type Make = fn(&str) -> reqwest::Result<reqwest::Proxy>;

impl Proxies {
    /// Puts the proxies into a client. One that is no web address is `invalid`.
    pub(super) fn add_to(&self, mut builder: reqwest::ClientBuilder) -> OpResult<reqwest::ClientBuilder> {
        let except = self.except.as_deref().and_then(reqwest::NoProxy::from_string);
        let kinds: [(&Option<String>, Make); 3] = [
            (&self.http, |address| reqwest::Proxy::http(address)),
            (&self.https, |address| reqwest::Proxy::https(address)),
            (&self.all, |address| reqwest::Proxy::all(address)),
        ];
        for (address, make) in kinds {
            let Some(address) = address else { continue };
            let proxy = make(address).map_err(|_| {
                OpError::invalid("the proxy is not a web address").hint("write `http://host:port`")
            })?;
            builder = builder.proxy(proxy.no_proxy(except.clone()));
        }
        Ok(builder)
    }
}
