//! Opens the socket of a connection that goes through nothing else.

use std::io;
use std::net::SocketAddr;

use oneex_sdk::{OpError, OpResult, io_reason};
use tokio::net::{TcpSocket, TcpStream, lookup_host};

use super::host_settings::{AddressFamily, HostSettings};

impl AddressFamily {
    /// Says whether an address is of this family.
    pub(super) fn has(self, address: &SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Inet => address.is_ipv4(),
            Self::Inet6 => address.is_ipv6(),
        }
    }
}

/// Opens a socket, which does not block. Sets no time limit.
pub(super) async fn dial(host: &HostSettings) -> OpResult<TcpStream> {
    let unreachable = |what: &str, error: io::Error| {
        let (address, port) = (&host.host_name, host.port);
        OpError::unreachable(format!("`{address}` port {port}: {what}: {}", io_reason(&error)))
    };
    let found = lookup_host((host.host_name.as_str(), host.port))
        .await
        .map_err(|error| unreachable("the name is not known", error))?;
    let addresses: Vec<SocketAddr> = found.filter(|address| host.address_family.has(address)).collect();
    let locals = match &host.bind_address {
        None => None,
        Some(name) => {
            let what = format!("`BindAddress {name}` is not known");
            let found = lookup_host((name.as_str(), 0)).await.map_err(|error| unreachable(&what, error))?;
            Some(found.collect::<Vec<_>>())
        }
    };
    let mut last = io::Error::other("it has no address of the wanted family");
    for address in addresses {
        match connect(address, locals.as_deref()).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(unreachable("no connection", last))
}

/// Connects, from a local address of the same family where there are any to choose from.
async fn connect(address: SocketAddr, locals: Option<&[SocketAddr]>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(locals) = locals {
        let same = locals.iter().find(|local| local.is_ipv4() == address.is_ipv4());
        let none = || io::Error::other("`BindAddress` has no address of its family");
        socket.bind(*same.ok_or_else(none)?)?;
    }
    socket.connect(address).await
}
