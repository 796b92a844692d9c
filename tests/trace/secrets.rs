//! Nothing secret is in a span: what the Recorder shows on demand, a production log never holds.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use carafe::session::ServerSideSessionInterface;
use carafe::trace::record;
use carafe::{App, Scaffold, current_app, flash, session};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// Writes down all that any layer could: names, targets and every field of spans and events.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl<S: Subscriber> Layer<S> for Everything {
    fn on_new_span(&self, attrs: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut text = self.0.lock().unwrap();
        write!(text, "\nspan {}", attrs.metadata().name()).unwrap();
        attrs.record(&mut Fields(&mut text));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap()));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = self.0.lock().unwrap();
        write!(text, "\nevent {}", event.metadata().target()).unwrap();
        event.record(&mut Fields(&mut text));
    }
}

use super::common::{again, logout};

const KEY: &str = "the-secret-key-of-this-app";
const OLD_KEY: &str = "the-secret-key-before-that";
const VALUE: &str = "value-in-the-session";
const FLASHED: &str = "a-flashed-message";
const POSTED: &str = "a-posted-password";

fn app() -> App {
    let mut app = App::new("shop");
    app.config().set_secret_key(KEY);
    app.config()
        .set("SECRET_KEY_FALLBACKS", vec![OLD_KEY])
        .unwrap();
    app.post("/login", || {
        session().insert("name", VALUE)?;
        flash(FLASHED)?;
        Ok::<_, carafe::Error>("done")
    });
    app.get("/", || session().get::<String>("name"));
    app.get("/large", || {
        let long: String = (0..4000).map(|n| char::from(b'a' + n as u8 % 26)).collect();
        session().insert("large", (0..200).map(|n| n * 7919).collect::<Vec<i32>>())?;
        session()
            .insert("long", format!("{long}{VALUE}"))
            .map(|()| "done")
    });
    app.get("/fail", || -> &'static str { panic!("oh") });
    app
}

#[test]
fn no_span_or_event_holds_a_key_a_session_or_a_cookie() {
    let everything = Everything::default();
    let subscriber = tracing_subscriber::registry().with(everything.clone());
    let app = app();
    let mut client = app.test_client();
    let mut cookies = Vec::new();
    tracing::subscriber::with_default(subscriber, || {
        client
            .post("/login")
            .form([("password", POSTED)])
            .send()
            .unwrap();
        cookies.push(client.get_cookie("session").unwrap().to_owned());
        client.get("/").send().unwrap();
        client.get("/fail").send().unwrap();
        client.get("/large").send().unwrap();
        cookies.push(client.get_cookie("session").unwrap().to_owned());
        client.set_cookie("session", &format!("{}x", cookies[0]));
        client.get("/").send().unwrap();
    });
    let text = everything.0.lock().unwrap();
    // It did listen: the stages, the hooks and the panic are there.
    for expected in ["span save_session", "kind=\"view\"", "Panic: oh"] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let mut secrets = vec![KEY, OLD_KEY, VALUE, FLASHED, POSTED];
    for cookie in &cookies {
        // The payload and the signature, each of which is long enough to be no accident.
        secrets.extend(cookie.split('.').filter(|part| part.len() > 12));
    }
    assert!(secrets.len() >= 9, "{}", secrets.len());
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[test]
fn the_debug_form_of_a_recorded_cookie_hides_it() {
    let app = app();
    let (_, trace) = record(|| app.test_client().post("/login").send());
    let cookie = &trace.find("save_session").unwrap().cookies[0];
    assert!(!format!("{cookie:?}").contains(&cookie.signature));
}

#[test]
fn no_span_or_event_holds_the_id_or_the_data_of_a_stored_session() {
    let everything = Everything::default();
    let subscriber = tracing_subscriber::registry().with(everything.clone());
    let dir = std::env::temp_dir().join(format!("carafe-secrets-{}", std::process::id()));
    let file = format!("file://{}", dir.display());
    let mut secrets = vec![VALUE.to_owned(), FLASHED.to_owned()];
    tracing::subscriber::with_default(subscriber, || {
        for url in ["memory:", &file] {
            let interface = ServerSideSessionInterface::from_url(url).unwrap();
            let mut app = app();
            app.route("/again", again);
            app.route("/logout", logout);
            let all = interface.clone();
            app.route("/sessions", move || {
                let found = all.sessions(&current_app(), |_| true)?;
                Ok::<_, carafe::Error>(found.len().to_string())
            });
            app.session_interface(interface.optimistic(true).unwrap());
            let mut client = app.test_client();
            let mut id = client.get_cookie("session").map(str::to_owned);
            for path in ["/login", "/", "/again", "/large", "/sessions", "/logout"] {
                let request = match path {
                    "/login" => client.post(path),
                    _ => client.get(path),
                };
                request.send().unwrap();
                id = client.get_cookie("session").map(str::to_owned).or(id);
                secrets.extend(id.clone());
            }
        }
    });
    std::fs::remove_dir_all(dir).unwrap();
    let text = everything.0.lock().unwrap();
    for expected in [
        "span Store.compare_and_set",
        "seconds=2678400",
        "memory",
        "write beside",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    secrets.dedup();
    assert!(secrets.len() >= 6, "{}", secrets.len());
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} is in {text}");
    }
}
