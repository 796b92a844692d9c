//! For the chapter on signals.

use carafe::signals::{
    APPCONTEXT_POPPED, APPCONTEXT_PUSHED, APPCONTEXT_TEARING_DOWN, ConnectedTo,
    GOT_REQUEST_EXCEPTION, MESSAGE_FLASHED, REQUEST_FINISHED, REQUEST_STARTED,
    REQUEST_TEARING_DOWN, Signal,
};
use carafe::{App, Error, Response, Scaffold, flash, has_app_context, has_request_context, trace};

use super::Output;
use super::lines::Lines;

pub(crate) const OUTPUTS: &[Output] = &[
    ("signals/contexts", contexts),
    ("signals/senders", senders),
    ("signals/failing", failing),
];

// ANCHOR: contexts
fn contexts() -> String {
    fn listen<A>(signal: &'static Signal<A>, app: &App, log: &Lines) -> ConnectedTo<A> {
        let log = log.clone();
        signal.connected_to(app, move |_app, _data| {
            let app = if has_app_context() { "app" } else { "-" };
            let request = if has_request_context() {
                "request"
            } else {
                "-"
            };
            log.add(format!("{:24} {app:4} {request}", signal.name()));
        })
    }
    let log = Lines::default();
    let mut app = App::new("demo");
    app.config().set_secret_key("adavafa");
    app.route("/", || {
        flash("saved")?;
        Ok::<_, Error>("seven".parse::<i32>()?.to_string())
    });
    let _connected = (
        listen(&APPCONTEXT_PUSHED, &app, &log),
        listen(&REQUEST_STARTED, &app, &log),
        listen(&MESSAGE_FLASHED, &app, &log),
        listen(&GOT_REQUEST_EXCEPTION, &app, &log),
        listen(&REQUEST_FINISHED, &app, &log),
        listen(&REQUEST_TEARING_DOWN, &app, &log),
        listen(&APPCONTEXT_TEARING_DOWN, &app, &log),
        listen(&APPCONTEXT_POPPED, &app, &log),
    );
    let _response = app.test_client().get("/").send();
    log.text()
}
// ANCHOR_END: contexts

// ANCHOR: senders
fn senders() -> String {
    let log = Lines::default();
    let mut shop = App::new("shop");
    let mut blog = App::new("blog");
    shop.route("/", || "shop");
    blog.route("/", || "blog");

    let seen = log.clone();
    let id = REQUEST_STARTED.connect_via(&blog, move |app, ()| {
        seen.add(format!("first:  {}", app.name()));
    });
    let seen = log.clone();
    let _until_the_end = REQUEST_STARTED.connected_to(&blog, move |app, ()| {
        seen.add(format!("second: {}", app.name()));
    });

    let _response = shop.test_client().get("/").send();
    let _response = blog.test_client().get("/").send();
    REQUEST_STARTED.disconnect(id);
    let _response = blog.test_client().get("/").send();
    log.text()
}
// ANCHOR_END: senders

// ANCHOR: failing
fn failing() -> String {
    fn refuse<A>(_app: &App, _data: &A) -> Result<(), Error> {
        Err(Error::runtime("the receiver failed"))
    }
    fn add_header(_response: &mut Response) {}
    fn close(_error: Option<&Error>) {}

    fn visit<A>(signal: &'static Signal<A>) -> String {
        let mut app = App::new("demo");
        app.route("/", || "hello");
        app.after_request(add_header);
        app.teardown_request(close);
        let _connected = signal.connected_to(&app, refuse);
        let (result, trace) = trace::record(|| app.test_client().get("/").send());
        let end = match result {
            Ok(response) => format!("=> {}", response.status_code()),
            Err(error) => format!("=> leaves the app: {error}"),
        };
        format!(
            "{} fails\n   {}\n   {end}",
            signal.name(),
            trace.hooks().join("\n   ")
        )
    }
    [
        visit(&REQUEST_STARTED),
        visit(&REQUEST_FINISHED),
        visit(&REQUEST_TEARING_DOWN),
    ]
    .join("\n")
}
// ANCHOR_END: failing
