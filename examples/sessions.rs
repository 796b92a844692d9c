//! Sessions in any store, over HTTP: the app that Flask-Session's own tests drive.
//!
//! ```text
//! cargo run --features server --example sessions
//! cargo run --features server,redis --example sessions -- --store redis://127.0.0.1:6379 --signer
//! ```
//!
//! Mirrors `create_app` in Flask-Session's `tests/conftest.py`, so that one can ask both on one store.
//!
//! | request | does |
//! | --- | --- |
//! | `POST /set`, `POST /modify` | keeps the form's `value`; `value set` |
//! | `POST /delete` | forgets it; `value deleted`. A 500 where there is none, as for Python's `del` |
//! | `GET /get` | answers it, or `no value set` |
//! | `GET /` | `hello world`; touches no session |
//! | `GET /login?username=jack` | gives the session a new id, and a name to say hello to |
//! | `GET /logout` | empties the session, which deletes it from the store |
//! | `GET /regenerate` | gives the session a new id; `POST`, as there, does too |
//! | `GET /sessions` | all that the store holds, without their ids, as JSON |
//!
//! An app that others can reach lets nobody see `/sessions`, and asks for a password at `/login`.
//!
//! Read next: `docs/stores.md`, which store to choose.

use std::fmt::Display;
use std::process::ExitCode;

use carafe::server::Server;
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::{
    App, Dict, Error, Response, Scaffold, Value, current_app, escape, jsonify, request, session,
};

pub(crate) const USAGE: &str = "\
usage: sessions [options]

  --store URL          memory: (the default), file:///directory, redis://...
  --bind ADDR          127.0.0.1:5000; port 0 is any free one
  --secret-key K       what --signer signs with
  --signer             sign the id in the cookie: SESSION_USE_SIGNER
  --prefix P           of keys in the store: SESSION_KEY_PREFIX, session:
  --format FORMAT      msgpack (the default) or json:
                       SESSION_SERIALIZATION_FORMAT
  --permanent          the cookie outlives the browser: SESSION_PERMANENT
  --lifetime SECONDS   of a session: PERMANENT_SESSION_LIFETIME, 31 days
  --help               this text
";

fn set() -> Result<&'static str, Error> {
    let value = request().form()?.require("value")?.to_owned();
    session().insert("value", value)?;
    Ok("value set")
}

fn delete() -> Result<&'static str, Error> {
    match session().pop("value")? {
        Some(_) => Ok("value deleted"),
        None => Err(Error::python("KeyError", "'value'")),
    }
}

fn get() -> String {
    let value: Option<String> = session().get("value");
    value.map_or_else(|| "no value set".to_owned(), |value| escape(&value))
}

fn login() -> Result<String, Error> {
    let username = request()
        .args()
        .get("username")
        .unwrap_or("jack")
        .to_owned();
    // Who had the id until now must not have the session of somebody who is logged in.
    session().regenerate();
    session().insert("username", &username)?;
    Ok(format!("hello {}", escape(&username)))
}

fn logout() -> Result<&'static str, Error> {
    session().clear()?;
    Ok("goodbye")
}

fn regenerate() -> &'static str {
    session().regenerate();
    "value regenerated"
}

/// What is in each session of the store. Whoever has an id has the session: they stay here.
fn sessions(interface: &ServerSideSessionInterface) -> Result<Response, Error> {
    let found = interface.sessions(&current_app(), |_: &Dict| true)?;
    let found = found.iter().map(|found| Value::from(shown(&found.data)));
    jsonify(found.collect::<Vec<_>>())
}

/// What a Flask app keeps may be no JSON: it is shown as it would be stored in that format, and a class that has no form
/// in it as what it is.
fn shown(session: &Dict) -> Dict {
    let item = |(key, value): (&String, &Value)| {
        let item = Dict::from_iter([(key.clone(), value.clone())]);
        let json = Format::Json.encode(&item);
        let shown = json.and_then(|json| Format::Json.decode(&json));
        shown.unwrap_or_else(|_| Dict::from_iter([(key.clone(), value.type_name().into())]))
    };
    session.iter().flat_map(item).collect()
}

/// What the command line asks for.
struct Options {
    store: String,
    bind: String,
    secret_key: String,
    signer: bool,
    prefix: Option<String>,
    format: Format,
    permanent: bool,
    lifetime: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            store: "memory:".to_owned(),
            bind: "127.0.0.1:5000".to_owned(),
            secret_key: "adavafa".to_owned(),
            signer: false,
            prefix: None,
            format: Format::default(),
            permanent: false,
            lifetime: None,
        }
    }
}

fn app(options: &Options) -> Result<App, Box<dyn std::error::Error>> {
    let mut interface = ServerSideSessionInterface::from_url(&options.store)?
        .use_signer(options.signer)
        .serialization_format(options.format)
        .permanent(options.permanent);
    if let Some(prefix) = &options.prefix {
        interface = interface.key_prefix(prefix);
    }
    let mut app = App::new("sessions");
    app.config().set_secret_key(&options.secret_key);
    if let Some(seconds) = options.lifetime {
        app.config().set("PERMANENT_SESSION_LIFETIME", seconds)?;
    }
    app.session_interface(interface.clone());
    app.get("/", || "hello world");
    app.post("/set", set);
    app.post("/modify", set);
    app.post("/delete", delete);
    app.get("/get", get);
    app.get("/login", login);
    app.get("/logout", logout);
    app.route(
        carafe::Route::new("/regenerate").methods(["GET", "POST"]),
        regenerate,
    );
    app.get("/sessions", move || sessions(&interface));
    Ok(app)
}

/// All of the program but its exit code; a test calls it too.
pub(crate) fn run(
    mut args: impl Iterator<Item = String>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut options = Options::default();
    while let Some(option) = args.next() {
        let mut value = || {
            args.next()
                .ok_or_else(|| usage(format!("{option} wants a value")))
        };
        match option.as_str() {
            "--store" => options.store = value()?,
            "--bind" => options.bind = value()?,
            "--secret-key" => options.secret_key = value()?,
            "--signer" => options.signer = true,
            "--prefix" => options.prefix = Some(value()?),
            "--format" => {
                options.format = match value()?.as_str() {
                    "msgpack" => Format::MessagePack,
                    "json" => Format::Json,
                    other => {
                        return Err(usage(format!("no format {other:?}: msgpack or json")).into());
                    }
                }
            }
            "--permanent" => options.permanent = true,
            "--lifetime" => {
                let seconds = value()?;
                let parsed = seconds.parse().ok().filter(|seconds| *seconds > 0);
                let wrong = || usage(format!("no lifetime {seconds:?}: a number of seconds"));
                options.lifetime = Some(parsed.ok_or_else(wrong)?);
            }
            "--help" => {
                print!("{USAGE}");
                return Ok(());
            }
            _ => return Err(usage(format!("what is {option}?")).into()),
        }
    }
    // Says which address it has, with the port that it got.
    Ok(Server::new(app(&options)?).bind(&options.bind)?.serve()?)
}

fn usage(message: impl Display) -> String {
    format!("{message}\n{USAGE}")
}

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
