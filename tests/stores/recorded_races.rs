//! Two requests on one session of Flask-Session, of which one is slow: recorded for the book.
//!
//! The same races as `tests/book/demos/races.rs` has with Carafe, in `book/src/generated/wire/races`.

use serde_json::{Value as Json, json};

use crate::expect::expect_file;
use crate::python::Python;
use crate::redis::url;
use crate::servers;

#[test]
fn two_requests_on_one_session_of_flask_session() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let (variable, script) = ("CARAFE_FLASK_SESSION_PYTHON", "stores/flask_race.py");
    let Some(mut flask) = Python::start_as(variable, "flask-session", script, "races") else {
        return;
    };
    flask.ask(&json!(url(&server.address())).to_string());
    let mut lines = Vec::new();
    for refresh in [true, false] {
        let word = if refresh { "True" } else { "False" };
        lines.push(format!("SESSION_REFRESH_EACH_REQUEST = {word}"));
        for slow in ["/look", "/set/red"] {
            for quick in ["/set/large", "/logout"] {
                let answer = flask.ask(&json!([slow, quick, refresh]).to_string());
                let answer: Json = serde_json::from_str(&answer).unwrap();
                assert_eq!(answer["statuses"], json!([200, 200]));
                let left = answer["session"].as_str().unwrap();
                lines.push(format!("  {slow:<9} while {quick:<11} leaves {left}"));
            }
        }
    }
    let file = "book/src/generated/wire/races/flask_session.txt";
    expect_file(file, &lines.join("\n"));
}
