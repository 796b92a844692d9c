//! The book served by Carafe, and the requests of its readers: `cargo test --features server --test live_book`
//!
//! The code: `examples/live_book/`. In a browser it is tried by `tests/browser/live.mjs`.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use carafe::server::Server;
use carafe::wsgi::{Body, Environ, Pace, StartResponse, WsgiApp};
use carafe::{Error, Route, Scaffold};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

#[allow(dead_code, reason = "its command line")]
#[path = "../examples/live_book/main.rs"]
mod live_book;

use live_book::{demo, headers};

/// A folder with a book in it, and a file beside that folder that nobody is to see. It goes with its test.
struct Book(PathBuf);

impl Drop for Book {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(self.0.parent().unwrap()));
    }
}

fn book(test: &str) -> Book {
    let beside = format!("live_book-{}-{test}", std::process::id());
    let beside = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(beside);
    let folder = beside.join("book");
    fs::create_dir_all(folder.join("code")).unwrap();
    fs::create_dir_all(folder.join(".git")).unwrap();
    let page = "<script>let a;</script><script src=\"a.js\"></script><p>the book</p>";
    fs::write(folder.join("index.html"), page).unwrap();
    fs::write(folder.join("code/index.html"), "<p>the code</p>").unwrap();
    fs::write(folder.join("a.js"), "let b;").unwrap();
    fs::write(folder.join(".git/config"), "secret").unwrap();
    fs::write(beside.join("beside.txt"), "secret").unwrap();
    Book(folder)
}

/// The site of such a book.
struct Site {
    site: live_book::Site,
    _book: Book,
}

fn site(test: &str) -> Site {
    let book = book(test);
    Site {
        site: live_book::create_site(&book.0).unwrap(),
        _book: book,
    }
}

impl WsgiApp for Site {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        self.site.call(environ, start_response)
    }

    fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        self.site.pace(environ)
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The cookie to bring next time.
    fn cookie(&self) -> String {
        let cookie = self.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

fn call(app: &dyn WsgiApp, environ: Environ) -> Answer {
    let mut head = None;
    let body = app.call(environ, &mut |status, headers| {
        head = Some((status, headers));
    });
    let body = body.unwrap().into_bytes().unwrap();
    let (status, headers) = head.unwrap();
    Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn get(app: &dyn WsgiApp, path: &str) -> Answer {
    call(app, Environ::builder(path).build().unwrap())
}

/// What a reader's browser sends, with a cookie if it has one.
fn send(app: &dyn WsgiApp, what: &Value, cookie: Option<&str>) -> Answer {
    let mut environ = Environ::builder("/live/send")
        .method("POST")
        .json(what.to_string());
    if let Some(cookie) = cookie {
        environ = environ.header("Cookie", cookie);
    }
    call(app, environ.build().unwrap())
}

/// The number of a choice.
fn choice(method: &str, path: &str) -> usize {
    let choices = demo::CHOICES.iter();
    let found = |choice: &demo::Choice| choice.method == method && choice.path == path;
    choices.into_iter().position(found).unwrap()
}

fn login(app: &dyn WsgiApp, name: &str) -> Answer {
    let what = json!({"choice": choice("POST", "/login"), "form": {"username": name}});
    send(app, &what, None)
}

fn index(app: &dyn WsgiApp, cookie: &str) -> Answer {
    send(app, &json!({"choice": choice("GET", "/")}), Some(cookie))
}

/// What the demo app has answered, from its status line on.
fn wire(played: &Value) -> String {
    let pieces = played["response"].as_array().unwrap().iter();
    pieces.map(|piece| piece.as_str().unwrap()).collect()
}

#[test]
fn the_files_of_the_book_are_served() {
    let site = site("files");
    let page = get(&site, "/");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("the book"));
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let script = get(&site, "/a.js");
    let content_type = &script.headers["content-type"];
    assert_eq!(content_type, "text/javascript; charset=utf-8");
    assert_eq!(script.body, "let b;");
    assert!(get(&site, "/code/").body.contains("the code"));
}

#[test]
fn a_browser_that_has_a_file_is_told_so() {
    let site = site("etag");
    let first = get(&site, "/a.js");
    let again = |etag: &str| {
        let environ = Environ::builder("/a.js").header("If-None-Match", etag);
        call(&site, environ.build().unwrap())
    };
    let same = again(first.headers["etag"].to_str().unwrap());
    assert_eq!((same.status.as_u16(), &*same.body), (304, ""));
    assert_eq!(again("\"another\"").status, 200);
}

#[test]
fn nothing_outside_of_the_book_is_served() {
    let site = site("traversal");
    let hostile = [
        "/../beside.txt",
        "/code/../../beside.txt",
        "/code/../index.html",
        "/..",
        "/./a.js",
        "//beside.txt",
        "/..\\beside.txt",
        "/a.js\0.html",
        "/.git/config",
        "/code",
        "/etc/passwd",
        "//etc/passwd",
        "/a.js/",
        "/\u{fffd}",
    ];
    for path in hostile {
        let mut environ = Environ::builder("/").build().unwrap();
        path.clone_into(&mut environ.path_info);
        let answer = call(&site, environ);
        assert!(!answer.body.contains("secret"), "{path:?}");
        let gone = answer.status == 404 || answer.status.is_redirection();
        assert!(gone, "{path:?} is answered with {}", answer.status);
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_book_leads_nowhere() {
    let book = book("links");
    let folder = &book.0;
    for (link, target) in [("out.txt", "../beside.txt"), ("in.js", "a.js")] {
        std::os::unix::fs::symlink(target, folder.join(link)).unwrap();
    }
    let site = live_book::create_site(folder).unwrap();
    assert_eq!(get(&site, "/out.txt").status, 404);
    assert_eq!(get(&site, "/in.js").body, "let b;");
}

#[test]
fn escapes_are_undone_once_and_lead_nowhere_either() {
    let (address, stop) = serve("escapes");
    for target in [
        "/%2e%2e/beside.txt",
        "/..%2fbeside.txt",
        "/%252e%252e/beside.txt",
        "/..%5cbeside.txt",
        "/%2e%67it/config",
        "/../beside.txt",
        "/a.js%00",
        "/%ff",
    ] {
        let answer = talk(
            address,
            &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        );
        assert!(!answer.contains("secret"), "{target}");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
    }
    stop();
}

#[test]
fn a_page_that_is_not_there_does_not_repeat_what_it_was_asked_for() {
    let answer = get(&site("missing"), "/<script>alert(1)</script>");
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("There is no such page") && !answer.body.contains("alert"));
}

#[test]
fn a_page_may_run_the_scripts_that_are_in_it_and_no_others() {
    let site = site("policy");
    let policy = |path: &str| {
        let answer = get(&site, path);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        answer.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let page = policy("/");
    let scripts = page
        .split("; ")
        .find(|part| part.starts_with("script-src"))
        .unwrap();
    // printf 'let a;' | openssl sha256 -binary | base64
    assert_eq!(
        scripts,
        "script-src 'self' 'sha256-81WALLbUROF1pWdYjuQYKuIcGgY/+TqVJr8UsV6Tkvo='"
    );
    for path in ["/a.js", "/nothing", "/live/choices", "/live/nothing"] {
        assert_eq!(policy(path), headers::NOTHING, "{path}");
    }
}

#[test]
fn without_a_book_it_says_how_to_build_one() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("live_book-nowhere");
    let why = live_book::create_site(&folder).err().unwrap();
    assert!(
        why.contains("live_book-nowhere") && why.contains("mdbook build book"),
        "{why}"
    );
}

#[test]
fn every_choice_can_be_sent_and_is_played_to_its_end() {
    let site = site("choices");
    let choices = get(&site, "/live/choices").json();
    let choices = choices.as_array().unwrap();
    assert_eq!(choices.len(), demo::CHOICES.len());
    let mut statuses = BTreeSet::new();
    for number in 0..choices.len() {
        let answer = send(&site, &json!({"choice": number}), None);
        assert_eq!(answer.status, 200);
        let played = answer.json();
        let moments = played["moments"].as_array().unwrap();
        assert!(moments.len() > 10);
        let pieces = played["response"].as_array().unwrap().len();
        assert_eq!(moments.last().unwrap()["sent"], pieces);
        // Each place in the code was found, or the stepper has nothing to show.
        for step in played["steps"].as_array().unwrap() {
            assert!(step["line"].is_number(), "{step}");
            let source = &played["sources"][step["source"].as_u64().unwrap() as usize];
            assert!(!source["lines"].as_array().unwrap().is_empty(), "{source}");
        }
        statuses.insert(wire(&played)["HTTP/1.1 ".len()..][..3].to_owned());
    }
    let statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
    assert_eq!(statuses, ["200", "400", "404", "500"]);
}

#[test]
fn a_reader_is_known_by_the_cookie_that_the_browser_keeps() {
    let site = site("cookie");
    let welcome = login(&site, "jack");
    let cookie = welcome.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("live_book_session="), "{cookie}");
    for part in ["Path=/live/", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let page = index(&site, &welcome.cookie());
    assert!(wire(&page.json()).ends_with("Hello, jack! This is visit 1."));
    let again = index(&site, &page.cookie());
    assert!(wire(&again.json()).ends_with("Hello, jack! This is visit 2."));
    let stranger = send(&site, &json!({"choice": choice("GET", "/")}), None);
    assert!(wire(&stranger.json()).ends_with("Hello, stranger! This is visit 1."));
}

#[test]
fn what_other_apps_have_set_is_not_handed_on() {
    let site = site("others");
    let cookie = login(&site, "jack").cookie();
    let page = index(&site, &format!("password=hunter2; {cookie}; session=abc"));
    assert!(!page.body.contains("hunter2") && !page.body.contains("abc;"));
    assert!(wire(&page.json()).contains("Hello, jack!"));
    for forged in [
        "live_book_session=eyJ1c2VybmFtZSI6ImphY2sifQ.aaaa.bbbb",
        "live_book_session=\"a b\"",
    ] {
        let page = index(&site, forged);
        assert!(wire(&page.json()).contains("Hello, stranger!"), "{forged}");
    }
}

#[test]
fn what_a_reader_types_is_a_text_in_json() {
    let site = site("hostile");
    let name = "</script><script>alert(1)</script>{{x}}%0d%0aSet-Cookie: a=b\r\n";
    let welcome = login(&site, name);
    assert_eq!(welcome.headers["content-type"], "application/json");
    assert_eq!(welcome.headers["x-content-type-options"], "nosniff");
    assert_eq!(welcome.headers.get_all("set-cookie").iter().count(), 1);
    let played = welcome.json();
    let answer = wire(&played);
    assert!(answer.contains("Content-Type: text/plain"), "{answer}");
    assert!(
        answer.ends_with(&format!("Welcome, {}!", name.trim())),
        "{answer}"
    );
    let request = played["visits"][0]["wire"].as_str().unwrap();
    assert!(
        request.contains("username=%3C/script%3E") && !request.contains('<'),
        "{request}"
    );
}

#[test]
fn what_is_no_choice_is_refused_in_words() {
    let site = site("refused");
    let first = choice("GET", "/");
    let to_login = choice("POST", "/login");
    let long = "a".repeat(201);
    let cases = [
        (json!({"choice": 99}), 404, "no such request"),
        (json!({"choice": -1}), 400, "no choice"),
        (json!({"choice": "GET /"}), 400, "no choice"),
        (
            json!({"choice": first, "path": "/etc/passwd"}),
            400,
            "no choice",
        ),
        (
            json!({"choice": first, "form": {"username": "jack"}}),
            400,
            "no such field",
        ),
        (
            json!({"choice": to_login, "form": {"username": long}}),
            413,
            "longer than 200",
        ),
        (
            json!({"choice": to_login, "form": {"username": ["jack"]}}),
            400,
            "no choice",
        ),
        (
            json!({"choice": to_login, "form": {"username": "a".repeat(5000)}}),
            413,
            "too long",
        ),
        (json!([]), 400, "no choice"),
    ];
    for (what, status, words) in cases {
        let answer = send(&site, &what, None);
        assert_eq!(answer.status, status, "{}", answer.body);
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(words), "{error}");
    }
    // A form of another site is not JSON.
    let form = Environ::builder("/live/send")
        .method("POST")
        .form([("choice", "0")]);
    assert_eq!(call(&site, form.build().unwrap()).status, 415);
    assert_eq!(get(&site, "/live/send").status, 405);
    assert_eq!(get(&site, "/live/").status, 404);
    assert_eq!(get(&site, "/live/../a.js").status, 404);
}

/// Serves the book on a free port, until the function is called.
fn serve(test: &str) -> (SocketAddr, impl FnOnce() + use<>) {
    let server = Server::new(site(test)).bind("127.0.0.1:0").unwrap();
    let running = server.start().unwrap();
    (running.local_addr().unwrap(), move || {
        running.shutdown();
        running.join().unwrap();
    })
}

fn talk(address: SocketAddr, bytes: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    socket.write_all(bytes.as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn readers_at_the_same_time_see_their_own_requests_only() {
    const READERS: usize = 8;
    let (address, stop) = serve("readers");
    let together = Arc::new(Barrier::new(READERS));
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            let together = Arc::clone(&together);
            thread::spawn(move || {
                let name = format!("reader{reader}x");
                let what = json!({"choice": choice("POST", "/login"), "form": {"username": name}});
                let what = what.to_string();
                together.wait();
                for _ in 0..10 {
                    let answer = talk(
                        address,
                        &format!(
                            "POST /live/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                             Content-Length: {}\r\nConnection: close\r\n\r\n{what}",
                            what.len()
                        ),
                    );
                    assert!(answer.contains(&format!("Welcome, {name}!")));
                    for other in (0..READERS).filter(|other| *other != reader) {
                        assert!(!answer.contains(&format!("reader{other}x")));
                    }
                    // One request is called once.
                    assert_eq!(answer.matches("\"label\":\"Flask.wsgi_app\"").count(), 1);
                }
            })
        })
        .collect();
    for reader in readers {
        reader.join().unwrap();
    }
    stop();
}

/// Takes down on which thread the server calls the site.
struct Named(Site, mpsc::Sender<String>);

impl WsgiApp for Named {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let name = thread::current().name().unwrap_or_default().to_owned();
        drop(self.1.send(name));
        self.0.call(environ, start_response)
    }
}

#[test]
fn a_request_is_traced_on_the_thread_that_ran_it() {
    let (name, names) = mpsc::channel();
    let server = Server::new(Named(site("traced"), name))
        .bind("127.0.0.1:0")
        .unwrap();
    let running = server.start().unwrap();
    let what = json!({"choice": choice("GET", "/")}).to_string();
    let answer = talk(
        running.local_addr().unwrap(),
        &format!(
            "POST /live/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{what}",
            what.len()
        ),
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    println!("{}\n", head.lines().next().unwrap());
    println!("called on {}", names.recv().unwrap());
    let played: Value = serde_json::from_str(body).unwrap();
    let steps = played["steps"].as_array().unwrap();
    for step in steps {
        let indent = "  ".repeat(step["depth"].as_u64().unwrap() as usize);
        println!("{indent}{}", step["label"].as_str().unwrap());
    }
    assert_eq!(steps[0]["label"], "server: GET /");
    assert_eq!(steps[1]["label"], "Flask.wsgi_app");
    running.shutdown();
    running.join().unwrap();
}

#[test]
fn a_page_is_served_while_a_view_waits() {
    let (asked, is_asked) = mpsc::channel();
    let (let_go, answer) = mpsc::channel::<()>();
    let answer = std::sync::Mutex::new(answer);
    let mut app = carafe::App::new("shop");
    app.get(Route::new("/report").blocking(true), move || {
        drop(asked.send(thread::current().name().unwrap_or_default().to_owned()));
        let _ = answer.lock().unwrap().recv();
        "the report"
    });
    app.get(Route::new("/hello").blocking(false), || {
        thread::current().name().unwrap_or_default().to_owned()
    });
    let server = Server::new(app).bind("127.0.0.1:0").unwrap();
    let running = server.start().unwrap();
    let address = running.local_addr().unwrap();
    let ask = move |path: &str| {
        let answer = talk(
            address,
            &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        );
        answer.lines().last().unwrap().to_owned()
    };
    // The first request of all ends the setup.
    ask("/hello");
    let report = thread::spawn(move || ask("/report"));
    println!("/report waits on {}", is_asked.recv().unwrap());
    for _ in 0..3 {
        let thread = ask("/hello");
        println!("/hello is answered on {thread}");
        assert_eq!(thread, "carafe-io");
    }
    let_go.send(()).unwrap();
    assert_eq!(report.join().unwrap(), "the report");
    running.shutdown();
    running.join().unwrap();
}
