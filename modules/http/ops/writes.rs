//! `http::post`, `put`, `patch` and `delete`.

use std::marker::PhantomData;
use std::sync::Arc;

use oneex_sdk::{Change, Example, Kind, Op, OpResult, Output, Proof, Reader, Registry, Resources, Writer};

use super::clients::Clients;
use super::options::Options;
use crate::http::Method;

pub(super) fn register(registry: &mut Registry, clients: &Arc<Clients>) {
    registry.op(Write::<Post>::new(clients));
    registry.op(Write::<Put>::new(clients));
    registry.op(Write::<Patch>::new(clients));
    registry.op(Write::<Delete>::new(clients));
}

/// What distinguishes one function that writes from another.
trait Verb: Send + Sync + 'static {
    const NAME: &'static str;
    const METHOD: Method;
    const MANUAL: &'static str;
    const EXAMPLES: &'static [Example];
}

/// A function that sends a request which may change something.
struct Write<V> {
    clients: Arc<Clients>,
    verb: PhantomData<V>,
}

impl<V: Verb> Write<V> {
    fn new(clients: &Arc<Clients>) -> Self {
        Self { clients: Arc::clone(clients), verb: PhantomData }
    }
}

impl<V: Verb> Op for Write<V> {
    type Params = Options;
    type State = ();
    const NAME: &'static str = V::NAME;
    const NAMESPACE: Option<&'static str> = Some("http");
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = V::MANUAL;
    const POSITIONAL: &'static [&'static str] = &["url"];
    const EXAMPLES: &'static [Example] = V::EXAMPLES;

    fn resources(&self, _: &Options) -> Resources {
        Resources::Nothing
    }

    /// Looks at nothing, but finds what is wrong with the call under `plan` already.
    async fn read(&self, reader: &dyn Reader, params: &Options) -> OpResult<()> {
        params.secrets().iter().for_each(|secret| reader.secrets().register(secret));
        params.request(V::METHOD).map(|_| ())
    }

    fn diff(&self, _: &Options, (): &()) -> Change {
        Change::action()
    }

    async fn apply(&self, writer: &dyn Writer, params: &Options, (): &(), _: &Change) -> OpResult<Output> {
        self.clients.send(writer, V::METHOD, params).await
    }
}

struct Post;

impl Verb for Post {
    const NAME: &'static str = "post";
    const METHOD: Method = Method::Post;
    const MANUAL: &'static str = "\
Sends something to a web address from the controller.

Results and errors are those of `http::get`. It always acts and is not run under `plan`. It is sent
once, unless `retries` says otherwise, and a redirect is not followed but an error: name the address
that it points to.

Source: RFC 9110.";
    const EXAMPLES: &'static [Example] = &[Example {
        about: "tells a chat",
        code: "http::post(\"https://chat.example.org/hook\", #{ json: #{ text: \"deployed\" } });",
        proof: Proof::Plan,
    }];
}

struct Put;

impl Verb for Put {
    const NAME: &'static str = "put";
    const METHOD: Method = Method::Put;
    const MANUAL: &'static str = "\
Replaces what is at a web address, from the controller.

Results, errors and rules are those of `http::post`.

Source: RFC 9110.";
    const EXAMPLES: &'static [Example] = &[Example {
        about: "stores a document",
        code: "http::put(\"https://api.example.org/items/1\", #{ json: #{ name: \"one\" }, auth: #{ bearer: \"token\" } });",
        proof: Proof::Plan,
    }];
}

struct Patch;

impl Verb for Patch {
    const NAME: &'static str = "patch";
    const METHOD: Method = Method::Patch;
    const MANUAL: &'static str = "\
Changes a part of what is at a web address, from the controller.

Results, errors and rules are those of `http::post`.

Source: RFC 5789.";
    const EXAMPLES: &'static [Example] = &[Example {
        about: "changes one field",
        code: "http::patch(\"https://api.example.org/items/1\", #{ json: #{ name: \"two\" } });",
        proof: Proof::Plan,
    }];
}

struct Delete;

impl Verb for Delete {
    const NAME: &'static str = "delete";
    const METHOD: Method = Method::Delete;
    const MANUAL: &'static str = "\
Removes what is at a web address, from the controller.

Results, errors and rules are those of `http::post`.

Source: RFC 9110.";
    const EXAMPLES: &'static [Example] = &[Example {
        about: "removes an item that may be gone already",
        code: "http::delete(\"https://api.example.org/items/1\", #{ ok_status: [200, 204, 404] });",
        proof: Proof::Plan,
    }];
}
