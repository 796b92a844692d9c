//! What a trace shows of a session store: each call, the commands inside of it, and on demand the bytes.

use carafe::session::store::{Lifetime, Store, StoreError};
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::trace::{Kind, StoreAnswer, Trace, record};
use carafe::{App, Scaffold, current_app, session};

use super::common::{again, assert_well_formed, login, logout};

fn app(interface: &ServerSideSessionInterface) -> App {
    let mut app = App::new("shop");
    app.session_interface(interface.clone());
    app.route("/", || session().len().to_string());
    app.route("/login", login);
    app.route("/again", again);
    app.route("/logout", logout);
    let interface = interface.clone();
    app.route("/end", move || {
        let ended = interface.delete_sessions(&current_app(), |_| true)?;
        interface.cleanup(&current_app())?;
        Ok::<_, carafe::Error>(ended.to_string())
    });
    app
}

/// The calls of the store and its commands, each after the stage or the call that it is in.
fn calls(trace: &Trace) -> Vec<String> {
    let steps = trace.steps();
    let shown = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| matches!(step.kind, Kind::Store | Kind::Command));
    let lines = shown.map(|(index, step)| {
        let around = steps[..index].iter().rfind(|around| around.end > index);
        format!("{}: {}", around.unwrap().name, step.label())
    });
    lines.collect()
}

#[test]
fn each_call_of_a_store_is_a_step_with_its_commands_inside() {
    let app = app(&ServerSideSessionInterface::from_url("memory:").unwrap());
    let mut client = app.test_client();
    let mut visit = |path| {
        let (response, trace) = record(|| client.get(path).send());
        assert!(response.unwrap().status_code() < 400);
        assert_well_formed(&trace);
        calls(&trace)
    };
    let get = ["open_session: Store.get", "Store.get: memory get"];
    assert_eq!(visit("/"), [""; 0], "nobody has a session yet");
    assert_eq!(
        visit("/login"),
        [
            "save_session: Store.set",
            "Store.set: memory set for 2678400 s"
        ]
    );
    assert_eq!(visit("/")[..2], get);
    let again = visit("/again");
    assert_eq!(again[..2], get);
    assert_eq!(
        again[2..],
        [
            "save_session: Store.set",
            "Store.set: memory set for 2678400 s",
            "save_session: Store.delete",
            "Store.delete: memory delete",
        ]
    );
    let end = visit("/end");
    assert_eq!(
        end[2..6],
        [
            "<lambda>: Store.visit",
            "Store.visit: memory visit all",
            "<lambda>: Store.cleanup",
            "Store.cleanup: memory cleanup",
        ]
    );
}

#[test]
fn the_recorder_has_the_key_and_the_bytes_of_a_call() {
    let interface = ServerSideSessionInterface::from_url("memory:").unwrap();
    let app = app(&interface
        .serialization_format(Format::Json)
        .permanent(false)
        .key_prefix("shop:"));
    let mut client = app.test_client();
    let (_, trace) = record(|| client.get("/login").send());
    let id = client.get_cookie("session").unwrap().to_owned();
    let step = trace.find("Store.set").unwrap();
    assert_eq!(step.kind, Kind::Store);
    assert_eq!(
        (step.field("store"), step.field("size")),
        (Some("memory"), Some("19"))
    );
    assert_eq!(step.field("seconds"), Some("2678400"));
    let call = step.store_call.as_ref().unwrap();
    assert_eq!(
        (&*call.key_prefix, call.id.as_deref()),
        ("shop:", Some(&*id))
    );
    let sent = call.sent.as_ref().unwrap();
    assert_eq!(sent.bytes, b"{\"username\":\"jack\"}");
    assert_eq!(sent.text.as_deref(), Some("{\"username\":\"jack\"}"));
    assert_eq!(call.answer, Some(StoreAnswer::Done));

    let (_, trace) = record(|| client.get("/").send());
    let call = trace
        .find("Store.get")
        .unwrap()
        .store_call
        .as_ref()
        .unwrap();
    assert_eq!(call.answer, Some(StoreAnswer::Found(sent.clone())));
    client.set_cookie("session", "made-up");
    let (_, trace) = record(|| client.get("/").send());
    let call = trace
        .find("Store.get")
        .unwrap()
        .store_call
        .as_ref()
        .unwrap();
    assert_eq!(call.answer, Some(StoreAnswer::Nothing));

    let text = format!("{}{:?}", trace.tree(), trace.find("Store.get"));
    assert!(text.contains("key shop:made-u…") && text.contains("found nothing"));
    assert!(!text.contains("made-up"), "{text}");
}

/// A store that is down.
struct Down;

impl Down {
    fn error<T>() -> Result<T, StoreError> {
        Err(StoreError::unavailable("down", "nobody answers"))
    }
}

impl Store for Down {
    fn name(&self) -> &'static str {
        "down"
    }
    fn get(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Self::error()
    }
    fn set(&self, _: &str, _: &[u8], _: Lifetime) -> Result<(), StoreError> {
        Self::error()
    }
    fn delete(&self, _: &str) -> Result<(), StoreError> {
        Self::error()
    }
}

#[test]
fn a_call_that_fails_says_why() {
    let app = app(&ServerSideSessionInterface::new(Down));
    let mut client = app.test_client();
    client.set_cookie("session", "an-id");
    let (response, trace) = record(|| client.get("/").send());
    assert_eq!(response.unwrap().status_code(), 503);
    let step = trace.find("Store.get").unwrap();
    assert_eq!(step.store_call.as_ref().unwrap().answer, None);
    let error = step.error.as_deref().unwrap();
    assert!(error.starts_with("StoreError: session store down: nobody answers"));
    // Told once, where it happened.
    let tree = trace.to_string();
    assert!(tree.contains("Store.get ✗"), "{tree}");
    assert_eq!(
        trace.find("open_session").unwrap().error.as_deref(),
        Some(error)
    );
}
