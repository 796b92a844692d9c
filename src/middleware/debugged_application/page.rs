//! The report as a page: one file, without a script, and nothing to be fetched.
//!
//! All text goes through [`escaped`]. Were some of it ever to get past that, the page's own policy forbids
//! the browser to run, load or send anything: of all that a page may have, it is allowed this one style.
//!
//! Read next: `page.css`, and `trace/html.rs` for the rows of the trace.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::report::{Cause, Report};
use super::text::text;
use crate::trace::{DEEPEST, escaped};

const CSS: &str = include_str!("page.css");
/// How many characters of one text are shown.
const TEXT: usize = 10_000;

/// The page's style: how far the rows of the trace are moved in, after the file.
fn style() -> String {
    let mut style = CSS.to_owned();
    for depth in 1..=DEEPEST {
        style.push_str(&format!(".d{depth}{{--d:{depth}}}\n"));
    }
    style
}

/// What the browser is told that the page may do.
pub(super) fn content_security_policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(style()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

pub(super) fn page(report: &Report<'_>) -> String {
    let mut out = String::new();
    // A String takes all that is written to it.
    _ = write(report, &mut out);
    out
}

fn write(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    let asked = report.asked;
    let (style, app) = (style(), escaped(report.app, 200));
    let method = escaped(asked.method.as_str(), 200);
    let url = escaped(&asked.url, 200);
    let title = report.causes.first().map_or_else(String::new, |cause| {
        let name = cause.name.as_deref().unwrap_or_default();
        format!("{}: {}", escaped(name, 200), escaped(&cause.message, 200))
    });
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<header>\n\
         <p class=\"request\"><strong>{method}</strong> <span>{url}</span> <em>500</em></p>\n"
    )?;
    errors(report, out)?;
    write!(out, "</header>\n<main>\n")?;
    source(report, out)?;
    let marked = report.raised.as_ref().map(|raised| raised.step);
    write!(
        out,
        "<section>\n<h2>What the request went through</h2>\n\
         <p class=\"legend\"><span><i class=\"on app\"></i> an app context is pushed</span> \
         <span><i class=\"on request\"></i> a request context is pushed</span> \
         <span><s>✗</s> ended with an error</span></p>\n\
         <ol class=\"trace\">\n{}</ol>\n</section>\n",
        report.trace.html(marked)
    )?;
    headers(report, out)?;
    write!(
        out,
        "<section>\n<details>\n<summary>All of it as plain text, to copy</summary>\n\
         <pre class=\"copy\">{}</pre>\n</details>\n</section>\n</main>\n\
         <footer><p>This page is shown because DEBUG is on for the app <b>{app}</b>. It tells everybody \
         who can reach the server how the app works inside: never turn DEBUG on in production.</p>\
         </footer>\n</body>\n</html>\n",
        // Its texts are visible and short by now; only HTML's own characters are left.
        crate::wrappers::exceptions::escape(&text(report))
    )
}

/// The error, where it was, and what caused it.
fn errors(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    let Some((error, causes)) = report.causes.split_first() else {
        return Ok(());
    };
    let name = error.name.as_deref().unwrap_or("Error");
    let message = escaped(&error.message, TEXT);
    writeln!(out, "<h1>{}</h1>", escaped(name, 200))?;
    if !message.is_empty() {
        writeln!(out, "<pre class=\"message\">{message}</pre>")?;
    }
    if let Some(raised) = &report.raised {
        let label = escaped(&raised.label, 400);
        write!(out, "<p class=\"where\">in <a href=\"#raised\">{label}</a>")?;
        if let Some((at, place)) = &raised.place {
            write!(out, ", {at} <code>{}</code>", escaped(place, 400))?;
        }
        writeln!(out, "</p>")?;
    }
    if !causes.is_empty() {
        writeln!(out, "<ol class=\"causes\">")?;
        for Cause { name, message } in causes {
            write!(out, "<li><span>caused by</span> ")?;
            if let Some(name) = name {
                write!(out, "<b>{}:</b> ", escaped(name, 200))?;
            }
            writeln!(out, "<q>{}</q></li>", escaped(message, TEXT))?;
        }
        writeln!(out, "</ol>")?;
    }
    Ok(())
}

/// Where it was made, and the lines around.
fn source(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    let Some(at) = &report.line else {
        return Ok(());
    };
    let (how, file) = (&at.how, escaped(at.file, 400));
    writeln!(
        out,
        "<section>\n<h2 class=\"how\">{how} <code>{file}:{}</code></h2>",
        at.line
    )?;
    if !report.source.is_empty() {
        write!(out, "<pre class=\"source\">")?;
        for (number, line) in &report.source {
            let class = if *number == at.line {
                " class=\"here\""
            } else {
                ""
            };
            let line = escaped(line, 400);
            write!(out, "<span{class}><i>{number}</i>{line}\n</span>")?;
        }
        writeln!(out, "</pre>")?;
    }
    writeln!(out, "</section>")
}

/// The request, as far as it may be shown.
fn headers(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    let asked = report.asked;
    writeln!(out, "<section>\n<h2>The request</h2>\n<dl>")?;
    row("method", asked.method.as_str(), out)?;
    row("path", &asked.path, out)?;
    row("url", &asked.url, out)?;
    row("protocol", &asked.protocol, out)?;
    let client = asked.client.as_deref().unwrap_or("not known");
    row("client", client, out)?;
    writeln!(out, "</dl>\n<h3>Headers</h3>\n<dl>")?;
    for (name, value) in &asked.headers {
        row(name, value, out)?;
    }
    writeln!(out, "</dl>\n</section>")
}

fn row(name: &str, value: &str, out: &mut String) -> std::fmt::Result {
    let (name, value) = (escaped(name, 200), escaped(value, TEXT));
    writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")
}
