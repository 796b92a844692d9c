//! What any session store should do, whatever it keeps sessions in: one check for each sentence.
//!
//! A check is a few visits by browsers, and never looks into the store. To check one of your own, say
//! in a [`Store`] how an app gets it. `tests/stores/suite.rs` makes the same visits to every store that
//! Carafe comes with, and adds what else it promises of those.

use std::sync::Arc;
use std::thread;

use carafe::clock::FixedClock;
use carafe::error::catch;
use carafe::testing::TestClient;
use carafe::{App, Dict, Error, Response, Scaffold, Session, Value, current_app, request, session};

/// A store to check.
pub(crate) struct Store<'a> {
    pub(crate) name: &'static str,
    /// Makes an app use a new one, with nothing in it.
    pub(crate) install: &'a dyn Fn(&mut App),
    /// What an app calls at a login, where the store wants to be told.
    pub(crate) renew: fn(&Session) -> Result<(), Error>,
    /// Lets this many seconds pass: [`clock_moves`], unless the store has a clock of its own.
    pub(crate) pass: &'a dyn Fn(&FixedClock, u64),
}

/// The `pass` of a store that asks the app what time it is.
pub(crate) fn clock_moves(clock: &FixedClock, seconds: u64) {
    clock.advance(seconds);
}

/// One sentence, and what finds out whether it is true of a store.
pub(crate) type Check = (&'static str, fn(&Store<'_>) -> Result<(), Error>);

// ANCHOR: checks
/// All that a store should do.
pub(crate) const CHECKS: &[Check] = &[
    ("what is written is there on the next visit", is_kept),
    ("every kind of value comes back", keeps_every_kind),
    ("two browsers have two sessions", two_browsers),
    ("a page without a session leaves it alone", untouched),
    ("a page that reads varies, and sets no cookie", only_read),
    ("the cookie is as the config wants it", configured),
    ("rubbish in the cookie is a new session", rubbish),
    ("an emptied session is gone, cookie and all", emptied),
    ("a cookie from before a logout is worthless", replayed),
    ("a session ends after its lifetime", expires),
    ("a permanent session lives on with each visit", refreshed),
    ("an id cannot be guessed", guessed),
    ("an id that the client made up is not taken", made_up),
    ("a cookie from before a login is not logged in", fixated),
    ("a reader undoes no other request's write", read_late),
    ("two writers at once are both heard", written_late),
    ("who was logged out stays so", logged_out_late),
];
// ANCHOR_END: checks

/// 2023-11-14 22:13:20 UTC.
pub(crate) const NOW: u64 = 1_700_000_000;
/// Of a session, in seconds.
pub(crate) const LIFETIME: u64 = 60;

/// An app with this store, and its clock.
pub(crate) fn app(store: &Store<'_>) -> Result<(App, Arc<FixedClock>), Error> {
    let clock = Arc::new(FixedClock::new(NOW));
    let renew = store.renew;
    let mut app = App::new(store.name);
    app.config().set_clock(clock.clone());
    app.config().set_secret_key("adavafa");
    app.config().set("PERMANENT_SESSION_LIFETIME", LIFETIME)?;
    (store.install)(&mut app);

    app.get("/plain", || "plain");
    app.get("/get/<key>", |key: String| {
        session().get::<String>(&key).unwrap_or_default()
    });
    app.get("/set/<key>/<value>", |key: String, value: String| {
        session().insert(key, value)?;
        Ok::<_, Error>("set")
    });
    app.get("/permanent", || {
        session().set_permanent(true)?;
        Ok::<_, Error>("permanent")
    });
    app.get("/login/<name>", move |name: String| {
        renew(&session())?;
        session().insert("user", name)?;
        Ok::<_, Error>("welcome")
    });
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    app.get("/read-late/<path:other>", |other: String| {
        let _read_before = session().get::<String>("late");
        meanwhile(&other)
    });
    app.get("/set-late/<path:other>", |other: String| {
        let response = meanwhile(&other)?;
        session().insert("late", "yes")?;
        Ok::<_, Error>(response)
    });
    Ok((app, clock))
}

/// Another request of the same browser, which comes and goes while this one is on its way. What it
/// sets reaches the browser first.
fn meanwhile(path: &str) -> Result<Response, Error> {
    let (app, path) = (current_app(), format!("/{path}"));
    let cookie = request().header("Cookie").unwrap_or_default().into_owned();
    let other = thread::spawn(move || {
        let mut client = app.test_client().without_cookies();
        client.get(&path).header("Cookie", &cookie).send()
    });
    let answer = other
        .join()
        .map_err(|_| Error::panic("the other request"))??;
    let mut response = Response::new("done");
    if let Some(set_cookie) = answer.header("Set-Cookie") {
        response.add_header("Set-Cookie", &set_cookie)?;
    }
    Ok(response)
}

pub(crate) fn ensure(right: bool, complaint: impl Into<String>) -> Result<(), Error> {
    match right {
        true => Ok(()),
        false => Err(Error::assertion(complaint)),
    }
}

/// The text of a page, which has to be a 200.
pub(crate) fn page(client: &mut TestClient, path: &str) -> Result<String, Error> {
    let answer = client.get(path).send()?;
    let status = answer.status_code();
    ensure(status == 200, format!("{path} is a {status}"))?;
    Ok(answer.text())
}

/// Makes sure that a page says what it should.
pub(crate) fn says(client: &mut TestClient, path: &str, text: &str) -> Result<(), Error> {
    let page = page(client, path)?;
    ensure(
        page == text,
        format!("{path} says {page:?}, and should say {text:?}"),
    )
}

pub(crate) fn cookie(client: &TestClient) -> Result<String, Error> {
    let cookie = client.get_cookie("session").map(str::to_owned);
    cookie.ok_or_else(|| Error::assertion("there is no session cookie"))
}

/// Another browser, which got hold of this cookie.
pub(crate) fn thief(app: &App, cookie: &str) -> TestClient {
    let mut client = app.test_client();
    client.set_cookie("session", cookie);
    client
}

fn is_kept(store: &Store<'_>) -> Result<(), Error> {
    let mut client = app(store)?.0.test_client();
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/set/size/large")?;
    says(&mut client, "/get/color", "red")?;
    says(&mut client, "/get/size", "large")
}

fn keeps_every_kind(store: &Store<'_>) -> Result<(), Error> {
    let mut client = app(store)?.0.test_client();
    let tuple = Value::Tuple(vec![1.into(), Value::Bytes(vec![0xff]), Value::Null]);
    let dict = Value::from_iter([("name", Value::from("Zoë 🫖")), ("t", tuple.clone())]);
    let values = [
        ("a tuple", tuple),
        ("a dict", dict),
        ("a list", vec![Value::from(2.5), true.into()].into()),
    ];
    client.session_transaction(|session| {
        session.update(|data| {
            for (key, value) in &values {
                data.insert((*key).to_owned(), value.clone());
            }
        })
    })?;
    let found: Dict = client.session_transaction(|session| Ok(session.to_dict()))?;
    for (key, value) in values {
        let found = found.get(key);
        ensure(
            found == Some(&value),
            format!("{key} came back as {found:?}"),
        )?;
    }
    Ok(())
}

fn two_browsers(store: &Store<'_>) -> Result<(), Error> {
    let (app, _) = app(store)?;
    let (mut one, mut other) = (app.test_client(), app.test_client());
    page(&mut one, "/set/name/jack")?;
    page(&mut other, "/set/name/jill")?;
    says(&mut one, "/get/name", "jack")?;
    says(&mut other, "/get/name", "jill")
}

fn untouched(store: &Store<'_>) -> Result<(), Error> {
    let mut client = app(store)?.0.test_client();
    for _visit in ["without a cookie", "with one"] {
        let answer = client.get("/plain").send()?;
        for header in ["Set-Cookie", "Vary"] {
            let value = answer.header(header);
            ensure(
                value.is_none(),
                format!("/plain has {header}, though it uses no session"),
            )?;
        }
        page(&mut client, "/set/color/red")?;
    }
    Ok(())
}

fn only_read(store: &Store<'_>) -> Result<(), Error> {
    let mut client = app(store)?.0.test_client();
    for _visit in ["without a cookie", "with one"] {
        let answer = client.get("/get/color").send()?;
        let varies = answer.header("Vary").as_deref() == Some("Cookie");
        ensure(varies, "a page that reads the session lacks Vary: Cookie")?;
        let set = answer.header("Set-Cookie").is_some();
        ensure(!set, "a page that only reads the session sets a cookie")?;
        page(&mut client, "/set/color/red")?;
    }
    Ok(())
}

fn configured(store: &Store<'_>) -> Result<(), Error> {
    let (app, _) = app(store)?;
    let config = app.config();
    config.set("SESSION_COOKIE_NAME", "sid")?;
    config.set("SESSION_COOKIE_PATH", "/app")?;
    config.set("SESSION_COOKIE_SECURE", true)?;
    config.set("SESSION_COOKIE_SAMESITE", "Lax")?;
    let attributes = "; Secure; HttpOnly; Path=/app; SameSite=Lax";
    let mut client = app.test_client();
    for path in ["/set/color/red", "/logout"] {
        let answer = client.get(path).send()?;
        let header = answer.header("Set-Cookie").unwrap_or_default();
        let right = header.starts_with("sid=") && header.ends_with(attributes);
        ensure(right, format!("{path} sets {header:?}"))?;
    }
    Ok(())
}

fn rubbish(store: &Store<'_>) -> Result<(), Error> {
    let (app, _) = app(store)?;
    let long = "x".repeat(3000);
    for rubbish in ["", ".", "...", "../../etc/passwd", "%00", "\u{fc}", &long] {
        let mut client = thief(&app, rubbish);
        says(&mut client, "/get/color", "")?;
    }
    Ok(())
}

fn emptied(store: &Store<'_>) -> Result<(), Error> {
    let mut client = app(store)?.0.test_client();
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/logout")?;
    ensure(
        client.get_cookie("session").is_none(),
        "the browser keeps the cookie of a session that was emptied",
    )?;
    says(&mut client, "/get/color", "")
}

fn replayed(store: &Store<'_>) -> Result<(), Error> {
    let (app, _) = app(store)?;
    let mut client = app.test_client();
    page(&mut client, "/login/jack")?;
    let mut thief = thief(&app, &cookie(&client)?);
    page(&mut client, "/logout")?;
    says(&mut thief, "/get/user", "")
}

fn expires(store: &Store<'_>) -> Result<(), Error> {
    let (app, clock) = app(store)?;
    // A visit that only reads is no reason to live longer.
    app.config().set("SESSION_REFRESH_EACH_REQUEST", false)?;
    let mut client = app.test_client();
    page(&mut client, "/set/color/red")?;
    (store.pass)(&clock, LIFETIME / 2);
    says(&mut client, "/get/color", "red")?;
    // A second more than is needed: another clock may be behind.
    (store.pass)(&clock, LIFETIME / 2 + 2);
    says(&mut client, "/get/color", "")
}

fn refreshed(store: &Store<'_>) -> Result<(), Error> {
    let (app, clock) = app(store)?;
    let mut client = app.test_client();
    page(&mut client, "/permanent")?;
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/permanent")?;
    for _visit in ["one", "another", "a third"] {
        (store.pass)(&clock, LIFETIME / 2);
        let answer = client.get("/plain").send()?;
        let header = answer.header("Set-Cookie").unwrap_or_default();
        ensure(
            header.contains("; Expires="),
            format!("a permanent session is not refreshed: {header:?}"),
        )?;
    }
    says(&mut client, "/get/color", "red")
}

fn guessed(store: &Store<'_>) -> Result<(), Error> {
    let (app, _) = app(store)?;
    let mut client = app.test_client();
    page(&mut client, "/set/color/red")?;
    let cookie = cookie(&client)?;
    // 128 bits in base64 are 22 characters.
    let length = cookie.len();
    ensure(
        length >= 22,
        format!("a cookie of {length} can be guessed: {cookie:?}"),
    )?;
    for digit in '0'..='9' {
        let near = format!("{digit}{}", &cookie[1..]);
        if near != cookie {
            says(&mut thief(&app, &near), "/get/color", "")?;
        }
    }
    Ok(())
}

// ANCHOR: made_up
fn made_up(store: &Store<'_>) -> Result<(), Error> {
    let (app, _) = app(store)?;
    let mut victim = thief(&app, "chosen-by-the-thief-himself");
    page(&mut victim, "/set/color/red")?;
    let mut thief = thief(&app, "chosen-by-the-thief-himself");
    says(&mut thief, "/get/color", "")
}
// ANCHOR_END: made_up

// ANCHOR: fixated
fn fixated(store: &Store<'_>) -> Result<(), Error> {
    let (app, _) = app(store)?;
    let mut thief = app.test_client();
    page(&mut thief, "/set/color/red")?;
    // The thief plants that cookie in the victim's browser, and waits.
    let mut victim = self::thief(&app, &cookie(&thief)?);
    page(&mut victim, "/login/jack")?;
    says(&mut victim, "/get/user", "jack")?;
    says(&mut victim, "/get/color", "red")?;
    says(&mut thief, "/get/user", "")
}
// ANCHOR_END: fixated

fn read_late(store: &Store<'_>) -> Result<(), Error> {
    let mut client = app(store)?.0.test_client();
    page(&mut client, "/set/late/no")?;
    page(&mut client, "/read-late/set/late/yes")?;
    says(&mut client, "/get/late", "yes")
}

// ANCHOR: written_late
fn written_late(store: &Store<'_>) -> Result<(), Error> {
    let mut client = app(store)?.0.test_client();
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/set-late/set/color/blue")?;
    says(&mut client, "/get/late", "yes")?;
    says(&mut client, "/get/color", "blue")
}
// ANCHOR_END: written_late

fn logged_out_late(store: &Store<'_>) -> Result<(), Error> {
    let mut client = app(store)?.0.test_client();
    page(&mut client, "/login/jack")?;
    page(&mut client, "/set-late/logout")?;
    says(&mut client, "/get/user", "")
}

/// Every check of every store, as a table.
pub(crate) fn table(stores: &[Store<'_>]) -> String {
    let mut lines = vec![row("", stores.iter().map(|store| store.name))];
    for (sentence, check) in CHECKS {
        let results = stores.iter().map(|store| match catch(|| check(store)) {
            Ok(()) => "yes",
            Err(_) => "NO",
        });
        lines.push(row(sentence, results));
    }
    lines.join("\n")
}

fn row<'a>(first: &str, cells: impl Iterator<Item = &'a str>) -> String {
    let cells: String = cells.map(|cell| format!("{cell:>8}")).collect();
    format!("{first:<46}{cells}")
}

/// What is wrong with one store, in the words of its checks.
pub(crate) fn complaints(store: &Store<'_>) -> String {
    let mut lines = vec![format!("{}:", store.name)];
    for (sentence, check) in CHECKS {
        if let Err(error) = catch(|| check(store)) {
            lines.push(format!("  {sentence}\n      {error}"));
        }
    }
    if lines.len() == 1 {
        lines.push("  nothing is wrong".to_owned());
    }
    lines.join("\n")
}
