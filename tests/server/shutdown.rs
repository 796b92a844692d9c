//! The end of a server: nobody is let in, what runs is finished, and the process ends well.
//!
//! The code: `Running::join` in `src/server/running.rs`.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use carafe::{Error, Response, Scaffold, request, stream_with_context};

use crate::child::Process;
use crate::support::{Client, DEADLINE, Gate, HELLO, app, serve, served, until, wait};

#[test]
fn those_who_wait_for_nothing_are_sent_away() {
    let mut server = served();
    let mut idle = server.send(HELLO);
    assert_eq!(idle.answer().status, 200);
    let mut silent = server.connect();
    // Both are in: somebody who came later is.
    server.still_answers();
    let running = server.running.take().unwrap();
    running.shutdown();
    let stopped = thread::spawn(move || running.join());
    idle.ends();
    silent.ends();
    drop((idle, silent));
    stopped.join().unwrap().unwrap();
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn a_server_that_is_dropped_is_gone() {
    let mut server = served();
    server.still_answers();
    let mut idle = server.send(HELLO);
    assert_eq!(idle.answer().status, 200);
    drop(server.running.take());
    assert_eq!(idle.is_cut(), b"");
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn a_server_may_be_told_to_stop_twice_and_before_it_is_joined() {
    let mut server = served();
    let running = server.running.take().unwrap();
    running.shutdown();
    running.shutdown();
    running.join().unwrap();
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn what_runs_is_finished_with_its_answer() {
    let gate = Gate::default();
    let (said, hears) = channel();
    let mut app = app();
    let (pass, entered) = (gate.clone(), said.clone());
    app.get("/slow", move || {
        entered.send("entered").unwrap();
        pass.pass();
        "done"
    });
    app.teardown_request(move |_error: Option<&Error>| {
        if request().path() == "/slow" {
            said.send("torn down").unwrap();
        }
    });
    let mut server = serve(app, |server| server);
    let mut client = server
        .send("GET /slow HTTP/1.1\r\nHost: shop\r\n\r\nGET /hello HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(wait(&hears), "entered");
    let running = server.running.take().unwrap();
    running.shutdown();
    let stopped = thread::spawn(move || running.join());
    let address = server.address;
    until("nobody is let in", || TcpStream::connect(address).is_err());
    gate.open();
    let answer = client.answer();
    assert_eq!(
        (answer.text().as_str(), answer.header("connection")),
        ("done", Some("close"))
    );
    // The one behind it is not begun.
    client.ends();
    drop(client);
    stopped.join().unwrap().unwrap();
    assert_eq!(wait(&hears), "torn down");
}

#[test]
fn a_stream_that_runs_is_finished_and_torn_down() {
    let gate = Gate::default();
    let (torn_down, has_torn_down) = channel();
    let mut app = app();
    let pass = gate.clone();
    app.get("/stream", move || {
        let pass = pass.clone();
        let pieces = ["pear", "plum"].into_iter().inspect(move |piece| {
            if *piece == "plum" {
                pass.pass();
            }
        });
        Response::stream(stream_with_context(pieces))
    });
    app.teardown_request(move |_error: Option<&Error>| torn_down.send(()).unwrap());
    let mut server = serve(app, |server| server);
    let mut client = server.send("GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
    client.head();
    assert_eq!(client.chunk(), b"pear");
    let running = server.running.take().unwrap();
    running.shutdown();
    let stopped = thread::spawn(move || running.join());
    let address = server.address;
    until("nobody is let in", || TcpStream::connect(address).is_err());
    gate.open();
    assert_eq!(client.chunk(), b"plum");
    assert_eq!(client.chunk(), b"");
    client.ends();
    drop(client);
    stopped.join().unwrap().unwrap();
    wait(&has_torn_down);
    wait(&has_torn_down);
}

#[test]
fn what_does_not_end_in_time_is_left_alone() {
    let gate = Gate::default();
    let (entered, has_entered) = channel();
    let mut app = app();
    let pass = gate.clone();
    app.get("/slow", move || {
        entered.send(()).unwrap();
        pass.pass();
        "done"
    });
    let mut server = serve(app, |server| {
        server.shutdown_timeout(Duration::from_millis(200))
    });
    let mut client = server.send("GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n");
    wait(&has_entered);
    let running = server.running.take().unwrap();
    running.shutdown();
    let (stopped, has_stopped) = channel();
    thread::spawn(move || {
        running.join().unwrap();
        stopped.send(()).unwrap();
    });
    client.ends();
    wait(&has_stopped);
    gate.open();
}

#[test]
fn a_stream_that_does_not_end_in_time_is_cut_off_and_torn_down() {
    let (torn_down, has_torn_down) = channel();
    let mut app = app();
    app.get("/stream", || {
        Response::stream(stream_with_context(std::iter::repeat("pear")))
    });
    app.teardown_request(move |_error: Option<&Error>| torn_down.send(()).unwrap());
    let mut server = serve(app, |server| {
        server.shutdown_timeout(Duration::from_millis(10))
    });
    let mut client = server.send("GET /stream HTTP/1.1\r\nHost: shop\r\n\r\n");
    client.head();
    // Of the request itself; the stream has a context of its own.
    wait(&has_torn_down);
    let running = server.running.take().unwrap();
    running.shutdown();
    running.join().unwrap();
    assert_eq!(has_torn_down.try_recv(), Ok(()));
}

#[test]
fn a_server_stops_under_load_and_every_answer_is_whole() {
    let mut server = served();
    let address = server.address;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            thread::spawn(move || {
                let mut answers = 0;
                while let Ok(stream) = TcpStream::connect(address) {
                    let mut client = Client::new(stream);
                    loop {
                        if !client.try_write(HELLO) {
                            break;
                        }
                        // Either a whole answer, or none.
                        let Some(came) = client.try_answer() else {
                            break;
                        };
                        assert_eq!(came.text(), "Hello, World!");
                        answers += 1;
                    }
                }
                answers
            })
        })
        .collect();
    for _ in 0..20 {
        server.still_answers();
    }
    let running = server.running.take().unwrap();
    running.shutdown();
    running.join().unwrap();
    let answers: usize = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .sum();
    assert!(answers > 0);
}

#[test]
fn a_process_that_is_told_to_stop_finishes_what_runs_and_ends_well() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::at("127.0.0.1:0");
        let address = process.says("listening on http://");
        let mut idle = Client::new(TcpStream::connect(&address).unwrap());
        idle.write(HELLO);
        assert_eq!(idle.answer().status, 200);
        let mut client = Client::new(TcpStream::connect(&address).unwrap());
        client.write("GET /wait HTTP/1.1\r\nHost: shop\r\n\r\n");
        process.says("waiting");
        process.signal(signal);
        until("nobody is let in", || TcpStream::connect(&address).is_err());
        idle.ends();
        process.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert_eq!(client.answer().text(), "waited");
        client.ends();
        drop((idle, client));
        assert_eq!(process.exits().code(), Some(0));
    }
}

#[test]
fn a_process_that_is_told_twice_does_not_wait_for_what_runs() {
    let mut process = Process::at("127.0.0.1:0");
    let address = process.says("listening on http://");
    let mut client = Client::new(TcpStream::connect(&address).unwrap());
    client.write("GET /wait HTTP/1.1\r\nHost: shop\r\n\r\n");
    process.says("waiting");
    process.signal("TERM");
    until("nobody is let in", || TcpStream::connect(&address).is_err());
    process.signal("TERM");
    client.is_cut();
    drop(client);
    // Its shutdown timeout is longer than that.
    let began = std::time::Instant::now();
    assert_eq!(process.exits().code(), Some(0));
    assert!(began.elapsed() < DEADLINE / 2);
}
