//! For the chapter on push.

use std::sync::{Arc, Mutex};

use carafe::config::Settings;
use carafe::context::{has_app_context, has_request_context};
use carafe::trace::Trace;
use carafe::{App, Error, Request, Response, Scaffold, Session, SessionInterface, request, trace};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[("push/not_found", not_found), ("push/down", down)];

/// The stages and the app's own functions that ran, with ✗ where one returned an error.
fn outline(trace: &Trace, names: &[&str]) -> String {
    let steps = trace.iter();
    let asked_for = steps.filter(|step| names.contains(&step.label().as_str()));
    let lines = asked_for.map(|step| match &step.error {
        Some(error) => format!("{} ✗ {error}", step.label()),
        None => step.label(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

// ANCHOR: not_found
fn not_found() -> String {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let mut app = App::new("shop");
    app.before_request(move || {
        let (endpoint, error) = (
            request().endpoint().map(str::to_owned),
            request().routing_exception(),
        );
        let error = error.map(|error| error.type_name().to_owned());
        seen.lock()
            .unwrap()
            .push(format!("before: endpoint {endpoint:?}, error {error:?}"));
    });
    app.add_url_rule("/pear", "pear", || "a pear");
    let mut client = app.test_client();
    for path in ["/pear", "/stone"] {
        let status = client.get(path).send().unwrap().status_code();
        log.lock().unwrap().push(format!("{path}: {status}"));
    }
    let log = log.lock().unwrap();
    log.join("\n")
}
// ANCHOR_END: not_found

// ANCHOR: down
/// Sessions that are kept in a database, on the day when it is down.
struct Down;

impl SessionInterface for Down {
    fn open_session(&self, _: &Arc<Settings>, _: &Request) -> Result<Option<Session>, Error> {
        Err(Error::runtime("the database is down"))
    }

    fn save_session(&self, _: &Arc<Settings>, _: &Session, _: &mut Response) -> Result<(), Error> {
        Ok(())
    }
}

fn down() -> String {
    let mut app = App::new("shop");
    app.session_interface(Down);
    app.route("/", || "hello");
    let (response, trace) = trace::record(|| app.test_client().get("/").send());
    let ran = outline(
        &trace,
        &[
            "RequestContext.push",
            "AppContext.push",
            "open_session",
            "RequestContext.match_request",
            "Flask.full_dispatch_request",
            "Flask.handle_exception",
            "RequestContext.pop",
            "AppContext.pop",
        ],
    );
    let status = response.unwrap().status_code();
    let left = has_app_context() || has_request_context();
    format!("{ran}\n\nstatus {status}, a context left behind: {left}")
}
// ANCHOR_END: down
