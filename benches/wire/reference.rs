//! The bare client: what the library alone needs for the same exchanges. One thread and one session a host, one
//! shell on it, nothing around. The bench starts itself for it, so that what it costs is seen as with the others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use ssh2::{BlockDirections, Channel, ErrorCode, KnownHostFileKind, Session};

use super::settled::settled;
use super::steps::{STEPS, Step, text};

/// The first argument of a process that is the bare client.
pub(crate) const WORD: &str = "reference";
/// What a shell says when a step is done.
const MARK: &str = "0123456789abcdef0123456789abcdef";
/// Bytes written in one call.
const CHUNK: usize = 128 * 1024;

/// Does the work that the arguments name: a list of hosts, a user, a key, known hosts, and `true`, `steps`, `settled` or a
/// file.
///
/// # Panics
/// When something of it fails.
pub(crate) fn run(arguments: &[String]) {
    let [list, user, key, known, work] = arguments else { panic!("{WORD} LIST USER KEY KNOWN WORK") };
    let list = std::fs::read_to_string(list).expect("the list of hosts");
    let threads = list.lines().map(|line| {
        let mut words = line.split(' ').map(str::to_owned);
        let mut word = || words.next().expect("ADDRESS PORT FOLDER");
        let (address, port, folder) = (word(), word().parse().expect("a port"), word());
        let (key, known): (PathBuf, PathBuf) = (key.into(), known.into());
        let (user, work) = (user.clone(), work.clone());
        thread::spawn(move || {
            let (session, socket) = connect(&address, port, &user, &key, &known);
            match work.as_str() {
                "true" => end(&mut shell(&session, &socket, "true")),
                "steps" => steps(&session, &socket, &STEPS, &folder, &user),
                "settled" => steps(&session, &socket, &settled(), &folder, &user),
                file => put(&session, &socket, Path::new(file), &folder),
            }
            let _ = session.disconnect(None, "done", None);
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().expect("a host is done");
    }
}

fn connect(address: &str, port: u16, user: &str, key: &Path, known: &Path) -> (Session, TcpStream) {
    let stream = TcpStream::connect((address, port)).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let socket = stream.try_clone().expect("the same socket again");
    let mut session = Session::new().expect("a session");
    session.set_tcp_stream(stream);
    session.handshake().expect("an exchange of keys");
    let mut hosts = session.known_hosts().expect("known hosts");
    hosts.read_file(known, KnownHostFileKind::OpenSSH).expect("the known hosts");
    let (found, _) = session.host_key().expect("a host key");
    let result = hosts.check_port(address, port, found);
    assert!(matches!(result, ssh2::CheckResult::Match), "the key of {address} is not known");
    session.userauth_pubkey_file(user, None, key, None).expect("a login");
    (session, socket)
}

/// Starts a command on a channel, with quick ACKs: otherwise the host's answer waits 40 ms for a delayed one.
fn shell(session: &Session, socket: &TcpStream, command: &str) -> Channel {
    session.set_blocking(false);
    let mut channel = until_done(session, socket, || session.channel_session());
    until_done(session, socket, || channel.exec(command));
    session.set_blocking(true);
    channel
}

fn until_done<T>(
    session: &Session,
    socket: &TcpStream,
    mut call: impl FnMut() -> Result<T, ssh2::Error>,
) -> T {
    loop {
        match call() {
            Ok(done) => return done,
            // `LIBSSH2_ERROR_EAGAIN`
            Err(error) if error.code() == ErrorCode::Session(-37) => {
                let _ = rustix::net::sockopt::set_tcp_quickack(socket, true);
                let out =
                    matches!(session.block_directions(), BlockDirections::Outbound | BlockDirections::Both);
                let events = if out { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
                poll(&mut [PollFd::new(socket, events)], None).expect("a wait");
            }
            Err(error) => panic!("no channel: {error}"),
        }
    }
}

fn steps(session: &Session, socket: &TcpStream, steps: &[Step], folder: &str, user: &str) {
    let mut shell = shell(session, socket, "sh");
    let mut buffer = vec![0; 4096];
    for step in steps {
        let text = format!("({}) </dev/null\nprintf '%s' \"$?;{MARK}\"\n", text(step, folder, user));
        shell.write_all(text.as_bytes()).expect("it is sent");
        let mut answer = Vec::new();
        while !answer.ends_with(MARK.as_bytes()) {
            let count = shell.read(&mut buffer).expect("an answer");
            assert!(count > 0, "the shell ended");
            answer.extend_from_slice(&buffer[..count]);
        }
        let answer = String::from_utf8_lossy(&answer[..answer.len() - MARK.len()]).into_owned();
        assert!(answer.ends_with("0;"), "{}: {answer}", step.sh);
    }
    shell.send_eof().expect("an end");
    end(&mut shell);
}

fn put(session: &Session, socket: &TcpStream, file: &Path, folder: &str) {
    let mut channel = shell(session, socket, &format!("cat >'{folder}/file'"));
    let mut file = std::fs::File::open(file).expect("the file");
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = file.read(&mut buffer).expect("it can be read");
        if count == 0 {
            break;
        }
        channel.write_all(&buffer[..count]).expect("it is sent");
    }
    channel.send_eof().expect("an end");
    end(&mut channel);
}

fn end(channel: &mut Channel) {
    let mut rest = Vec::new();
    channel.read_to_end(&mut rest).expect("an end");
    channel.wait_close().expect("an end");
    assert_eq!(channel.exit_status().expect("a status"), 0);
}
