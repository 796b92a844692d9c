//! Visits to an app with the store, which never look into it.
//!
//! Those that any session interface has to withstand are in `examples/memory_sessions/suite.rs`; here are
//! the ones that are about what Carafe's own interface promises beside them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use carafe::clock::FixedClock;
use carafe::session::store::{self, Ability, Lifetime, StoreError};
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::value::Foreign;
use carafe::{App, Dict, Error, Value};

use super::sessions::{self, Store, cookie, ensure, page, says, thief};
use super::{RUBBISH, Subject, can, prefix, same};

fn interface(subject: &Subject) -> ServerSideSessionInterface {
    let interface = ServerSideSessionInterface::new((subject.store)());
    interface.key_prefix(prefix()).permanent(false)
}

/// The store as one that a session interface keeps sessions in, for the checks of those.
fn as_interface<R>(
    subject: &Subject,
    interface: &ServerSideSessionInterface,
    use_it: impl FnOnce(&Store<'_>) -> R,
) -> R {
    use_it(&Store {
        name: subject.name,
        install: &|app| app.session_interface(interface.clone()),
        renew: |session| {
            session.regenerate();
            Ok(())
        },
        pass: &subject.pass,
    })
}

/// Runs a check of any session interface.
pub(super) fn run(
    subject: &Subject,
    check: fn(&Store<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    as_interface(subject, &interface(subject), check)
}

/// An app with the store, and its clock.
fn app(subject: &Subject) -> Result<(App, Arc<FixedClock>), Error> {
    app_with(subject, interface(subject))
}

#[allow(clippy::needless_pass_by_value)] // A check reads better so.
fn app_with(
    subject: &Subject,
    interface: ServerSideSessionInterface,
) -> Result<(App, Arc<FixedClock>), Error> {
    as_interface(subject, &interface, sessions::app)
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

pub(super) fn keeps_every_kind(subject: &Subject) -> Result<(), Error> {
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

pub(super) fn keeps_much(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    let text = "Größe ".repeat(8_000);
    client.session_transaction(|session| session.insert("text", &text))?;
    let found = client.session_transaction(|session| Ok(session.get::<String>("text")))?;
    ensure(found == Some(text), "64 KB did not come back")
}

pub(super) fn two_prefixes(subject: &Subject) -> Result<(), Error> {
    let interface = interface(subject);
    let mut one = app_with(subject, interface.clone())?.0.test_client();
    page(&mut one, "/set/name/jack")?;
    let (other, _) = app_with(subject, interface.key_prefix(prefix()))?;
    says(&mut thief(&other, &cookie(&one)?), "/get/name", "")
}

pub(super) fn rubbish(subject: &Subject) -> Result<(), Error> {
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

pub(super) fn signed(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app_with(subject, interface(subject).use_signer(true))?;
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

pub(super) fn read_after_logout(subject: &Subject) -> Result<(), Error> {
    let (app, _) = app(subject)?;
    let mut client = app.test_client();
    page(&mut client, "/login/jack")?;
    let before = cookie(&client)?;
    page(&mut client, "/read-late/logout")?;
    ensure(client.get_cookie("session").is_none(), "the cookie is back")?;
    says(&mut thief(&app, &before), "/get/user", "")
}

pub(super) fn written_late(subject: &Subject) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    page(&mut client, "/set/color/red")?;
    page(&mut client, "/set-late/set/color/blue")?;
    says(&mut client, "/get/late", "yes")?;
    says(&mut client, "/get/color", "red")
}

pub(super) fn written_late_optimistic(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::CompareAndSet)? {
        let refused = interface(subject).optimistic(true).is_err();
        return ensure(
            refused,
            "optimistic saves are taken by a store that has none",
        );
    }
    let (app, _) = app_with(subject, interface(subject).optimistic(true)?)?;
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
    // Both write the very same, as two do that both add one to a number: one of the two would be lost.
    let status = client.get("/set-late/set/late/yes").send()?.status_code();
    same("a save of the same", status, 409)?;
    says(&mut client, "/get/late", "yes")?;
    page(&mut client, "/login/jack")?;
    says(&mut client, "/get/color", "red")?;
    page(&mut client, "/set/color/green")?;
    says(&mut client, "/get/color", "green")
}

// ANCHOR: down
pub(super) fn down(subject: &Subject, down: &dyn Fn(bool)) -> Result<(), Error> {
    let mut client = app(subject)?.0.test_client();
    page(&mut client, "/login/jack")?;
    let before = cookie(&client)?;
    down(true);
    let pages = ["/get/user", "/set/color/red", "/logout"];
    let answers = pages.map(|path| (path, client.get(path).send()));
    down(false);
    for (path, answer) in answers {
        let answer = answer?;
        let status = format!("the status of {path}");
        same(&status, answer.status_code(), 503)?;
        let cookie = format!("the Set-Cookie of {path}");
        same(&cookie, answer.header("Set-Cookie"), None)?;
    }
    same("the cookie", cookie(&client)?, before)?;
    says(&mut client, "/get/user", "jack")
}
// ANCHOR_END: down

pub(super) fn logged_out_everywhere(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::Visit)? {
        return Ok(());
    }
    let interface = interface(subject);
    let (app, _) = app_with(subject, interface.clone())?;
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

pub(super) fn both_formats(subject: &Subject) -> Result<(), Error> {
    let interface = interface(subject);
    let formats = [Format::MessagePack, Format::Json];
    for (written, read) in [formats, [formats[1], formats[0]]].map(|[a, b]| (a, b)) {
        let (writer, _) = app_with(subject, interface.clone().serialization_format(written))?;
        let (reader, _) = app_with(subject, interface.clone().serialization_format(read))?;
        let mut client = writer.test_client();
        page(&mut client, "/set/color/Gr%C3%BCn")?;
        says(&mut thief(&reader, &cookie(&client)?), "/get/color", "Grün")?;
    }
    Ok(())
}

/// Counts what is asked of another store.
struct Counting(Arc<dyn store::Store>, AtomicU64);

impl Counting {
    fn count(&self) -> &dyn store::Store {
        self.1.fetch_add(1, Ordering::Relaxed);
        &*self.0
    }
}

impl store::Store for Counting {
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

pub(super) fn round_trips(subject: &Subject) -> Result<(), Error> {
    let counting = Arc::new(Counting((subject.store)(), AtomicU64::new(0)));
    let interface = ServerSideSessionInterface::new(Arc::clone(&counting)).key_prefix(prefix());
    let mut client = app_with(subject, interface)?.0.test_client();
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

pub(super) fn many_threads(subject: &Subject) -> Result<(), Error> {
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
