//! For the chapter on server-side sessions.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::testing::TestClient;
use carafe::trace::{self, Kind, Trace};
use carafe::{App, Error, Scaffold, SessionInterface, session};

use super::Output;
use super::ids::Ids;

pub(crate) const OUTPUTS: &[Output] = &[
    ("server_side/calls", calls),
    ("server_side/trace", traced),
    ("server_side/made_up", made_up),
    ("server_side/cost", cost),
];

// ANCHOR: app
fn app(sessions: impl SessionInterface + 'static) -> App {
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    app.config()
        .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
    app.session_interface(sessions);
    app.get("/about", || "about us");
    app.get("/", || format!("{:?}", session().get::<String>("color")));
    app.get("/set/<color>", |color: String| {
        session().insert("color", color)?;
        Ok::<_, Error>("set")
    });
    app.get("/login", || {
        session().regenerate();
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    app
}
// ANCHOR_END: app

fn memory() -> ServerSideSessionInterface {
    ServerSideSessionInterface::from_url("memory:").unwrap()
}

/// The calls of the store in a trace: `get 1st-id, touch 1st-id`.
fn calls_of(trace: &Trace, ids: &mut Ids) -> String {
    let calls = trace.iter().filter(|step| step.kind == Kind::Store);
    let calls = calls.map(|step| {
        let id = step.store_call.as_ref().unwrap().id.clone().unwrap();
        let name = step.name.trim_start_matches("Store.");
        format!("{name} {}", short(&ids.stand_in(&id)))
    });
    let calls: Vec<String> = calls.collect();
    if calls.is_empty() {
        return "-".to_owned();
    }
    calls.join(", ")
}

fn short(stand_in: &str) -> &str {
    stand_in.split("--").next().unwrap_or_default()
}

/// What a visit does to the store, and to the cookie.
fn row(client: &mut TestClient, path: &str, ids: &mut Ids) -> String {
    let (answer, trace) = trace::record(|| client.get(path).send().unwrap());
    let calls = calls_of(&trace, ids);
    let cookie = answer.header("Set-Cookie").unwrap_or_default();
    let cookie = match cookie.split(['=', ';']).nth(1) {
        None => "-".to_owned(),
        Some("") => "deleted".to_owned(),
        Some(id) => short(&ids.stand_in(id)).to_owned(),
    };
    format!("{path:<10}  {calls:<42}  {cookie}")
}

// ANCHOR: calls
fn calls() -> String {
    let mut client = app(memory()).test_client();
    let mut ids = Ids::default();
    let header = format!(
        "{:<10}  {:<42}  {}",
        "page", "calls of the store", "Set-Cookie"
    );
    let pages = [
        "/about",
        "/",
        "/set/red",
        "/about",
        "/set/blue",
        "/login",
        "/logout",
        "/logout",
    ];
    let rows = pages.map(|path| row(&mut client, path, &mut ids));
    [vec![header], rows.to_vec()].concat().join("\n")
}
// ANCHOR_END: calls

/// A stage of a trace and all that is inside of it, without bars and places.
fn stage(trace: &Trace, name: &str) -> String {
    let tree = trace.tree().width(100).to_string();
    let column = |line: &str| {
        line.chars()
            .take_while(|c| !c.is_alphanumeric() && *c != '·')
            .count()
    };
    let lines: Vec<String> = tree
        .lines()
        .map(|line| line.chars().skip(5).collect())
        .collect();
    let start = lines.iter().position(|line| line.contains(name)).unwrap();
    let depth = column(&lines[start]);
    let inside = lines[start + 1..].iter();
    let inside = inside.take_while(|line| column(line) > depth);
    let lines = [&lines[start]].into_iter().chain(inside).map(|line| {
        let line = match line.rsplit_once("  ") {
            Some((line, place)) if place.contains(".rs:") => line,
            _ => line,
        };
        let line: String = line.chars().skip(depth).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

// ANCHOR: traced
fn traced() -> String {
    let mut client = app(memory()).test_client();
    let mut ids = Ids::default();
    let visits = ["/set/red", "/"].map(|path| {
        let (_, trace) = trace::record(|| client.get(path).send().unwrap());
        calls_of(&trace, &mut ids);
        let stages = ["open_session", "save_session"].map(|name| stage(&trace, name));
        format!("GET {path}\n{}", stages.join("\n"))
    });
    ids.replaced(&visits.join("\n\n"))
}
// ANCHOR_END: traced

// ANCHOR: made_up
fn made_up() -> String {
    let lines = [false, true].map(|use_signer| {
        let mut client = app(memory().use_signer(use_signer)).test_client();
        client.set_cookie("session", "made-up-by-the-client");
        let (_, trace) = trace::record(|| client.get("/set/red").send().unwrap());
        let names = trace.iter().filter(|step| step.kind == Kind::Store);
        let names: Vec<&str> = names.map(|step| step.name.as_str()).collect();
        let length = client.get_cookie("session").unwrap().len();
        format!(
            "signer: {use_signer:<5}  calls: {:<20}  new cookie: {length} bytes",
            names.join(", ")
        )
    });
    lines.join("\n")
}
// ANCHOR_END: made_up

// ANCHOR: cost
fn cost() -> String {
    let mut lines = vec![format!(
        "{:<14}{:>16}{:>16}",
        "in the cart", "signed cookie", "id in cookie"
    )];
    for items in [0, 10, 100, 1000] {
        let sizes = [
            app(carafe::session::SecureCookieSessionInterface::new()),
            app(memory()),
        ]
        .map(|app| {
            let mut client = app.test_client();
            let filled = client.session_transaction(|session| {
                session.insert("username", "jack")?;
                let cart: Vec<u64> = (0..items).map(|n| 100_000 + n * 7919 % 899_999).collect();
                session.insert("cart", cart)
            });
            filled.unwrap();
            client.get_cookie("session").unwrap().len()
        });
        lines.push(format!(
            "{items:<14}{:>10} bytes{:>10} bytes",
            sizes[0], sizes[1]
        ));
    }
    lines.join("\n")
}
// ANCHOR_END: cost
