//! The trace itself: what a recording holds, and that recording changes nothing.
#![allow(clippy::unwrap_used)]

use carafe::{App, Scaffold, g, session, trace};

fn load_user() {
    g().set("user", 1);
}

fn login() -> Result<&'static str, carafe::Error> {
    session().insert("username", "jack")?;
    Ok("welcome")
}

fn app() -> App {
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    app.before_request(load_user);
    app.route("/login", login);
    app
}

#[test]
fn a_visit_is_recorded_as_its_stages() {
    let app = app();
    let (response, trace) = trace::record(|| app.test_client().get("/login").send());
    assert_eq!(response.unwrap().status_code(), 200);
    assert_eq!(
        trace.stages(),
        [
            (0, "Flask.wsgi_app"),
            (1, "Flask.request_context"),
            (2, "RequestContext.__init__"),
            (3, "Flask.create_url_adapter"),
            (1, "RequestContext.push"),
            (2, "Flask.app_context"),
            (3, "AppContext.__init__"),
            (4, "Flask.create_url_adapter"),
            (2, "AppContext.push"),
            (2, "open_session"),
            (2, "RequestContext.match_request"),
            (1, "Flask.full_dispatch_request"),
            (2, "Flask.try_trigger_before_first_request_functions"),
            (2, "Flask.preprocess_request"),
            (2, "Flask.dispatch_request"),
            (2, "Flask.finalize_request"),
            (3, "Flask.make_response"),
            (3, "Flask.process_response"),
            (4, "save_session"),
            (1, "Flask.should_ignore_error"),
            (1, "RequestContext.auto_pop"),
            (2, "RequestContext.pop"),
            (3, "Flask.do_teardown_request"),
            (3, "AppContext.pop"),
            (4, "Flask.do_teardown_appcontext"),
        ]
    );
}
