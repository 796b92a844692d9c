//! For the chapter on contexts.

use carafe::context::{APP_CTX_STACK, REQUEST_CTX_STACK};
use carafe::{
    App, Error, Scaffold, current_app, g, has_app_context, has_request_context, request, trace,
};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("contexts/job", job),
    ("contexts/nested", nested),
    ("contexts/again", again),
    ("contexts/wrong", wrong),
];

/// A tree without its right column: where the functions stand is not what it is shown for.
fn without_places(tree: &str) -> String {
    let lines = tree.lines().map(|line| match line.rsplit_once("  ") {
        Some((left, place)) if place.contains(".rs:") => left.trim_end(),
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

// ANCHOR: job
fn close_database(_error: Option<&Error>) {}

/// No view: a job that runs at night.
fn count_stock() -> String {
    g().set("database", "open");
    let name = current_app().name().to_owned();
    format!("stock of {name}; in a request: {}", has_request_context())
}

fn job() -> String {
    let mut app = App::new("shop");
    app.teardown_appcontext(close_database);

    let (report, trace) = trace::record(|| app.app_context().with(count_stock));
    let tree = without_places(&trace.tree().to_string());
    format!("{}\n\n{tree}", report.unwrap())
}
// ANCHOR_END: job

// ANCHOR: nested
/// What is current, and how high the two stacks are.
fn look() -> String {
    let (a, r) = (APP_CTX_STACK.len(), REQUEST_CTX_STACK.len());
    let (app, path) = (current_app(), request().path().to_owned());
    format!("A {a}  R {r}  {} {path}", app.name())
}

fn nested() -> String {
    let mut blog = App::new("blog");
    blog.route("/news", look);

    let mut shop = App::new("shop");
    shop.route("/prices", look);
    shop.route("/", move || {
        let ask = |app: &App, path| app.test_client().get(path).send().unwrap().text();
        let before = look();
        let own = ask(&current_app(), "/prices");
        let other = ask(&blog, "/news");
        [before, own, other, look()].join("\n")
    });
    shop.test_client().get("/").send().unwrap().text()
}
// ANCHOR_END: nested

// ANCHOR: again
fn again() -> String {
    let mut app = App::new("shop");
    app.teardown_appcontext(close_database);
    let ctx = app.app_context();

    let ((), trace) = trace::record(|| {
        ctx.push().unwrap();
        ctx.push().unwrap();
        ctx.pop(None).unwrap();
        ctx.pop(None).unwrap();
    });
    without_places(&trace.tree().to_string())
}
// ANCHOR_END: again

// ANCHOR: wrong
fn wrong() -> String {
    let (shop, blog) = (App::new("shop"), App::new("blog"));
    let (first, second) = (shop.app_context(), blog.app_context());
    first.push().unwrap();
    second.push().unwrap();

    let error = first.pop(None).unwrap_err(); // The second one is on top.
    let left = has_app_context();
    format!("{error}\nis one still there: {left}")
}
// ANCHOR_END: wrong
