//! What is recorded, in what order, and that nothing is different for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use carafe::trace::{Kind, Recorder, record};
use carafe::{App, Scaffold, after_this_request, g, session};
use tracing_subscriber::layer::SubscriberExt;

use super::common::{app, assert_well_formed};

#[test]
fn a_visit_is_recorded_as_its_stages() {
    let app = app();
    let (response, trace) = record(|| app.test_client().get("/login").send());
    assert_eq!(response.unwrap().status_code(), 200);
    assert_well_formed(&trace);
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

#[test]
fn hooks_and_signals_stand_among_the_stages() {
    let app = app();
    let (_, trace) = record(|| app.test_client().get("/login").send());
    assert_eq!(
        trace.hooks(),
        [
            "before_request load_user",
            "view login",
            "after_request add_header",
            "teardown_request close",
        ]
    );
    assert_eq!(
        trace.signals(),
        [
            "appcontext_pushed",
            "request_started",
            "request_finished",
            "request_tearing_down",
            "appcontext_tearing_down",
            "appcontext_popped",
        ]
    );
    let names = trace.names();
    let from = names.iter().position(|name| name == "request_started");
    assert_eq!(
        names[from.unwrap()..][..10],
        [
            "request_started",
            "Flask.preprocess_request",
            "before_request load_user",
            "Flask.dispatch_request",
            "view login",
            "Flask.finalize_request",
            "Flask.make_response",
            "Flask.process_response",
            "after_request add_header",
            "save_session",
        ]
    );
}

#[test]
fn a_hook_stands_where_it_was_registered() {
    let mut app = App::new("shop");
    let line = line!() + 1;
    app.before_request(|| g().set("n", 1));
    app.route("/", || "hello");
    let (_, trace) = record(|| app.test_client().get("/").send());
    let hook = trace.find("before_request <lambda>").unwrap();
    assert_eq!(hook.file.as_deref(), Some(file!()));
    assert_eq!(hook.line, Some(line));
    let stage = trace.find("Flask.wsgi_app").unwrap();
    assert_eq!(stage.file.as_deref(), Some("src/lifecycle.rs"));
}

#[test]
fn each_step_shows_the_contexts_around_it() {
    let app = app();
    let (_, trace) = record(|| app.test_client().get("/login").send());
    let depths = |label: &str| {
        let step = trace.find(label).unwrap();
        (step.before.depths(), step.after.depths())
    };
    assert_eq!(depths("Flask.wsgi_app"), ((0, 0), (0, 0)));
    assert_eq!(depths("AppContext.push"), ((0, 0), (1, 0)));
    assert_eq!(depths("RequestContext.push"), ((0, 0), (1, 1)));
    assert_eq!(depths("view login"), ((1, 1), (1, 1)));
    assert_eq!(depths("AppContext.pop"), ((1, 0), (0, 0)));
    let view = trace.find("view login").unwrap();
    assert_eq!(view.before.app_contexts, ["shop"]);
    assert_eq!(view.before.request_contexts, ["GET /login"]);
    assert_eq!(view.before.g, ["user"]);
}

#[test]
fn a_step_shows_the_session_before_and_after_it() {
    let app = app();
    let (_, trace) = record(|| app.test_client().get("/login").send());
    let open = trace.find("open_session").unwrap();
    assert_eq!(open.before.session, None);
    let view = trace.find("view login").unwrap();
    let (before, after) = (&view.before.session, &view.after.session);
    let (before, after) = (before.as_ref().unwrap(), after.as_ref().unwrap());
    assert!(before.new && before.data.is_empty() && !before.modified && !before.accessed);
    assert_eq!(after.data["username"], "jack".into());
    assert!(after.modified && after.accessed);
}

#[test]
fn the_match_says_which_endpoint_it_found() {
    let app = app();
    let (_, trace) = record(|| app.test_client().get("/login").send());
    let found = trace.find("RequestContext.match_request").unwrap();
    assert_eq!(found.field("endpoint"), Some("login"));
    assert_eq!(found.field("rule"), Some("/login"));
    let (_, trace) = record(|| app.test_client().get("/nowhere").send());
    let found = trace.find("RequestContext.match_request").unwrap();
    assert_eq!(found.field("endpoint"), None);
    assert_eq!(found.field("routing_exception"), Some("NotFound"));
}

#[test]
fn an_error_is_seen_at_each_step_that_it_passes() {
    let app = app();
    let (response, trace) = record(|| app.test_client().get("/fail").send());
    assert_eq!(response.unwrap().status_code(), 500);
    assert_well_formed(&trace);
    let failed: Vec<String> = trace
        .iter()
        .filter(|step| step.error.is_some())
        .map(|step| format!("{}: {}", step.label(), step.error.as_ref().unwrap()))
        .collect();
    assert_eq!(
        failed,
        [
            "Flask.full_dispatch_request: ValueError: no such cart",
            "Flask.dispatch_request: ValueError: no such cart",
            "view fail: ValueError: no such cart",
            "Flask.handle_user_exception: ValueError: no such cart",
        ]
    );
    let log = trace.iter().find(|step| step.kind == Kind::Log).unwrap();
    assert_eq!(log.name, "Exception on /fail [GET]");
    assert_eq!(log.field("level"), Some("ERROR"));
}

#[test]
fn a_handled_error_ends_where_it_was_handled() {
    let mut app = app();
    app.errorhandler_for(|_: &carafe::error::PyError| ("sorry", 400));
    let (response, trace) = record(|| app.test_client().get("/fail").send());
    assert_eq!(response.unwrap().text(), "sorry");
    let error = |label: &str| trace.find(label).unwrap().error.clone();
    assert!(error("view fail").is_some());
    assert_eq!(error("Flask.handle_user_exception"), None);
    assert_eq!(error("errorhandler <lambda>"), None);
    assert_eq!(error("Flask.full_dispatch_request"), None);
}

#[test]
fn a_view_that_panics_leaves_the_trace_whole() {
    let app = app();
    let mut client = app.test_client();
    let (responses, trace) = record(|| {
        [
            client.get("/explode").send().unwrap().status_code(),
            client.get("/login").send().unwrap().status_code(),
        ]
    });
    assert_eq!(responses, [500, 200]);
    assert_well_formed(&trace);
    let view = trace.find("view explode").unwrap();
    assert_eq!(view.error.as_deref(), Some("panicked"));
    let stage = trace.find("Flask.full_dispatch_request").unwrap();
    assert_eq!(stage.error.as_deref(), Some("Panic: the floor is gone"));
    let roots: Vec<_> = trace.iter().filter(|step| step.depth == 0).collect();
    assert_eq!(roots.len(), 2);
    assert!(roots.iter().all(|root| root.after.depths() == (0, 0)));
}

#[test]
fn a_panic_through_a_recording_leaves_the_trace_whole() {
    let app = app();
    let recorder = Recorder::new();
    let subscriber = tracing_subscriber::registry().with(recorder.layer());
    let result = catch_unwind(AssertUnwindSafe(|| {
        tracing::subscriber::with_default(subscriber, || {
            let ctx = app.test_request_context("/").unwrap();
            ctx.with(|| panic!("in the middle")).unwrap();
        });
    }));
    assert!(result.is_err());
    let trace = recorder.take();
    assert_well_formed(&trace);
    assert!(trace.find("Flask.do_teardown_appcontext").is_some());
    // Nothing of it is left over for the next recording on this thread.
    let (_, trace) = record(|| app.test_client().get("/login").send());
    let first = &trace.steps()[0];
    assert_eq!((first.depth, first.before.depths()), (0, (0, 0)));
}

#[test]
fn a_recording_that_is_taken_in_the_middle_is_whole() {
    let recorder = Recorder::new();
    let mut app = App::new("shop");
    let (inner, first_half) = (recorder.clone(), Arc::new(Mutex::new(None)));
    let taken = Arc::clone(&first_half);
    app.route("/", move || {
        *taken.lock().unwrap() = Some(inner.take());
        "hello"
    });
    let subscriber = tracing_subscriber::registry().with(recorder.layer());
    tracing::subscriber::with_default(subscriber, || app.test_client().get("/").send()).unwrap();
    let first_half = first_half.lock().unwrap().take().unwrap();
    assert_well_formed(&first_half);
    assert_eq!(first_half.names().last().unwrap(), "view <lambda>");
    let second_half = recorder.take();
    assert_well_formed(&second_half);
    assert_eq!(second_half.names()[0], "Flask.finalize_request");
}

#[test]
fn a_recording_that_is_taken_in_the_middle_tells_nothing_that_is_still_to_come() {
    let recorder = Recorder::new();
    let mut app = app();
    let (inner, shown) = (recorder.clone(), Arc::new(Mutex::new(None)));
    let taken = Arc::clone(&shown);
    app.after_request(move |_response| {
        let here = inner.take();
        *taken.lock().unwrap() = Some(here);
    });
    let subscriber = tracing_subscriber::registry().with(recorder.layer());
    tracing::subscriber::with_default(subscriber, || app.test_client().get("/login").send())
        .unwrap();
    let trace = shown.lock().unwrap().take().unwrap();
    let whole = trace.find("Flask.wsgi_app").unwrap();
    assert_eq!(whole.after.depths(), (1, 1));
    assert!(whole.after.session().unwrap().contains_key("username"));
    assert!(!trace.to_string().contains("pops"), "{trace}");
}

#[test]
fn a_recording_that_another_thread_takes_in_the_middle_ends_where_it_was_last_seen() {
    let recorder = Recorder::new();
    let (mut app, inner) = (app(), recorder.clone());
    let shown = Arc::new(Mutex::new(None));
    let taken = Arc::clone(&shown);
    app.after_request(move |_response| {
        let elsewhere = inner.clone();
        let trace = std::thread::spawn(move || elsewhere.take()).join().unwrap();
        *taken.lock().unwrap() = Some(trace);
    });
    let subscriber = tracing_subscriber::registry().with(recorder.layer());
    tracing::subscriber::with_default(subscriber, || app.test_client().get("/login").send())
        .unwrap();
    let trace = shown.lock().unwrap().take().unwrap();
    assert_eq!(trace.find("Flask.wsgi_app").unwrap().after.depths(), (1, 1));
}

#[test]
fn contexts_inside_of_contexts_are_seen_on_both_stacks() {
    let mut app = App::new("outer");
    app.config().set_secret_key("adavafa");
    let other = App::new("other");
    let inner = other.clone();
    app.route("/", move || {
        inner.app_context().with(|| g().set("n", 1))?;
        let ctx = inner.test_request_context("/inner?x=1")?;
        ctx.with(|| tracing::info!("here"))?;
        Ok::<_, carafe::Error>("done")
    });
    let (_, trace) = record(|| app.test_client().get("/").send());
    assert_well_formed(&trace);
    let here = trace.find("here").unwrap();
    assert_eq!(here.kind, Kind::Log);
    assert_eq!(here.before.app_contexts, ["outer", "other"]);
    assert_eq!(here.before.request_contexts, ["GET /", "GET /inner"]);
    assert!(here.before.session.as_ref().unwrap().null);
    assert_eq!(trace.find("view <lambda>").unwrap().after.depths(), (1, 1));
}

#[test]
fn a_session_in_use_is_shown_as_it_last_was() {
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    app.route("/", || {
        session().insert("n", 1)?;
        tracing::info!("before");
        session().update(|data| {
            data.clear();
            tracing::info!("within");
        })?;
        Ok::<_, carafe::Error>("done")
    });
    let (_, trace) = record(|| app.test_client().get("/").send());
    let within = trace.find("within").unwrap();
    assert_eq!(within.before.session().unwrap()["n"], 1.into());
    let view = trace.find("view <lambda>").unwrap();
    assert!(view.after.session().unwrap().is_empty());
}

#[test]
fn a_recorded_visit_is_answered_like_any_other() {
    fn visits() -> Vec<String> {
        let mut app = app();
        app.route("/untouched", || "hello");
        app.route("/later", || {
            after_this_request(|response| response.set_header("X-Later", "yes"));
            "hello"
        });
        let mut client = app.test_client();
        let paths = ["/untouched", "/login", "/later", "/fail", "/explode", "/no"];
        paths
            .iter()
            .map(|path| {
                let response = client.get(path).send().unwrap();
                let headers = response.headers();
                format!("{} {headers:?} {}", response.status_code(), response.text())
            })
            .collect()
    }
    let plain = visits();
    let (recorded, trace) = record(visits);
    assert_eq!(plain, recorded);
    // Looking at a session is no access: this one's answer does not vary by cookie.
    assert!(!recorded[0].contains("vary"), "{}", recorded[0]);
    assert!(recorded[1].contains("vary"), "{}", recorded[1]);
    assert!(!trace.steps().is_empty());
}

#[test]
fn an_observer_hears_each_step_as_it_happens() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&heard);
    let recorder = Recorder::new().observe(move |moment, step| {
        if matches!(step.kind, Kind::Hook | Kind::Signal) {
            let text = format!("{moment:?} {}", step.label());
            sink.lock().unwrap().push(text);
        }
    });
    let app = app();
    let subscriber = tracing_subscriber::registry().with(recorder.layer());
    tracing::subscriber::with_default(subscriber, || app.test_client().get("/login").send())
        .unwrap();
    assert_eq!(
        heard.lock().unwrap()[..6],
        [
            "Enter appcontext_pushed",
            "Enter request_started",
            "Enter before_request load_user",
            "Exit before_request load_user",
            "Enter view login",
            "Exit view login",
        ]
    );
}

#[test]
fn a_span_that_outlives_the_one_around_it_ends_with_it() {
    let (_, trace) = record(|| {
        let outer = tracing::info_span!("outer").entered();
        let inner = tracing::info_span!("inner").entered();
        drop(outer);
        tracing::info!("after outer");
        drop(inner);
        tracing::info!("after inner");
    });
    assert_well_formed(&trace);
    let depths: Vec<_> = trace.iter().map(|s| (s.depth, s.name.as_str())).collect();
    let expected = [
        (0, "outer"),
        (1, "inner"),
        (0, "after outer"),
        (0, "after inner"),
    ];
    assert_eq!(depths, expected);
}

#[test]
fn a_span_of_the_apps_own_is_a_step_too() {
    let mut app = App::new("shop");
    app.route("/", || {
        let span = tracing::info_span!("query", table = "carts", rows = tracing::field::Empty);
        span.in_scope(|| span.record("rows", 3));
        "done"
    });
    let (_, trace) = record(|| app.test_client().get("/").send());
    assert_well_formed(&trace);
    let query = trace.find("query").unwrap();
    assert_eq!(query.kind, Kind::Span);
    assert_eq!(query.field("table"), Some("carts"));
    assert_eq!(query.field("rows"), Some("3"));
}
