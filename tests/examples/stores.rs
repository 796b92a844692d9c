//! `--store`: what a session's store is asked, and what it answers.

use serde_json::Value;

use super::lifecycle::step::Output;
use super::stepper::stops;
use super::{Written, lifecycle, lines, parsed, typed};

/// What `--store` prints of a visit's calls of the store, without the id.
fn stored(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").filter(|part| part.starts_with("store "));
    let lines = parts
        .flat_map(str::lines)
        .map(|line| match line.split_once(" session:") {
            Some((before, id)) => {
                assert!(id.chars().count() == 7 && id.ends_with('…'), "{id:?}");
                format!("{before} session:...")
            }
            None => line.to_owned(),
        });
    lines.collect()
}

#[test]
fn a_store_s_commands_and_bytes_are_shown_with_what_they_say() {
    let text = lifecycle(&["--store", "memory:"]);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    let stored = stored(&text);
    assert_eq!(
        stored[..10],
        [
            "store           memory, in save_session: Store.set",
            "  command       set for 2678400 s",
            "  key           session:...",
            "  lifetime      2678400 seconds",
            "  sent          \\x82\\xaa_permanent\\xc3\\xa8username\\xa4jack",
            "                {\"_permanent\":true,\"username\":\"jack\"}  (27 bytes of msgpack)",
            "store           memory, in open_session: Store.get",
            "  command       get",
            "  key           session:...",
            "  found         \\x82\\xaa_permanent\\xc3\\xa8username\\xa4jack",
        ]
    );
    assert_eq!(
        text.matches("(random: the session itself is in the store")
            .count(),
        5
    );
    assert!(text.contains("└─ memory touch for 2678400 s"), "{text}");
    assert!(
        text.contains("· new session: {\"_permanent\":true}\n"),
        "{text}"
    );
    assert!(!text.contains("signature"), "{text}");
}

#[test]
fn a_program_gets_a_store_s_calls_too() {
    let text = lifecycle(&["--store", "memory:", "--format", "json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    let steps = document["visits"][1]["steps"].as_array().unwrap();
    let get = steps
        .iter()
        .find(|step| step["name"] == "Store.get")
        .unwrap();
    assert_eq!(get["kind"], "store");
    assert_eq!(get["store_call"]["answer"]["format"], "msgpack");
    assert_eq!(
        get["store_call"]["answer"]["text"],
        "{\"_permanent\":true,\"username\":\"jack\"}"
    );
    let shown = &document["sources"][get["implementation"].as_str().unwrap()];
    assert_eq!(shown["file"], "src/session/store/memory.rs");
    assert!(shown["lines"].to_string().contains("show_command"));
    let command = steps.iter().find(|step| step["kind"] == "command").unwrap();
    assert_eq!(command["label"], "memory get");
    assert!(command["at"].is_number());
    let open = steps
        .iter()
        .find(|step| step["name"] == "open_session")
        .unwrap();
    let shown = &document["sources"][open["implementation"].as_str().unwrap()];
    assert_eq!(shown["file"], "src/session/server_side.rs");
    assert_eq!(open["cookies"][0]["is_id"], true);

    let diagrams = lifecycle(&["--store", "memory:", "--format", "mermaid"]);
    assert!(diagrams.contains("participant Store as the store"));
    assert!(diagrams.contains("Session->>Store: get\n"));
    assert!(diagrams.contains("Note over Store: memory get\n"));
    assert!(!lifecycle(&["--format", "mermaid"]).contains("Store"));
}

#[test]
fn the_stepper_stops_at_a_store_s_calls_and_commands() {
    let text = typed(
        &["--store", "memory:", "--step"],
        "\n".repeat(400).leak(),
        false,
    );
    let stops = stops(&text);
    let at = stops.iter().position(|stop| *stop == "Store.set").unwrap();
    assert_eq!(stops[at + 1], "memory set for 2678400 s");
    assert!(text.contains("key                session:"), "{text}");
}

#[test]
fn a_store_that_cannot_be_had_is_said_before_any_visit() {
    let output = Output::new(Written::default());
    let options = parsed(&["--store", "memroy:"]);
    let error = lifecycle::run(&options, lines(""), output, false).unwrap_err();
    assert!(error.to_string().contains("the nearest is \"memory\""));
}
