//! What every store should do, one check for each sentence. A store's test is a call of [`run`].
//!
//! The first half visits an app and never looks into the store, as `examples/memory_sessions/suite.rs`
//! does, where the checks come from. The second half calls the store itself. Each check has a prefix of
//! its own for its keys, so that one server serves them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use carafe::clock::FixedClock;
use carafe::error::catch;
use carafe::session::store::{
    Ability, Entry, Lifetime, Store, StoreError, StoreErrorKind, Verdict,
};
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::testing::TestClient;
use carafe::value::Foreign;
use carafe::{App, Dict, Error, Response, Scaffold, Value, current_app, request, session};

/// A store to check.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// The store, or another client of the same server: what one writes the next one finds.
    pub(crate) store: Box<dyn Fn() -> Arc<dyn Store>>,
    /// Lets this many seconds pass. For a store that asks the app what time it is, [`clock_moves`];
    /// for a server with a clock of its own, what makes it believe so.
    pub(crate) pass: Pass,
}

type Pass = Box<dyn Fn(&FixedClock, u64)>;

/// The `pass` of a store that asks the app what time it is.
pub(crate) fn clock_moves(clock: &FixedClock, seconds: u64) {
    clock.advance(seconds);
}

type Check = (&'static str, fn(&Subject) -> Result<(), Error>);

/// All that a store should do.
const CHECKS: &[Check] = &[
    ("what is written is there on the next visit", is_kept),
    ("every kind of value comes back", keeps_every_kind),
    ("a large session comes back", keeps_much),
    ("two browsers have two sessions", two_browsers),
    ("two prefixes have two sessions", two_prefixes),
    ("a page without a session leaves it alone", untouched),
    ("a page that reads varies, and sets no cookie", only_read),
    ("the cookie is as the config wants it", configured),
    ("rubbish in the cookie is a new session", rubbish),
    ("an emptied session is gone, cookie and all", emptied),
    ("a cookie from before a logout is worthless", replayed),
    ("a session ends after its lifetime", expires),
    ("a permanent session lives on with each visit", refreshed),
    ("an id that the client made up is not taken", made_up),
    ("a cookie from before a login is not logged in", fixated),
    ("a signed id is taken, and no other", signed),
    ("a reader undoes no other request's write", read_late),
    ("a reader brings no ended session back", read_after_logout),
    ("the last of two writers wins", written_late),
    (
        "an optimistic writer hears of the other one",
        written_late_optimistic,
    ),
    (
        "who was logged out everywhere is logged out",
        logged_out_everywhere,
    ),
    (
        "both formats are read, whichever is configured",
        both_formats,
    ),
    ("a visit takes two round trips at most", round_trips),
    ("many threads at once all find their own", many_threads),
    (
        "[store] what is set is got, until it is deleted",
        store_keeps,
    ),
    ("[store] any bytes are kept", store_keeps_any_bytes),
    (
        "[store] a key that a client made up finds nothing",
        store_odd_keys,
    ),
    ("[store] what has expired is gone", store_expires),
    ("[store] each set starts a lifetime anew", store_set_anew),
    (
        "[store] a touch keeps the value, and revives nothing",
        store_touches,
    ),
    ("[store] compare and set is for who knows", store_compares),
    ("[store] one of many compares wins", store_compares_at_once),
    (
        "[store] all under a prefix are shown, and no other",
        store_visits,
    ),
    (
        "[store] a cleanup takes what has expired, and no other",
        store_cleans_up,
    ),
    ("[store] another client finds it", store_is_shared),
];

/// Runs every check, and fails with the words of those that are not true.
#[track_caller]
pub(crate) fn run(subject: &Subject) {
    run_but(subject, &[]);
}

/// The same, but for sentences that are known not to be true of this store: they have to be false.
#[track_caller]
pub(crate) fn run_but(subject: &Subject, untrue: &[&str]) {
    let failures = CHECKS.iter().filter_map(|(sentence, check)| {
        match (catch(|| check(subject)), untrue.contains(sentence)) {
            (Ok(()), false) | (Err(_), true) => None,
            (Ok(()), true) => Some(format!("{sentence}: is true after all")),
            (Err(error), false) => Some(format!("{sentence}:\n    {error:?}")),
        }
    });
    let failures: Vec<String> = failures.collect();
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        subject.name,
        failures.join("\n")
    );
}

/// 2023-11-14 22:13:20 UTC.
const NOW: u64 = 1_700_000_000;
/// Of a session, in seconds.
const LIFETIME: u64 = 60;

/// A prefix that no other check has, in this run or the last.
fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut random = [0; 6];
    getrandom::fill(&mut random).unwrap_or_default();
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{random}-{}:", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn interface(subject: &Subject) -> ServerSideSessionInterface {
    let interface = ServerSideSessionInterface::new((subject.store)());
    interface.key_prefix(prefix()).permanent(false)
}

/// An app with a fresh store, and its clock.
fn app(subject: &Subject) -> Result<(App, Arc<FixedClock>), Error> {
    app_with(interface(subject))
}

fn app_with(interface: ServerSideSessionInterface) -> Result<(App, Arc<FixedClock>), Error> {
    let clock = Arc::new(FixedClock::new(NOW));
    let mut app = App::new("suite");
    app.config().set_clock(clock.clone());
    app.config().set_secret_key("adavafa");
    app.config().set("PERMANENT_SESSION_LIFETIME", LIFETIME)?;
    app.session_interface(interface);

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
        session().regenerate();
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

fn ensure(right: bool, complaint: impl Into<String>) -> Result<(), Error> {
    match right {
        true => Ok(()),
        false => Err(Error::assertion(complaint)),
    }
}

#[allow(clippy::needless_pass_by_value)] // A check reads better so.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), Error> {
    let complaint = format!("{what} is {found:?}, and should be {wanted:?}");
    ensure(found == wanted, complaint)
}

/// The text of a page, which has to be a 200.
fn page(client: &mut TestClient, path: &str) -> Result<String, Error> {
    let answer = client.get(path).send()?;
    let status = answer.status_code();
    ensure(status == 200, format!("{path} is a {status}"))?;
    Ok(answer.text())
}

/// Makes sure that a page says what it should.
fn says(client: &mut TestClient, path: &str, text: &str) -> Result<(), Error> {
    let page = page(client, path)?;
    same(path, &*page, text)
}

fn cookie(client: &TestClient) -> Result<String, Error> {
    let cookie = client.get_cookie("session").map(str::to_owned);
    cookie.ok_or_else(|| Error::assertion("there is no session cookie"))
}

/// Another browser, which got hold of this cookie.
fn thief(app: &App, cookie: &str) -> TestClient {
    let mut client = app.test_client();
    client.set_cookie("session", cookie);
    client
}

fn is_kept(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/set/size/large")?;
    says(&mut client, "/get/color", "red")?;
    says(&mut client, "/get/size", "large")
}

/// One of each that MessagePack has.
fn every_kind() -> Vec<(&'static str, Value)> {
    let dict = Value::from_iter([("name", Value::from("Zoë 🫖")), ("n", Value::Null)]);
    let map = Foreign::Map(vec![(1.into(), "one".into()), ("two".into(), 2.into())]);
    let half_a_second = [0x77, 0x35, 0x94, 0x00, 0x65, 0x92, 0x00, 0x80].to_vec();
    let time = Foreign::Ext {
        code: -1,
        data: half_a_second,
    };
    vec![
        ("nothing", Value::Null),
        ("a flag", true.into()),
        ("a number", i64::MIN.into()),
        ("a large number", u64::MAX.into()),
        ("a float", 0.1.into()),
        ("infinity", f64::NEG_INFINITY.into()),
        ("text", "Zoë \u{0} 🫖\r\n".into()),
        ("no text", "".into()),
        ("bytes", Value::Bytes((0..=255).collect())),
        (
            "a list",
            vec![Value::from(2.5), dict.clone(), vec![1].into()].into(),
        ),
        ("a dict", dict),
        ("a time", Value::DateTime(-1)),
        ("a time with a fraction", time.into()),
        ("a dict with a number for a key", map.into()),
    ]
}

fn keeps_every_kind(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    let values = every_kind();
    client.session_transaction(|session| {
        session.update(|data| {
            for (key, value) in &values {
                data.insert((*key).to_owned(), value.clone());
            }
        })
    })?;
    let found: Dict = client.session_transaction(|session| Ok(session.to_dict()))?;
    for (key, value) in values {
        same(key, found.get(key), Some(&value))?;
    }
    Ok(())
}

fn keeps_much(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    let text = "Größe ".repeat(8_000);
    client.session_transaction(|session| session.insert("text", &text))?;
    let found = client.session_transaction(|session| Ok(session.get::<String>("text")))?;
    ensure(found == Some(text), "64 KB did not come back")
}

fn two_browsers(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
    let (mut one, mut other) = (app.test_client(), app.test_client());
    page(&mut one, "/set/name/jack")?;
    page(&mut other, "/set/name/jill")?;
    says(&mut one, "/get/name", "jack")?;
    says(&mut other, "/get/name", "jill")
}

fn two_prefixes(subject: &Subject) -> Result<(), Error> {
    let interface = interface(subject);
    let mut one = app_with(interface.clone())?.0.test_client();
    page(&mut one, "/set/name/jack")?;
    let (other, _) = app_with(interface.key_prefix(prefix()))?;
    says(&mut thief(&other, &cookie(&one)?), "/get/name", "")
}

fn untouched(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
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

fn only_read(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
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

fn configured(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
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

/// What a client may send and no server ever gave it.
const RUBBISH: &[&str] = &[
    "",
    ".",
    "...",
    "../../etc/passwd",
    "%00",
    "\u{fc}",
    "a b",
    "a\tb",
    "a\"b'c;--",
    "$where",
    "*",
    "{}",
];

fn rubbish(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
    let long = [
        "x".repeat(250),
        "x".repeat(255),
        "x".repeat(256),
        "x".repeat(3000),
    ];
    for rubbish in RUBBISH
        .iter()
        .copied()
        .chain(long.iter().map(|long| &**long))
    {
        let mut client = thief(&app, rubbish);
        says(&mut client, "/get/color", "")?;
        page(&mut client, "/set/color/red")?;
        says(&mut client, "/get/color", "red")?;
        ensure(cookie(&client)? != rubbish, "an id was taken")?;
    }
    Ok(())
}

fn emptied(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/logout")?;
    ensure(
        client.get_cookie("session").is_none(),
        "the browser keeps the cookie of a session that was emptied",
    )?;
    says(&mut client, "/get/color", "")
}

fn replayed(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
    let mut client = app.test_client();
    page(&mut client, "/login/jack")?;
    let mut thief = thief(&app, &cookie(&client)?);
    page(&mut client, "/logout")?;
    says(&mut thief, "/get/user", "")
}

fn expires(subject: &Subject) -> Result<(), Error> {
    let (app, clock) = app(subject)?;
    app.config().set("SESSION_REFRESH_EACH_REQUEST", false)?;
    let mut client = app.test_client();
    page(&mut client, "/set/color/red")?;
    (subject.pass)(&clock, LIFETIME / 2);
    says(&mut client, "/get/color", "red")?;
    (subject.pass)(&clock, LIFETIME / 2 + 2);
    says(&mut client, "/get/color", "")
}

fn refreshed(subject: &Subject) -> Result<(), Error> {
    let (app, clock) = app(subject)?;
    let mut client = app.test_client();
    page(&mut client, "/permanent")?;
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/permanent")?;
    for _visit in ["one", "another", "a third"] {
        (subject.pass)(&clock, LIFETIME / 2);
        let answer = client.get("/plain").send()?;
        let header = answer.header("Set-Cookie").unwrap_or_default();
        ensure(
            header.contains("; Expires="),
            format!("a permanent session is not refreshed: {header:?}"),
        )?;
    }
    says(&mut client, "/get/color", "red")
}

fn made_up(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
    let mut victim = thief(&app, "chosen-by-the-thief-himself");
    page(&mut victim, "/set/color/red")?;
    let mut thief = thief(&app, "chosen-by-the-thief-himself");
    says(&mut thief, "/get/color", "")
}

fn fixated(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
    let mut thief = app.test_client();
    page(&mut thief, "/set/color/red")?;
    // The thief plants that cookie in the victim's browser, and waits.
    let mut victim = self::thief(&app, &cookie(&thief)?);
    page(&mut victim, "/login/jack")?;
    says(&mut victim, "/get/user", "jack")?;
    says(&mut victim, "/get/color", "red")?;
    says(&mut thief, "/get/user", "")
}

fn signed(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app_with(interface(subject).use_signer(true))?;
    let mut client = app.test_client();
    page(&mut client, "/set/color/red")?;
    says(&mut client, "/get/color", "red")?;
    let signed = cookie(&client)?;
    let (id, signature) = signed.rsplit_once('.').unwrap_or_default();
    same("a signature's length", signature.len(), 27)?;
    says(&mut thief(&app, id), "/get/color", "")?;
    let forged = format!("{id}.{}", "A".repeat(27));
    says(&mut thief(&app, &forged), "/get/color", "")
}

fn read_late(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    page(&mut client, "/set/late/no")?;
    page(&mut client, "/read-late/set/late/yes")?;
    says(&mut client, "/get/late", "yes")
}

fn read_after_logout(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
    let mut client = app.test_client();
    page(&mut client, "/login/jack")?;
    let before = cookie(&client)?;
    page(&mut client, "/read-late/logout")?;
    ensure(client.get_cookie("session").is_none(), "the cookie is back")?;
    says(&mut thief(&app, &before), "/get/user", "")
}

fn written_late(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/set-late/set/color/blue")?;
    says(&mut client, "/get/late", "yes")?;
    says(&mut client, "/get/color", "red")
}

/// Whether the store has an ability. Where it lacks it, it has to say so.
fn can(subject: &Subject, ability: Ability) -> Result<bool, Error> {
    let store = (subject.store)();
    if store.can(ability) {
        return Ok(true);
    }
    let error = match ability {
        Ability::CompareAndSet => store.compare_and_set("k", None, b"", lifetime()).err(),
        _ => store.visit("", NOW, &mut |_| Verdict::Keep).err(),
    };
    let kind = error.map(|error| error.kind());
    same("the error", kind, Some(StoreErrorKind::Unsupported))?;
    println!("{} cannot {ability}", subject.name);
    Ok(false)
}

fn written_late_optimistic(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::CompareAndSet)? {
        let refused = interface(subject).optimistic(true).is_err();
        return ensure(
            refused,
            "optimistic saves are taken by a store that has none",
        );
    }
    let (app, _) = app_with(interface(subject).optimistic(true)?)?;
    let mut client = app.test_client();
    page(&mut client, "/set/color/red")?;
    for late in ["/set-late/set/color/blue", "/set-late/logout"] {
        let status = client.get(late).send()?.status_code();
        same(late, status, 409)?;
        let color = if late.ends_with("blue") { "blue" } else { "" };
        says(&mut client, "/get/color", color)?;
        says(&mut client, "/get/late", "")?;
    }
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/login/jack")?;
    says(&mut client, "/get/color", "red")?;
    page(&mut client, "/set/color/green")?;
    says(&mut client, "/get/color", "green")
}

fn logged_out_everywhere(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::Visit)? {
        return Ok(());
    }
    let interface = interface(subject);
    let (app, _) = app_with(interface.clone())?;
    let mut clients = [app.test_client(), app.test_client(), app.test_client()];
    // A store that does not know its keys shows those of other checks too.
    let jack = format!("jack {}", prefix());
    for (client, name) in clients.iter_mut().zip([&*jack, "jill", &*jack]) {
        page(client, &format!("/login/{name}"))?;
    }
    let is_jack = |session: &Dict| session.get("user") == Some(&Value::from(&*jack));
    let found = interface.sessions(&app, is_jack)?;
    same("how many are jack's", found.len(), 2)?;
    for session in &found {
        if let Some(id) = &session.id {
            let of_a_client = clients
                .iter()
                .any(|client| client.get_cookie("session") == Some(id));
            ensure(of_a_client, "an id that nobody has was found")?;
        }
    }
    same("the deleted", interface.delete_sessions(&app, is_jack)?, 2)?;
    for (client, name) in clients.iter_mut().zip(["", "jill", ""]) {
        says(client, "/get/user", name)?;
    }
    Ok(())
}

fn both_formats(subject: &Subject) -> Result<(), Error> {
    let interface = interface(subject);
    let formats = [Format::MessagePack, Format::Json];
    for (written, read) in [formats, [formats[1], formats[0]]].map(|[a, b]| (a, b)) {
        let (writer, _) = app_with(interface.clone().serialization_format(written))?;
        let (reader, _) = app_with(interface.clone().serialization_format(read))?;
        let mut client = writer.test_client();
        page(&mut client, "/set/color/Gr%C3%BCn")?;
        says(&mut thief(&reader, &cookie(&client)?), "/get/color", "Grün")?;
    }
    Ok(())
}

/// Counts what is asked of another store.
struct Counting(Arc<dyn Store>, AtomicU64);

impl Counting {
    fn count(&self) -> &dyn Store {
        self.1.fetch_add(1, Ordering::Relaxed);
        &*self.0
    }
}

impl Store for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.count().get(key, now)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.count().set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.count().delete(key)
    }
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        self.count().touch(key, lifetime)
    }
    fn format(&self) -> Option<Format> {
        self.0.format()
    }
}

fn round_trips(subject: &Subject) -> Result<(), Error> {
    let counting = Arc::new(Counting((subject.store)(), AtomicU64::new(0)));
    let interface = ServerSideSessionInterface::new(Arc::clone(&counting)).key_prefix(prefix());
    let mut client = app_with(interface)?.0.test_client();
    // In brackets: what Flask-Session takes.
    let visits = [
        ("/plain", 0),          // (0)
        ("/get/color", 0),      // (0)
        ("/set/color/red", 1),  // (1)
        ("/get/color", 2),      // (2)
        ("/plain", 2),          // (2)
        ("/set/color/blue", 2), // (2)
        ("/login/jack", 3),     // (3)
        ("/logout", 2),         // (2)
        ("/logout", 0),         // (1: it deletes what was never there)
    ];
    for (path, trips) in visits {
        let before = counting.1.load(Ordering::Relaxed);
        page(&mut client, path)?;
        let after = counting.1.load(Ordering::Relaxed);
        same(path, after - before, trips)?;
    }
    Ok(())
}

fn many_threads(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let app = app.clone();
            thread::spawn(move || {
                let mut client = app.test_client();
                for visit in 0..20 {
                    let value = format!("{thread}-{visit}");
                    page(&mut client, &format!("/set/n/{value}"))?;
                    says(&mut client, "/get/n", &value)?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| Error::panic("a thread"))??;
    }
    Ok(())
}

// The store itself.

fn lifetime() -> Lifetime {
    lifetime_at(NOW)
}

fn lifetime_at(now: u64) -> Lifetime {
    Lifetime {
        now,
        seconds: LIFETIME,
    }
}

/// What a store that takes pickles only is given here too: it has to keep any bytes.
fn store_keeps(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    same("nothing", store.get(&key, NOW)?, None)?;
    store.set(&key, b"one", lifetime())?;
    same(
        "the value",
        store.get(&key, NOW)?.as_deref(),
        Some(&b"one"[..]),
    )?;
    store.set(&key, b"two", lifetime())?;
    same(
        "the next",
        store.get(&key, NOW)?.as_deref(),
        Some(&b"two"[..]),
    )?;
    store.delete(&key)?;
    same("what is deleted", store.get(&key, NOW)?, None)?;
    store.delete(&key)?;
    Ok(())
}

fn store_keeps_any_bytes(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    let large = vec![0xa5; 50_000];
    for value in [&b"\x00\x80\xff\r\n"[..], b"1", &large] {
        store.set(&key, value, lifetime())?;
        let found = store.get(&key, NOW)?;
        ensure(found.as_deref() == Some(value), "bytes came back as others")?;
    }
    Ok(())
}

fn store_odd_keys(subject: &Subject) -> Result<(), Error> {
    let store = (subject.store)();
    let long = "x".repeat(255);
    for id in RUBBISH.iter().copied().chain([&*long]) {
        // The interface lets printable ASCII through, and nothing longer.
        if id.bytes().all(|byte| byte.is_ascii_graphic()) {
            let key = format!("session:{id}-{}", prefix());
            same(id, store.get(&key, NOW)?, None)?;
            ensure(!store.touch(&key, lifetime())?, "a touch found nothing")?;
            store.delete(&key)?;
        }
    }
    Ok(())
}

fn store_expires(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    let clock = FixedClock::new(NOW);
    store.set(&key, b"one", lifetime())?;
    (subject.pass)(&clock, LIFETIME / 2);
    let now = carafe::clock::Clock::now(&clock);
    ensure(store.get(&key, now)?.is_some(), "it is gone too soon")?;
    (subject.pass)(&clock, LIFETIME);
    let now = carafe::clock::Clock::now(&clock);
    same("what has expired", store.get(&key, now)?, None)?;
    ensure(!store.touch(&key, lifetime_at(now))?, "a touch revived it")?;
    same("what was touched", store.get(&key, now)?, None)
}

fn store_set_anew(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    let clock = FixedClock::new(NOW);
    for round in 0..3 {
        let now = carafe::clock::Clock::now(&clock);
        if round == 1 {
            ensure(
                store.touch(&key, lifetime_at(now))?,
                "a touch found nothing",
            )?;
        } else {
            store.set(&key, b"one", lifetime_at(now))?;
        }
        (subject.pass)(&clock, LIFETIME * 3 / 4);
        let now = carafe::clock::Clock::now(&clock);
        ensure(store.get(&key, now)?.is_some(), "it is gone too soon")?;
    }
    Ok(())
}

fn store_touches(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    ensure(!store.touch(&key, lifetime())?, "a touch found nothing")?;
    same("nothing", store.get(&key, NOW)?, None)?;
    store.set(&key, b"one", lifetime())?;
    for _twice in 0..2 {
        ensure(store.touch(&key, lifetime())?, "a touch did not find it")?;
    }
    same(
        "the value",
        store.get(&key, NOW)?.as_deref(),
        Some(&b"one"[..]),
    )
}

fn store_compares(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::CompareAndSet)? {
        return Ok(());
    }
    let (store, key) = ((subject.store)(), prefix() + "id");
    let try_it = |expected: Option<&[u8]>, value: &[u8]| {
        store.compare_and_set(&key, expected, value, lifetime())
    };
    ensure(
        !try_it(Some(b"one"), b"bad")?,
        "nothing was taken for a value",
    )?;
    ensure(try_it(None, b"one")?, "a new one was refused")?;
    ensure(!try_it(None, b"bad")?, "a value was taken for nothing")?;
    ensure(!try_it(Some(b"two"), b"bad")?, "another value was taken")?;
    ensure(try_it(Some(b"one"), b"one")?, "the same was refused")?;
    ensure(try_it(Some(b"one"), b"two")?, "the right one was refused")?;
    same(
        "the value",
        store.get(&key, NOW)?.as_deref(),
        Some(&b"two"[..]),
    )?;
    store.delete(&key)?;
    ensure(!try_it(Some(b"two"), b"bad")?, "what was deleted is back")
}

fn store_compares_at_once(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::CompareAndSet)? {
        return Ok(());
    }
    let (store, key) = ((subject.store)(), prefix() + "id");
    store.set(&key, b"0", lifetime())?;
    let threads: Vec<_> = (1..=8_u8)
        .map(|thread| {
            let (store, key) = (Arc::clone(&store), key.clone());
            thread::spawn(move || store.compare_and_set(&key, Some(b"0"), &[thread], lifetime()))
        })
        .collect();
    let mut winners = 0;
    for thread in threads {
        winners += u32::from(thread.join().map_err(|_| Error::panic("a thread"))??);
    }
    same("the number of winners", winners, 1)
}

fn store_visits(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::Visit)? {
        return Ok(());
    }
    // A prefix may hold what a pattern gives a meaning.
    for odd in ["", "[a]*?", "%_\\", "^.+$("] {
        let (store, prefix) = ((subject.store)(), prefix() + odd);
        let value = |n: usize| format!("{prefix}{n}").into_bytes();
        for n in 0..5 {
            store.set(&format!("{prefix}{n}"), &value(n), lifetime())?;
        }
        let mut shown = 0;
        store.visit(&prefix, NOW, &mut |entry: Entry<'_>| {
            // Where the store does not know its keys, it shows others' too.
            let mine = entry.value.starts_with(prefix.as_bytes());
            if entry
                .key
                .is_some_and(|key| !key.starts_with(&prefix) || !mine)
            {
                return Verdict::Keep;
            }
            shown += u32::from(mine);
            match entry.value == value(3) {
                true => Verdict::Delete,
                false => Verdict::Keep,
            }
        })?;
        same("how many were shown", shown, 5)?;
        for n in 0..5 {
            let found = store.get(&format!("{prefix}{n}"), NOW)?;
            same("whether it is there", found.is_some(), n != 3)?;
        }
    }
    Ok(())
}

fn store_cleans_up(subject: &Subject) -> Result<(), Error> {
    let (store, prefix) = ((subject.store)(), prefix());
    let clock = FixedClock::new(NOW);
    store.set(&format!("{prefix}old"), b"old", lifetime())?;
    (subject.pass)(&clock, LIFETIME + 2);
    let now = carafe::clock::Clock::now(&clock);
    store.set(&format!("{prefix}new"), b"new", lifetime_at(now))?;
    let cleaned = store.cleanup(now)?;
    if !store.expires_by_itself() {
        ensure(cleaned >= 1, "nothing was cleaned up")?;
        same("what is left", store.cleanup(now)?, 0)?;
    }
    let new = store.get(&format!("{prefix}new"), now)?;
    ensure(new.is_some(), "a live session was cleaned up")
}

fn store_is_shared(subject: &Subject) -> Result<(), Error> {
    let (one, other, key) = ((subject.store)(), (subject.store)(), prefix() + "id");
    one.set(&key, b"one", lifetime())?;
    let found = other.get(&key, NOW)?;
    same("the value", found.as_deref(), Some(&b"one"[..]))
}
