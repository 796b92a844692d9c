//! HTML and the ids of headings, as mdBook 0.5 makes them.

use std::collections::HashSet;

use super::regex;

/// What the attributes of some HTML lead to.
pub(crate) fn links(html: &str) -> impl Iterator<Item = &str> {
    attributes(html, r"(?:xlink:)?href|src")
}

/// What can be led to in some HTML.
pub(crate) fn ids(html: &str) -> impl Iterator<Item = &str> {
    attributes(html, "id")
}

/// What is left of some HTML without its tags and comments.
pub(crate) fn text(html: &str) -> String {
    regex(r"(?s)<!--.*?-->|<[^>]*>")
        .replace_all(html, " ")
        .into_owned()
}

fn attributes<'a>(html: &'a str, names: &str) -> impl Iterator<Item = &'a str> {
    let attribute = format!(r#"\s(?:{names})\s*=\s*(?:"([^"]*)"|'([^']*)')"#);
    let attribute = regex(&attribute);
    let found = attribute.captures_iter(html);
    let values = found.filter_map(|found| found.get(1).or(found.get(2)));
    let values: Vec<&str> = values.map(|value| value.as_str()).collect();
    values.into_iter()
}

/// The ids of one page's headings and terms, in their order.
#[derive(Default)]
pub(crate) struct Ids(HashSet<String>);

impl Ids {
    /// Of a heading with this text; `markdown` may end with an id of its own, `{#like-this}`.
    pub(crate) fn of_heading(&mut self, text: &str, markdown: &str) -> String {
        let own = regex(r"\{[^}]*#([^}\s]+)[^}]*\}\s*$");
        if let Some(own) = own.captures(markdown) {
            return own[1].to_owned();
        }
        let id: String = text.trim().to_lowercase().chars().filter_map(fit).collect();
        let numbered = (1..).map(|number| format!("{id}-{number}"));
        let mut all = std::iter::once(id.clone()).chain(numbered);
        all.find(|id| self.0.insert(id.clone())).unwrap_or(id)
    }
}

/// What is left of a character in an id.
fn fit(ch: char) -> Option<char> {
    match ch {
        '_' | '-' => Some(ch),
        ch if ch.is_alphanumeric() => Some(ch),
        ch if ch.is_whitespace() => Some('-'),
        _ => None,
    }
}

#[test]
fn the_ids_of_headings_are_those_of_mdbook() {
    let mut ids = Ids::default();
    assert_eq!(
        ids.of_heading("`push`: what, and why", ""),
        "push-what-and-why"
    );
    assert_eq!(ids.of_heading("In Flask", ""), "in-flask");
    assert_eq!(ids.of_heading("In Flask", ""), "in-flask-1");
    assert_eq!(ids.of_heading("In Flask", ""), "in-flask-2");
    assert_eq!(
        ids.of_heading("before_request & so on", ""),
        "before_request--so-on"
    );
    assert_eq!(ids.of_heading("In Flask", "## In Flask {#there}"), "there");
}

#[test]
fn links_ids_and_text_of_html_are_found() {
    let html = r##"<a id="here" href='push.md'>x</a><img src="a.svg"><use xlink:href="#b"/>"##;
    assert_eq!(links(html).collect::<Vec<_>>(), ["push.md", "a.svg", "#b"]);
    assert_eq!(ids(html).collect::<Vec<_>>(), ["here"]);
    assert_eq!(text(html).trim(), "x");
}
