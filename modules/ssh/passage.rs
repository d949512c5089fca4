//! What an open connection goes through, beside the network: kept as long as the connection, and asked why that
//! was lost.

use std::sync::Arc;

use oneex_sdk::{OpError, Transport};

use super::SshTransport;
use super::proxy_command::ProxyCommand;

/// What a connection goes through.
#[derive(Debug, Clone, Default)]
pub(super) enum Passage {
    /// Nothing.
    #[default]
    Direct,
    /// A connection to a jump host, which others go through as well.
    Jump(Arc<SshTransport>),
    /// A command's standard input and output.
    Command(Arc<ProxyCommand>),
}

impl Passage {
    /// Says more of a connection that was lost, or not opened, where the reason is on the way to the host.
    pub(super) fn explain(&self, error: OpError) -> OpError {
        match self {
            Self::Direct => error,
            Self::Jump(jump) => match jump.fate() {
                Some(reason) => OpError::unreachable(format!("the jump host `{}`: {reason}", jump.name())),
                None => error,
            },
            Self::Command(command) => match command.said() {
                Some(said) => {
                    OpError { message: format!("{}; `ProxyCommand` {said}", error.message), ..error }
                }
                None => error,
            },
        }
    }

    /// Waits a moment for what is about to be known of a connection that was lost.
    pub(super) async fn settle(&self) {
        if let Self::Command(command) = self {
            command.settle().await;
        }
    }

    /// Closes it where no other connection goes through it.
    pub(super) async fn close(self) {
        match self {
            Self::Direct => {}
            Self::Jump(jump) => {
                if let Some(jump) = Arc::into_inner(jump) {
                    jump.close().await;
                }
            }
            Self::Command(command) => {
                if let Some(command) = Arc::into_inner(command) {
                    command.end().await;
                }
            }
        }
    }
}
