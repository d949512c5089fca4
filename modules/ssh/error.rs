//! What errors of libssh2 mean here.

use oneex_sdk::OpError;
use ssh2::ErrorCode;

/// The codes of libssh2 (`libssh2.h`) that mean the connection is over: SOCKET_NONE, SOCKET_SEND,
/// SOCKET_DISCONNECT, PROTO, BAD_SOCKET, SOCKET_RECV.
const LOST: [i32; 6] = [-1, -7, -13, -14, -45, -43];
/// The call has to be made again when the socket is ready (`LIBSSH2_ERROR_EAGAIN`).
const AGAIN: i32 = -37;
/// An answer took too long (`LIBSSH2_ERROR_TIMEOUT`).
const TIMEOUT: i32 = -9;

/// Says whether the connection is over.
pub(super) fn is_lost(error: &ssh2::Error) -> bool {
    matches!(error.code(), ErrorCode::Session(code) if LOST.contains(&code) || code == TIMEOUT)
}

/// Says whether the server did not answer within the time that libssh2 waits for an answer: 60 seconds.
pub(super) fn is_unanswered(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(TIMEOUT)
}

/// Says whether the call has to be made again later.
pub(super) fn is_again(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(AGAIN)
}

/// The connection was lost; `when` says what was going on.
pub(super) fn lost(when: &str) -> OpError {
    OpError::unreachable(format!("the connection was lost {when}"))
}
