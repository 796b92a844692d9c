//! Stage 12, `Flask.process_response`: the functions that see the response, and may change it.
//!
//! First those that this request asked for, in order, then the blueprints' from the innermost out, then
//! the app's; of each owner's the last registered first. The code: `src/lifecycle.rs`. Next: `save_session.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::{
    Blueprint, Error, Response, Scaffold, SetCookie, abort, after_this_request, current_app, g,
    session,
};
use common::{DbError, Log, app, calls, fail, get, hello, subtree, tree, visit};

fn first(_response: &mut Response) {}
fn second(_response: &mut Response) {}
fn third(_response: &mut Response) {}

#[test]
fn the_last_registered_after_function_runs_first() {
    let mut app = app();
    app.after_request(first);
    app.after_request(second);
    app.after_request(third);
    app.route("/", hello);

    let (_, trace) = visit(&app, "/");

    assert_eq!(
        subtree(&trace, "Flask.process_response"),
        [
            "Flask.process_response",
            "  after_request third",
            "  after_request second",
            "  after_request first",
            "  save_session",
        ]
    );
}

#[test]
fn blueprints_come_before_the_app_and_inner_ones_before_outer_ones() {
    fn of_inner(_response: &mut Response) {}
    fn of_outer(_response: &mut Response) {}
    fn of_app(_response: &mut Response) {}
    fn asked_for(_response: &mut Response) {}
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.after_request(of_inner);
    inner.route("/", || {
        after_this_request(asked_for);
        "hello"
    });
    let mut outer = Blueprint::new("outer");
    outer.after_request(of_outer);
    outer.register_blueprint(inner);
    let mut app = app();
    app.after_request(of_app);
    app.register_blueprint(outer);

    let (_, trace) = visit(&app, "/inner/");

    assert_eq!(
        subtree(&trace, "Flask.process_response"),
        [
            "Flask.process_response",
            "  after_this_request asked_for",
            "  after_request of_inner",
            "  after_request of_outer",
            "  after_request of_app",
            "  save_session",
        ]
    );
}

#[test]
fn they_may_change_the_response_or_put_another_in_its_place() {
    let mut app = app();
    app.route("/", hello);
    app.after_request(|response: &mut Response| {
        let text = String::from_utf8_lossy(&response.get_data()?).to_uppercase();
        *response = Response::new(text);
        response.set_status(202)?;
        response.set_header("X-Shop", "open")
    });
    app.after_request(|response: &mut Response| {
        response.set_data("hello, jack");
    });
    let response = app.test_client().get("/").send().unwrap();
    assert_eq!(
        (response.status_code(), response.text().as_str()),
        (202, "HELLO, JACK")
    );
    assert_eq!(response.header("X-Shop").as_deref(), Some("open"));
    assert_eq!(response.header("Content-Length").as_deref(), Some("11"));
}

#[test]
fn another_body_has_its_own_length() {
    let mut app = app();
    app.route("/", || (Response::new("hello"), [("Content-Length", "5")]));
    app.after_request(|response: &mut Response| response.set_data("hello, jack"));
    let response = app.test_client().get("/").send().unwrap();
    assert_eq!(response.header("Content-Length").as_deref(), Some("11"));
}

#[test]
fn a_cookie_that_they_set_goes_before_the_sessions() {
    let mut app = app();
    app.route("/", || {
        session().insert("a", 1)?;
        Ok::<_, Error>("hello")
    });
    app.after_request(|response: &mut Response| {
        response.set_cookie(SetCookie::new("tea", "green").max_age(60))
    });
    let (_, headers, _) = common::call(&app, "/");
    let cookies: Vec<&str> = headers
        .get_all("Set-Cookie")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert_eq!(
        cookies[0],
        "tea=green; Expires=Tue, 14 Nov 2023 22:14:20 GMT; Max-Age=60; Path=/"
    );
    assert!(cookies[1].starts_with("session="));
}

#[test]
fn what_they_put_into_the_session_is_still_saved() {
    let mut app = app();
    app.route("/", || session().get::<i64>("n").unwrap_or(0).to_string());
    app.after_request(|_: &mut Response| {
        let n: i64 = session().get("n").unwrap_or(0);
        session().insert("n", n + 1)
    });
    let mut client = app.test_client();
    let texts = [(); 3].map(|()| client.get("/").send().unwrap().text());
    assert_eq!(texts, ["0", "1", "2"]);
}

#[test]
fn after_this_request_runs_for_this_request_only_and_in_order() {
    fn one(_response: &mut Response) {}
    fn two(_response: &mut Response) {}
    let mut app = app();
    app.route("/asks", || {
        after_this_request(one);
        after_this_request(two);
        "hello"
    });
    app.route("/", hello);
    assert_eq!(
        visit(&app, "/asks").1.hooks()[1..],
        ["after_this_request one", "after_this_request two"]
    );
    assert_eq!(visit(&app, "/").1.hooks(), ["view hello"]);
}

#[test]
fn a_function_that_this_request_asked_for_may_ask_for_another() {
    fn outer(_response: &mut Response) {
        after_this_request(inner);
    }
    fn inner(_response: &mut Response) {}
    let mut app = app();
    app.route("/", || {
        after_this_request(outer);
        "hello"
    });
    assert_eq!(
        visit(&app, "/").1.hooks()[1..],
        ["after_this_request outer", "after_this_request inner"]
    );
}

#[test]
fn after_this_request_outside_a_request_says_so_in_flasks_words() {
    let outside = carafe::error::catch(|| {
        after_this_request(first);
        Ok(())
    });
    assert_eq!(
        outside.unwrap_err().to_string(),
        "'after_this_request' can only be used when a request context is active, such as in a \
         view function."
    );
}

#[test]
fn they_run_after_an_error_that_was_handled_and_after_one_that_was_not() {
    let mut app = app();
    app.after_request(first);
    app.route("/404", || Err::<&str, _>(abort(404)));
    app.route("/fail", fail);
    for path in ["/404", "/fail", "/nowhere"] {
        let hooks = visit(&app, path).1.hooks();
        assert_eq!(hooks.last().unwrap(), "after_request first", "{path}");
    }
}

#[test]
fn they_do_not_run_where_the_error_leaves_the_app() {
    let mut app = app();
    app.config().set("TESTING", true).unwrap();
    app.after_request(first);
    app.route("/", fail);
    let (result, trace) = common::try_visit(&app, "/");
    assert!(result.is_err());
    assert_eq!(trace.hooks(), ["view fail"]);
}

#[test]
fn where_one_fails_those_reached_so_far_run_a_second_time_on_the_500() {
    fn broken(response: &mut Response) -> Result<(), Error> {
        match response.status_code() {
            200 => Err(DbError("down").into()),
            _ => Ok(()),
        }
    }
    let mut app = app();
    app.after_request(first);
    app.after_request(broken);
    app.after_request(third);
    app.route("/", hello);

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.status_code(), 500);
    assert_eq!(
        tree(&trace)[12..32],
        [
            "  Flask.full_dispatch_request raises DbError",
            "    Flask.try_trigger_before_first_request_functions",
            "    signal request_started",
            "    Flask.preprocess_request",
            "    Flask.dispatch_request",
            "      view hello",
            "    Flask.finalize_request raises DbError",
            "      Flask.make_response",
            "      Flask.process_response raises DbError",
            "        after_request third",
            "        after_request broken raises DbError",
            "  Flask.handle_exception",
            "    signal got_request_exception",
            "    Flask.finalize_request",
            "      Flask.make_response",
            "      Flask.process_response",
            "        after_request third",
            "        after_request broken",
            "        after_request first",
            "        save_session",
        ]
    );
}

#[test]
fn where_one_fails_twice_the_500_is_sent_as_it_is_and_the_session_is_not_saved() {
    fn broken(_response: &mut Response) -> Result<(), Error> {
        Err(DbError("down").into())
    }
    let mut app = app();
    app.after_request(first);
    app.after_request(broken);
    app.route("/", || {
        session().insert("a", 1)?;
        Ok::<_, Error>("hello")
    });

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.status_code(), 500);
    assert_eq!(response.header("Set-Cookie"), None);
    assert_eq!(
        calls(&trace)[2..],
        [
            "view <lambda>",
            "after_request broken raises DbError",
            "signal got_request_exception",
            "after_request broken raises DbError",
            "signal request_tearing_down",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
        ]
    );
}

#[test]
fn one_that_this_request_asked_for_runs_again_on_the_500_too() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.route("/", move || {
        let seen = seen.clone();
        after_this_request(move |response: &mut Response| {
            seen.add(response.status_code().to_string());
        });
        Err::<&str, _>(DbError("down"))
    });
    assert_eq!(get(&app, "/").0, 500);
    assert_eq!(log.take(), ["500"]);
}

#[test]
fn an_http_error_that_one_raises_is_not_handled_any_more() {
    fn forbid(response: &mut Response) -> Result<(), Error> {
        match response.status_code() {
            200 => Err(abort(403)),
            _ => Ok(()),
        }
    }
    let mut app = app();
    app.route("/", hello);
    app.after_request(forbid);
    app.errorhandler(403, |_| "never");
    assert_eq!(get(&app, "/").0, 500);
}

#[test]
fn the_contexts_are_still_there() {
    let mut app = app();
    app.route("/", || {
        g().set("user", "jack");
        "hello"
    });
    app.after_request(|response: &mut Response| {
        let user = g().get::<&str>("user").unwrap_or("nobody");
        response.set_header("X-User", user)?;
        response.set_header("X-App", current_app().name())
    });
    let response = app.test_client().get("/").send().unwrap();
    assert_eq!(response.header("X-User").as_deref(), Some("jack"));
    assert_eq!(response.header("X-App").as_deref(), Some("shop"));
}
