//! A real HTTP server on 127.0.0.1 that answers, and fails, as a test tells it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A request that the server received.
#[derive(Debug, Clone, Default)]
pub struct ApiRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// How many requests came before it.
    pub number: usize,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers.
    Answer {
        /// The status.
        status: u16,
        /// Further headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Promises a body, sends a part of it and closes the connection.
    Cut,
    /// Says nothing and keeps the connection open until the server is dropped.
    Silence,
}

impl Reply {
    /// An answer.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }

    /// Adds a header to an answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.into()));
        }
        self
    }
}

type Handler = dyn Fn(&ApiRequest) -> Reply + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    tls: Option<Arc<rustls::ServerConfig>>,
    requests: Mutex<Vec<ApiRequest>>,
    sockets: Mutex<Vec<TcpStream>>,
    connections: AtomicUsize,
    stopped: AtomicBool,
}

/// The server; it ends when it is dropped.
pub struct FakeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    certificate: Option<String>,
}

impl FakeApi {
    /// Starts a server without encryption.
    pub fn http(handler: impl Fn(&ApiRequest) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(Box::new(handler), None, None)
    }

    /// Starts a server with a certificate of its own, for `127.0.0.1` and `localhost`.
    pub fn https(handler: impl Fn(&ApiRequest) -> Reply + Send + Sync + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])
            .expect("a certificate is made");
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("the provider has the usual versions")
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key.into())
                .expect("the key belongs to the certificate");
        Self::start(Box::new(handler), Some(Arc::new(config)), Some(made.cert.pem()))
    }

    fn start(
        handler: Box<Handler>,
        tls: Option<Arc<rustls::ServerConfig>>,
        certificate: Option<String>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port is known");
        let shared = Arc::new(Shared {
            handler,
            tls,
            requests: Mutex::default(),
            sockets: Mutex::default(),
            connections: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared, acceptor: Some(acceptor), certificate }
    }

    /// The address of `path` on the server.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// The server's certificate in PEM; empty for one without encryption.
    pub fn certificate(&self) -> &str {
        self.certificate.as_deref().unwrap_or_default()
    }

    /// What it received so far.
    pub fn requests(&self) -> Vec<ApiRequest> {
        self.shared.requests.lock().expect("no handler panicked").clone()
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        if let Ok(sockets) = self.shared.sockets.lock() {
            for socket in sockets.iter() {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for socket in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(socket) = socket else { continue };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (Ok(kept), Ok(closing)) = (socket.try_clone(), socket.try_clone()) else { continue };
        shared.sockets.lock().expect("no handler panicked").push(kept);
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // An error here is a client that left, as many tests make it do.
            let _ = match &shared.tls {
                None => serve(socket, &shared),
                Some(config) => rustls::ServerConnection::new(Arc::clone(config))
                    .map_err(std::io::Error::other)
                    .and_then(|tls| serve(rustls::StreamOwned::new(tls, socket), &shared)),
            };
            // The copy that is kept would hold the connection open.
            let _ = closing.shutdown(Shutdown::Both);
        });
    }
}

fn serve(stream: impl Read + Write, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(mut request) = receive(&mut stream)? {
        {
            let mut requests =
                shared.requests.lock().map_err(|_| std::io::Error::other("a handler panicked"))?;
            request.number = requests.len();
            requests.push(request.clone());
        }
        match (shared.handler)(&request) {
            Reply::Answer { status, headers, body } => {
                let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                stream.get_mut().write_all(format!("{head}\r\n").as_bytes())?;
                if request.method != "HEAD" {
                    stream.get_mut().write_all(&body)?;
                }
                stream.get_mut().flush()?;
            }
            Reply::Cut => {
                stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart")?;
                return stream.get_mut().flush();
            }
            Reply::Silence => {
                let mut rest = Vec::new();
                stream.read_to_end(&mut rest)?;
                return Ok(());
            }
        }
    }
    Ok(())
}

fn receive(stream: &mut impl BufRead) -> std::io::Result<Option<ApiRequest>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut request = ApiRequest {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        ..ApiRequest::default()
    };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = request.headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(request))
}
