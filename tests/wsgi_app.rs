//! Stage 1, `Flask.wsgi_app`: the whole request, from the server's call to the body it gets back.
//!
//! The code: `src/lifecycle.rs`, `wsgi_app`. Next: `request_context.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::wrappers::EnvironBuilder;
use carafe::wsgi::{Environ, StartResponse, WsgiApp};
use carafe::{App, Error, Scaffold, has_app_context, has_request_context, session};
use common::{app, call, explode, fail, hello, record, subtree, tree, try_visit, visit};

#[test]
fn a_request_goes_through_all_stages_in_this_order() {
    fn before_first() {}
    fn close_db(_error: Option<&Error>) {}
    let mut app = app();
    app.before_first_request(before_first);
    app.before_request(common::before);
    app.route("/", hello);
    app.after_request(common::after);
    app.teardown_request(common::teardown);
    app.teardown_appcontext(close_db);

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.text(), "hello");
    assert_eq!(
        tree(&trace),
        [
            "Flask.wsgi_app",
            "  Flask.request_context",
            "    RequestContext.__init__",
            "      Flask.create_url_adapter",
            "  RequestContext.push",
            "    Flask.app_context",
            "      AppContext.__init__",
            "        Flask.create_url_adapter",
            "    AppContext.push",
            "      signal appcontext_pushed",
            "    open_session",
            "    RequestContext.match_request",
            "  Flask.full_dispatch_request",
            "    Flask.try_trigger_before_first_request_functions",
            "      before_first_request before_first",
            "    signal request_started",
            "    Flask.preprocess_request",
            "      before_request before",
            "    Flask.dispatch_request",
            "      view hello",
            "    Flask.finalize_request",
            "      Flask.make_response",
            "      Flask.process_response",
            "        after_request after",
            "        save_session",
            "      signal request_finished",
            "  Flask.should_ignore_error",
            "  RequestContext.auto_pop",
            "    RequestContext.pop",
            "      Flask.do_teardown_request",
            "        teardown_request teardown",
            "        signal request_tearing_down",
            "      AppContext.pop",
            "        Flask.do_teardown_appcontext",
            "          teardown_appcontext close_db",
            "          signal appcontext_tearing_down",
            "        signal appcontext_popped",
        ]
    );
}

#[test]
fn an_unhandled_error_takes_a_second_way_to_a_response() {
    let mut app = app();
    app.route("/", fail);
    app.after_request(common::after);
    app.teardown_request(common::teardown);

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.status_code(), 500);
    assert_eq!(
        tree(&trace)[12..],
        [
            "  Flask.full_dispatch_request raises DbError",
            "    Flask.try_trigger_before_first_request_functions",
            "    signal request_started",
            "    Flask.preprocess_request",
            "    Flask.dispatch_request raises DbError",
            "      view fail raises DbError",
            "    Flask.handle_user_exception raises DbError",
            "  Flask.handle_exception",
            "    signal got_request_exception",
            "    Flask.finalize_request",
            "      Flask.make_response",
            "      Flask.process_response",
            "        after_request after",
            "        save_session",
            "      signal request_finished",
            "  Flask.should_ignore_error",
            "  RequestContext.auto_pop",
            "    RequestContext.pop",
            "      Flask.do_teardown_request",
            "        teardown_request teardown",
            "        signal request_tearing_down",
            "      AppContext.pop",
            "        Flask.do_teardown_appcontext",
            "          signal appcontext_tearing_down",
            "        signal appcontext_popped",
        ]
    );
}

#[test]
fn an_error_that_leaves_the_app_leaves_no_context_behind() {
    let mut app = app();
    app.config().set("TESTING", true).unwrap();
    app.route("/", fail);

    let (result, trace) = try_visit(&app, "/");

    assert_eq!(result.unwrap_err().type_name(), "DbError");
    assert!(!has_app_context() && !has_request_context());
    let last = trace.steps().last().unwrap();
    assert_eq!(last.name, "appcontext_popped");
    assert_eq!(last.after.depths(), (0, 0));
}

#[test]
fn the_contexts_are_there_from_the_push_to_the_pop_and_no_longer() {
    let mut app = app();
    app.route("/", hello);

    let (_, trace) = visit(&app, "/");

    let depths = |name: &str| {
        let step = trace.find(name).unwrap();
        (step.before.depths(), step.after.depths())
    };
    assert_eq!(depths("Flask.request_context"), ((0, 0), (0, 0)));
    assert_eq!(depths("AppContext.push"), ((0, 0), (1, 0)));
    assert_eq!(depths("RequestContext.push"), ((0, 0), (1, 1)));
    assert_eq!(depths("Flask.full_dispatch_request"), ((1, 1), (1, 1)));
    assert_eq!(depths("Flask.do_teardown_request"), ((1, 1), (1, 1)));
    assert_eq!(depths("AppContext.pop"), ((1, 0), (0, 0)));
    assert_eq!(depths("Flask.wsgi_app"), ((0, 0), (0, 0)));
}

#[test]
fn the_server_gets_status_and_headers_before_the_body() {
    let mut app = app();
    app.route("/", hello);

    let (status, headers, body) = call(&app, "/");

    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["content-length"], "5");
    assert_eq!(body.into_bytes().unwrap(), "hello");
}

#[test]
fn start_response_is_called_once_even_where_the_first_answer_failed() {
    let mut app = app();
    app.route("/", explode);
    let mut statuses = Vec::new();

    let environ = EnvironBuilder::new("/").build().unwrap();
    let mut start_response = |status: http::StatusCode, _| statuses.push(status.as_u16());
    app.wsgi_app(environ, &mut start_response).unwrap();

    assert_eq!(statuses, [500]);
}

#[test]
fn a_request_that_is_served_inside_another_leaves_the_outer_one_in_place() {
    fn outer() -> String {
        session().insert("outer", true).unwrap();
        let inner = carafe::current_app().test_client().get("/inner").send();
        format!(
            "{} inside {}, {}",
            inner.unwrap().text(),
            carafe::request().path(),
            session().contains_key("outer")
        )
    }
    fn inner() -> String {
        let empty = session().is_empty();
        format!("{} {empty}", carafe::request().path())
    }
    let mut app = app();
    app.route("/outer", outer);
    app.route("/inner", inner);

    let (response, trace) = visit(&app, "/outer");

    assert_eq!(response.text(), "/inner true inside /outer, true");
    // The app context of the outer request serves the inner one too.
    assert_eq!(
        subtree(&trace, "view outer")[1..8],
        [
            "  Flask.wsgi_app",
            "    Flask.request_context",
            "      RequestContext.__init__",
            "        Flask.create_url_adapter",
            "    RequestContext.push",
            "      open_session",
            "      RequestContext.match_request",
        ]
    );
    assert_eq!(trace.find("view inner").unwrap().before.depths(), (1, 2));
}

#[test]
fn requests_on_several_threads_do_not_see_each_other() {
    let mut app = app();
    app.route("/<int:n>", |n: u64| {
        carafe::g().set("n", n);
        std::thread::yield_now();
        let path = carafe::request().path().to_owned();
        format!("{path} {:?}", carafe::g().get::<u64>("n"))
    });
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let app = &app;
            scope.spawn(move || {
                for n in (0..200).map(|n| n * 4 + thread) {
                    let response = app.test_client().get(&format!("/{n}")).send().unwrap();
                    assert_eq!(response.text(), format!("/{n} Some({n})"));
                }
            });
        }
    });
}

#[test]
fn an_app_without_a_secret_key_gets_a_null_session_that_is_not_saved() {
    let mut app = App::new("shop");
    app.route("/", hello);

    let (_, trace) = visit(&app, "/");

    assert_eq!(
        subtree(&trace, "RequestContext.push")[6..],
        [
            "  open_session",
            "  make_null_session",
            "  RequestContext.match_request",
        ]
    );
    assert_eq!(
        subtree(&trace, "Flask.process_response"),
        ["Flask.process_response"]
    );
}

#[test]
fn an_app_is_a_wsgi_app_that_another_can_hold() {
    let mut app = app();
    app.route("/", hello);
    let held: Box<dyn WsgiApp> = Box::new(app);

    let environ: Environ = EnvironBuilder::new("/").build().unwrap();
    let mut status = None;
    let start_response: &mut dyn StartResponse =
        &mut |code: http::StatusCode, _: http::HeaderMap| status = Some(code);
    let (body, trace) = record(|| held.call(environ, start_response));

    assert_eq!(body.unwrap().into_bytes().unwrap(), "hello");
    assert_eq!(status.map(|code| code.as_u16()), Some(200));
    assert_eq!(trace.stages()[0], (0, "Flask.wsgi_app"));
}
