//! A conversation of one browser with two apps, Flask's and Carafe's: recorded for the book.
//!
//! `sharing.rs` checks that they share. Here each line is kept, in `book/src/generated/wire/sharing`: what
//! the browser asks, and what each app says to the server, as the server hears it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value as Json, json};

use carafe::session::{Format, ServerSideSessionInterface};
use carafe::{App, Scaffold, session};

use crate::expect::expect_file;
use crate::files::TempDir;
use crate::redis::{cli, url};
use crate::servers::{self, Server};
use crate::sharing::{Answer, Browser, Carafe, Flask};
use crate::stand_ins::StandIns;

fn keep(name: &str, lines: &[String]) {
    let file = format!("book/src/generated/wire/sharing/{name}.txt");
    expect_file(&file, &lines.join("\n"));
}

fn flask_config(server: &Server) -> Json {
    json!({"SESSION_TYPE": "redis", "SESSION_REDIS": url(&server.address())})
}

fn interface(server: &Server) -> ServerSideSessionInterface {
    ServerSideSessionInterface::from_url(&url(&server.address())).unwrap()
}

/// Redis's own `MONITOR`: each command that any client gives, as the server has read it.
struct Monitor {
    lines: BufReader<TcpStream>,
    marks: u32,
}

impl Monitor {
    fn of(server: &Server) -> Self {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(b"MONITOR\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        lines.read_line(&mut String::new()).unwrap();
        Monitor { lines, marks: 0 }
    }

    /// The commands on sessions since the last call, without the time and the client's address.
    fn commands(&mut self, server: &Server) -> Vec<String> {
        self.marks += 1;
        let mark = format!("mark-{}", self.marks);
        cli(server, &["ECHO", &mark]);
        let mut commands = Vec::new();
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            if line.contains(&mark) {
                return commands;
            }
            let command = line.trim_end().split_once("] ").unwrap().1;
            if command.contains("session:") {
                commands.push(command.replace('"', ""));
            }
        }
    }
}

/// A conversation: what was said, with stand-ins for ids.
#[derive(Default)]
struct Conversation {
    ids: StandIns,
    lines: Vec<String>,
}

impl Conversation {
    fn visit(&mut self, who: &str, path: &str, browser: &Browser, answer: &Answer, before: &str) {
        assert_eq!(answer.status, 200, "{who} {path}");
        let cookie = match (&answer.set_cookie, &*browser.cookie) {
            (None, _) => String::new(),
            (Some(_), "") => ", deletes the cookie".to_owned(),
            (Some(_), now) if now == before => ", sets the same cookie".to_owned(),
            (Some(_), id) => format!(", sets session={}", self.ids.of(id)),
        };
        let text = &answer.text;
        self.lines.push(format!("{who} {path}: {text:?}{cookie}"));
    }

    /// A command; the value of a SET on a line of its own.
    fn command(&mut self, command: &str) {
        let command = self.ids.put_into(command);
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["SET", key, value, ..] => {
                let rest = words[3..].join(" ");
                self.detail(&format!("SET {key} {rest}"));
                self.detail(&format!("    {value}"));
            }
            _ => self.detail(&command),
        }
    }

    fn detail(&mut self, what: &str) {
        self.lines.push(format!("         {what}"));
    }
}

// ANCHOR: conversation
#[test]
fn one_browser_two_apps_and_the_redis_of_both() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let Some(mut flask) = Flask::start(&flask_config(&server)) else {
        return;
    };
    let mut carafe = Carafe::new(interface(&server));
    let mut monitor = Monitor::of(&server);
    let mut talk = Conversation::default();
    let browser = &mut Browser::default();
    for (who, path) in [
        ("Flask ", "/login/jack"),
        ("Carafe", "/get/user"),
        ("Carafe", "/set/color/red"),
        ("Flask ", "/get/color"),
        ("Carafe", "/login/jill"),
        ("Flask ", "/logout"),
        ("Carafe", "/get/user"),
    ] {
        let before = browser.cookie.clone();
        let answer = match who {
            "Carafe" => carafe.answer(browser, path),
            _ => flask.answer(browser, path),
        };
        talk.visit(who, path, browser, &answer, &before);
        for command in monitor.commands(&server) {
            talk.command(&command);
        }
    }
    keep("redis", &talk.lines);
}
// ANCHOR_END: conversation

// ANCHOR: unequal
/// Our side, with one thing that is not as on Flask's; and whom it takes Flask's visitor for.
#[test]
fn settings_that_are_not_equal() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let mut config = flask_config(&server);
    config["SESSION_USE_SIGNER"] = true.into();
    let Some(mut flask) = Flask::start(&config) else {
        return;
    };
    let browser = &mut Browser::default();
    flask.visit(browser, "/login/jack");
    let equal = || interface(&server).use_signer(true);
    let elsewhere = url(&server.address()) + "/1";
    let elsewhere = ServerSideSessionInterface::from_url(&elsewhere).unwrap();
    let mut lines = Vec::new();
    for (what, key, name, interface) in [
        ("all is equal", "adavafa", "session", equal()),
        (
            "another prefix",
            "adavafa",
            "session",
            equal().key_prefix("shop:"),
        ),
        ("no signer", "adavafa", "session", equal().use_signer(false)),
        ("another SECRET_KEY", "avocado", "session", equal()),
        (
            "another database",
            "adavafa",
            "session",
            elsewhere.use_signer(true),
        ),
        ("another SESSION_COOKIE_NAME", "adavafa", "id", equal()),
        (
            "another format",
            "adavafa",
            "session",
            equal().serialization_format(Format::Json),
        ),
        (
            "another SESSION_ID_LENGTH",
            "adavafa",
            "session",
            equal().id_length(64),
        ),
        (
            "another SESSION_PERMANENT",
            "adavafa",
            "session",
            equal().permanent(false),
        ),
    ] {
        let mut carafe = Carafe::new(interface);
        carafe.app.config().set_secret_key(key);
        carafe
            .app
            .config()
            .set("SESSION_COOKIE_NAME", name)
            .unwrap();
        let copy = &mut Browser {
            cookie: browser.cookie.clone(),
        };
        let user = carafe.visit(copy, "/get/user");
        let user = if user.is_empty() { "nobody" } else { &*user };
        lines.push(format!("{what:<28} {user}"));
    }
    keep("unequal", &lines);
}
// ANCHOR_END: unequal

// ANCHOR: values
/// Values that Flask put in: what each app sees, and what Flask sees after Carafe has saved the session.
fn values(flask: &mut Flask, url: &str, kind: &str, keys: &[&str]) -> Vec<String> {
    let browser = &mut Browser::default();
    flask.visit(browser, &format!("/fill?format={kind}"));
    let look = |flask: &mut Flask, browser: &mut Browser| -> Json {
        serde_json::from_str(&flask.visit(browser, "/look")).unwrap()
    };
    let before = look(flask, browser);
    let interface = || ServerSideSessionInterface::from_url(url).unwrap();
    // Ours changes something else, and so writes all of it.
    Carafe::new(interface()).visit(browser, "/set/color/red");
    let after = look(flask, browser);
    let mut app = App::new("beside flask");
    app.session_interface(interface());
    app.get("/see/<key>", |key: String| {
        let value = session().to_dict().get(&key).cloned();
        let seen = value.map_or("not seen".to_owned(), |value| format!("{value:?}"));
        match seen.char_indices().nth(64) {
            Some((end, _)) => format!("{}...", &seen[..end]),
            None => seen,
        }
    });
    let mut client = app.test_client();
    client.set_cookie("session", &browser.cookie);
    let lines = keys.iter().flat_map(|key| {
        let seen = client.get(&format!("/see/{key}")).send().unwrap().text();
        assert_eq!(before[key], after[key], "{kind}: {key}");
        let kept = before[key].as_str().unwrap();
        [
            format!("{key:<8} Flask:  {kept}"),
            format!("{:8} Carafe: {seen}", ""),
        ]
    });
    lines.collect()
}
// ANCHOR_END: values

#[test]
fn values_that_only_python_has() {
    let (Some(server), dir) = (servers::redis(&[]), TempDir::new()) else {
        return;
    };
    let Some(mut flask) = Flask::start(&flask_config(&server)) else {
        return;
    };
    let keys = ["tuple", "uuid", "decimal", "set", "naive", "aware", "1"];
    let mut lines = vec!["as msgpack".to_owned()];
    lines.extend(values(
        &mut flask,
        &url(&server.address()),
        "msgpack",
        &keys,
    ));
    let path = dir.path().display().to_string();
    let config = json!({"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": path});
    let Some(mut flask) = Flask::start(&config) else {
        return;
    };
    lines.push("as a pickle, in cachelib's files".to_owned());
    let url = format!("file://{path}?cachelib=true");
    lines.extend(values(&mut flask, &url, "pickle", &keys));
    keep("values", &lines);
}

/// A login on Flask, and a change by Carafe; after each, what is stored.
fn login_and_change(
    config: &Json,
    url: &str,
    mut stored: impl FnMut(&mut Conversation),
) -> Vec<String> {
    let Some(mut flask) = Flask::start(config) else {
        return Vec::new();
    };
    let mut carafe = Carafe::new(ServerSideSessionInterface::from_url(url).unwrap());
    let (mut talk, browser) = (Conversation::default(), &mut Browser::default());
    let answer = flask.answer(browser, "/login/jack");
    talk.visit("Flask ", "/login/jack", browser, &answer, "");
    stored(&mut talk);
    let before = browser.cookie.clone();
    let answer = carafe.answer(browser, "/set/color/red");
    talk.visit("Carafe", "/set/color/red", browser, &answer, &before);
    stored(&mut talk);
    assert_eq!(flask.visit(browser, "/get/color"), "red");
    talk.lines
}

/// The directory that Flask-Session's `filesystem` and Carafe's `cachelib=true` share.
#[test]
fn one_browser_two_apps_and_the_files_of_both() {
    let dir = TempDir::new();
    let path = dir.path().display().to_string();
    let config = json!({"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": path, "QUIET": true});
    let lines = login_and_change(&config, &format!("file://{path}?cachelib=true"), |talk| {
        let files = std::fs::read_dir(dir.path()).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let contents = files.map(|file| std::fs::read(file).unwrap());
        // The other file is the count of them.
        let mut sessions =
            contents.filter(|bytes| bytes.escape_ascii().to_string().contains("user"));
        let bytes = sessions.next().unwrap();
        let (_expiry, pickle) = bytes.split_at(4);
        talk.detail(&format!(
            "4 bytes of expiry, then {}",
            pickle.escape_ascii()
        ));
    });
    if !lines.is_empty() {
        keep("files", &lines);
    }
}

/// The table that SQLAlchemy makes.
#[cfg(feature = "sqlite")]
#[test]
fn one_browser_two_apps_and_the_table_of_both() {
    use diesel::sql_types::{Binary, Text};
    use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        session_id: String,
        #[diesel(sql_type = Binary)]
        data: Vec<u8>,
        #[diesel(sql_type = Text)]
        expiry: String,
    }

    let dir = TempDir::new();
    std::fs::create_dir_all(dir.path()).unwrap();
    let path = dir.path().join("sessions.db").display().to_string();
    let config = json!({
        "SESSION_TYPE": "sqlalchemy",
        "SESSION_SQLALCHEMY": format!("sqlite:///{path}"),
    });
    let lines = login_and_change(&config, &format!("sqlite://{path}"), |talk| {
        let mut connection = SqliteConnection::establish(&path).unwrap();
        let query =
            sql_query("SELECT session_id, data, CAST(expiry AS TEXT) AS expiry FROM sessions");
        for row in query.load::<Row>(&mut connection).unwrap() {
            let id = talk.ids.put_into(&row.session_id);
            let expiry = row.expiry.replace(|char: char| char.is_ascii_digit(), "0");
            talk.detail(&format!("session_id  {id}"));
            talk.detail(&format!("data        {}", row.data.escape_ascii()));
            talk.detail(&format!("expiry      {expiry}"));
        }
    });
    if !lines.is_empty() {
        keep("sqlite", &lines);
    }
}
