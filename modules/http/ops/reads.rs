//! `http::get` and `http::head`.

use std::sync::Arc;

use oneex_sdk::{Example, Kind, Op, OpResult, Output, Proof, Reader, Registry, Resources};

use super::clients::Clients;
use super::options::Options;
use crate::http::Method;

pub(super) fn register(registry: &mut Registry, clients: &Arc<Clients>) {
    registry.op(Get(Arc::clone(clients)));
    registry.op(Head(Arc::clone(clients)));
}

/// `http::get`.
struct Get(Arc<Clients>);

impl Op for Get {
    type Params = Options;
    type State = Output;
    const NAME: &'static str = "get";
    const NAMESPACE: Option<&'static str> = Some("http");
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Asks a web address from the controller and gives back its answer.

The result has `status`, `headers` (names in lower case), `body`, `url` (after redirects) and `ok`;
`.json()` reads the body. A status that is not in `ok_status` is an error of kind `failed`, no
connection `unreachable`, a certificate that is not trusted `denied`, a time limit `timeout`.
Up to 10 redirects are followed; headers and `auth` stay with the server that they were given for.
An answer above 16 MiB is refused. It runs under `plan` too.

Source: RFC 9110.";
    const POSITIONAL: &'static [&'static str] = &["url"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "reads JSON",
            code: "let release = http::get(\"https://api.example.org/release\", #{ auth: #{ bearer: \"token\" } }).json();",
            proof: Proof::Check,
        },
        Example {
            about: "asks whether something is there",
            code: "let there = http::get(\"https://example.org/x\", #{ ok_status: [200, 404] }).status == 200;",
            proof: Proof::Check,
        },
    ];

    fn resources(&self, _: &Options) -> Resources {
        Resources::Nothing
    }

    async fn read(&self, reader: &dyn Reader, params: &Options) -> OpResult<Output> {
        self.0.send(reader, Method::Get, params).await
    }

    fn output(&self, _: &Options, state: &Output) -> Output {
        state.clone()
    }
}

/// `http::head`.
struct Head(Arc<Clients>);

impl Op for Head {
    type Params = Options;
    type State = Output;
    const NAME: &'static str = "head";
    const NAMESPACE: Option<&'static str> = Some("http");
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Asks a web address from the controller for its headers alone.

Results, errors and options are those of `http::get`; the body is empty.

Source: RFC 9110.";
    const POSITIONAL: &'static [&'static str] = &["url"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "reads the size of a download",
        code: "let size = http::head(\"https://example.org/image.iso\").headers[\"content-length\"];",
        proof: Proof::Check,
    }];

    fn resources(&self, _: &Options) -> Resources {
        Resources::Nothing
    }

    async fn read(&self, reader: &dyn Reader, params: &Options) -> OpResult<Output> {
        self.0.send(reader, Method::Head, params).await
    }

    fn output(&self, _: &Options, state: &Output) -> Output {
        state.clone()
    }
}
