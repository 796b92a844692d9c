//! `Listener`: a TCP socket, a Unix socket, or one that the process was started with.
//!
//! Mirrors `gunicorn/sock.py`.
//!
//! Read next: `running.rs`, which accepts connections from it.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use socket2::{Domain, SockRef, Socket, Type};

use super::ServerError;
use super::io::Stream;

/// Connections that the system keeps for the server until it accepts them.
const BACKLOG: i32 = 1024;

#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, Option<SocketFile>),
}

/// The file of a Unix socket, which goes when its listener does.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody else may have removed it, and nobody is left to hear of it.
        let _ = fs::remove_file(&self.0);
    }
}

impl Listener {
    pub(super) fn bind(address: &str) -> Result<Self, ServerError> {
        let failed = |error| ServerError::new(format!("cannot listen on {address:?}"), error);
        match address.strip_prefix("unix:") {
            Some(path) => Self::bind_unix(Path::new(path)).map_err(failed),
            // A port alone, or a host without one.
            None if !address.contains(':') => Err(ServerError::bare(format!(
                "cannot listen on {address:?}: an address is a host and a port, like 127.0.0.1:8000, or unix: and a path"
            ))),
            None => Self::bind_tcp(address).map_err(failed),
        }
    }

    fn bind_tcp(address: &str) -> io::Result<Self> {
        let mut result = Err(io::ErrorKind::InvalidInput.into());
        // A name may have several addresses, as localhost has in IPv4 and in IPv6.
        for address in address.to_socket_addrs()? {
            result = tcp_listener(address).map(Listener::Tcp);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn bind_unix(path: &Path) -> io::Result<Self> {
        // The system would make up a name that nobody knows.
        if path.as_os_str().is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // A server that was killed leaves its file behind. One that still answers keeps it.
        let is_socket = fs::metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if is_socket && UnixStream::connect(path).is_err() {
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Listener::Unix(listener, Some(SocketFile(path.to_owned()))))
    }

    /// The sockets that systemd, or whoever else speaks its protocol, has opened for this process.
    pub(super) fn inherited() -> Result<Vec<Self>, ServerError> {
        let failed = |error| ServerError::new("cannot listen on an inherited socket", error);
        let mut given = ListenFd::from_env();
        let mut listeners = Vec::new();
        for index in 0..given.len() {
            let tcp = given.take_tcp_listener(index);
            let listener = match tcp {
                Ok(tcp) => tcp.map(Listener::Tcp),
                Err(_) => {
                    let unix = given.take_unix_listener(index).map_err(failed)?;
                    unix.map(|unix| Listener::Unix(unix, None))
                }
            };
            listeners.extend(listener);
        }
        for listener in &listeners {
            let socket = match listener {
                Listener::Tcp(tcp) => SockRef::from(tcp),
                Listener::Unix(unix, _) => SockRef::from(unix),
            };
            // With `Accept=yes` systemd starts a process for each client, and gives it the connection.
            if !socket.is_listener().map_err(failed)? {
                return Err(ServerError::bare(
                    "cannot accept from an inherited socket that does not listen (with Accept=yes it is one client's connection)",
                ));
            }
            socket.set_nonblocking(true).map_err(failed)?;
        }
        if listeners.is_empty() {
            return Err(ServerError::bare(
                "no socket was inherited: LISTEN_FDS and LISTEN_PID do not name any for this process",
            ));
        }
        Ok(listeners)
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp(tcp) => tcp.local_addr().ok(),
            Listener::Unix(..) => None,
        }
    }

    /// The address as a client writes it.
    pub(super) fn url(&self) -> String {
        match self {
            Listener::Tcp(_) => match self.local_addr() {
                Some(address) => format!("http://{address}"),
                None => "http://".to_owned(),
            },
            Listener::Unix(unix, _) => {
                let address = unix.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                format!("unix:{}", path.unwrap_or(Path::new("")).display())
            }
        }
    }

    /// The same, for the runtime that this is called in.
    pub(super) fn into_tokio(self) -> io::Result<AsyncListener> {
        Ok(match self {
            Listener::Tcp(tcp) => AsyncListener::Tcp(tokio::net::TcpListener::from_std(tcp)?),
            Listener::Unix(unix, file) => {
                AsyncListener::Unix(tokio::net::UnixListener::from_std(unix)?, file)
            }
        })
    }
}

fn tcp_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A port whose last server has just ended may be taken at once.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

pub(super) enum AsyncListener {
    Tcp(tokio::net::TcpListener),
    Unix(
        tokio::net::UnixListener,
        #[allow(dead_code)] Option<SocketFile>,
    ),
}

impl AsyncListener {
    pub(super) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            AsyncListener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // The pieces of a stream are sent when they are made, not when there are enough of them. It fails
                // where the client has left already, which is seen soon enough.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Some(peer)))
            }
            AsyncListener::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), None))
            }
        }
    }
}
