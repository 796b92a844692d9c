//! Sockets to listen on: free ports, names, Unix sockets, inherited ones.
//!
//! The code: `src/server/listener.rs`. Next: `shutdown.rs`.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use carafe::server::Server;
use carafe::{Scaffold, request};
use socket2::{Domain, Socket, Type};

use crate::child::Process;
use crate::missing::not_checked;
use crate::support::{Client, HELLO, app, serve, served};

/// A path in a directory of the test's own.
fn socket_path(test: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("carafe-{test}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory.join("shop.sock")
}

fn hello_over(path: &PathBuf) {
    let mut client = Client::over(UnixStream::connect(path).unwrap());
    for _ in 0..3 {
        client.write(HELLO);
        assert_eq!(client.answer().text(), "Hello, World!");
    }
}

#[test]
fn port_0_is_a_free_port_and_is_printed() {
    let mut process = Process::at("127.0.0.1:0");
    let address = process.says("listening on http://");
    assert!(
        address.starts_with("127.0.0.1:") && !address.ends_with(":0"),
        "{address}"
    );
    let mut client = Client::new(TcpStream::connect(address).unwrap());
    client.write(HELLO);
    assert_eq!(client.answer().text(), "Hello, World!");
    process.signal("TERM");
    assert_eq!(process.exits().code(), Some(0));
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = Server::new(app()).bind(&address).unwrap_err();
    let words = error.to_string();
    assert!(words.contains(&address), "{words}");
    // What a `main` prints that returns it.
    assert_eq!(format!("{error:?}"), words);
}

#[test]
fn an_address_without_a_port_is_an_error_that_shows_a_right_one() {
    for address in ["8000", "localhost", "127.0.0.1", ""] {
        let error = Server::new(app()).bind(address).unwrap_err().to_string();
        assert!(error.contains(&format!("{address:?}")), "{error}");
        assert!(error.contains("127.0.0.1:8000"), "{error}");
    }
}

#[test]
fn an_address_that_is_none_is_an_error() {
    for address in [
        "",
        "nonsense",
        "127.0.0.1",
        "127.0.0.1:pears",
        "300.0.0.1:80",
        "unix:",
        "unix:/no/such/place",
    ] {
        assert!(Server::new(app()).bind(address).is_err(), "{address:?}");
    }
    assert!(Server::new(app()).start().is_err());
}

#[test]
fn a_server_may_listen_on_several_sockets() {
    let path = socket_path("several");
    let server = serve(app(), |server| {
        server.bind(&format!("unix:{}", path.display())).unwrap()
    });
    server.still_answers();
    hello_over(&path);
}

#[test]
fn a_view_sees_where_a_request_came_from() {
    let mut app = app();
    app.get("/from", || format!("{:?}", request().remote_addr()));
    let path = socket_path("from");
    let server = serve(app, |server| {
        server.bind(&format!("unix:{}", path.display())).unwrap()
    });
    let from = "GET /from HTTP/1.1\r\nHost: shop\r\n\r\n";
    assert_eq!(server.ask(from).text(), "Some(127.0.0.1)");
    let mut client = Client::over(UnixStream::connect(&path).unwrap());
    client.write(from);
    assert_eq!(client.answer().text(), "None");
}

#[test]
fn the_file_of_a_unix_socket_goes_with_its_server() {
    let path = socket_path("file");
    let server = serve(app(), |server| {
        server.bind(&format!("unix:{}", path.display())).unwrap()
    });
    hello_over(&path);
    assert!(path.exists());
    server.stop();
    assert!(!path.exists());
}

#[test]
fn a_file_that_a_dead_server_left_is_replaced() {
    let path = socket_path("stale");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let _server = serve(app(), |server| {
        server.bind(&format!("unix:{}", path.display())).unwrap()
    });
    hello_over(&path);
}

#[test]
fn a_file_of_a_server_that_lives_is_not() {
    let path = socket_path("alive");
    let address = format!("unix:{}", path.display());
    let server = serve(app(), |server| server.bind(&address).unwrap());
    let error = Server::new(app()).bind(&address).unwrap_err().to_string();
    assert!(error.contains("shop.sock"), "{error}");
    hello_over(&path);
    server.still_answers();
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let path = socket_path("plain");
    fs::write(&path, "pears").unwrap();
    assert!(
        Server::new(app())
            .bind(&format!("unix:{}", path.display()))
            .is_err()
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "pears");
}

#[test]
fn a_socket_may_be_inherited() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // Who asks before the server is there waits for it.
    let mut early = Client::new(TcpStream::connect(address).unwrap());
    early.write(HELLO);
    let mut process = Process::with(socket);
    assert_eq!(process.says("listening on http://"), address.to_string());
    assert_eq!(early.answer().text(), "Hello, World!");
    process.signal("TERM");
    assert_eq!(process.exits().code(), Some(0));
}

#[test]
fn without_a_socket_to_inherit_it_says_so() {
    let mut process = Process::at("inherited");
    assert_eq!(process.exits().code(), Some(1));
}

#[test]
fn a_connection_is_no_socket_to_inherit() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    let mut process = Process::with(OwnedFd::from(connection).into());
    assert_eq!(process.exits().code(), Some(1));
}

#[test]
fn a_socket_that_does_not_listen_is_no_socket_to_inherit() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&address.into()).unwrap();
    let mut process = Process::with(socket.into());
    assert_eq!(process.exits().code(), Some(1));
}

#[test]
fn an_address_of_ip_version_6_is_fine() {
    if let Err(error) = TcpListener::bind("[::1]:0") {
        return not_checked(&format!("this machine has no ::1: {error}"));
    }
    let server = Server::new(app()).bind("[::1]:0").unwrap();
    let running = server.start().unwrap();
    let mut client = Client::new(TcpStream::connect(running.local_addr().unwrap()).unwrap());
    client.write("GET /host HTTP/1.0\r\n\r\n");
    assert_eq!(
        client.answer().text(),
        running.local_addr().unwrap().to_string()
    );
    drop(client);
    running.shutdown();
    running.join().unwrap();
    served().still_answers();
}
