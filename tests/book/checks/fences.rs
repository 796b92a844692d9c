//! What a page shows as code is compiled somewhere, and what it shows as output was printed.

use super::page::{Fence, Page};
use super::{Book, regex};

/// Languages in which a page may write what it likes: nothing here compiles them.
const FREE: &[&str] = &["python", "toml"];

/// How a line begins that a reader is to type.
const COMMANDS: &[&str] = &["$ ", "cargo ", "bash ", "mdbook ", "rust-gdb ", "python3 "];

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let fences = book
        .pages
        .iter()
        .flat_map(|page| page.fences.iter().map(move |it| (page, it)));
    fences
        .filter_map(|(page, fence)| Some(page.problem(fence.line, check(page, fence)?)))
        .collect()
}

fn check(page: &Page, fence: &Fence) -> Option<String> {
    let Some(info) = &fence.info else {
        return Some("an indented block is code; put it between ``` or to the left".into());
    };
    let lines = fence.logical_lines().into_iter().map(|(_, line)| line);
    let lines: Vec<String> = lines.filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return Some("a code block with nothing in it".into());
    }
    match fence.language() {
        "rust" | "rs" => check_rust(page, info, &lines),
        language if FREE.contains(&language) => None,
        _ => lines.iter().find_map(|line| check_shown(line)),
    }
}

/// Rust is included, so that it compiles.
fn check_rust(page: &Page, info: &str, lines: &[String]) -> Option<String> {
    if let Some(typed) = lines.iter().find(|line| included(line).is_none()) {
        return Some(format!(
            "Rust that no compiler saw, include it instead: {typed}"
        ));
    }
    let compiled = |file: &str| file.ends_with(".rs");
    let file = lines
        .iter()
        .filter_map(|line| included(line))
        .find(|file| !compiled(file));
    if let Some(file) = file {
        return Some(format!("{file} is no Rust"));
    }
    // A page of source code is read as `rs`, where book.toml hides the lines of the anchors.
    let wanted = match page.path.starts_with("code/") {
        true => "rs",
        false => "rust,ignore",
    };
    (info != wanted).then(|| format!("a block of Rust begins with ```{wanted}, not ```{info}"))
}

/// What was printed is included; what a reader types stands alone on its line.
fn check_shown(line: &str) -> Option<String> {
    if let Some(file) = included(line) {
        let generated = file.contains("generated/") || file.starts_with("../../");
        return (!generated).then(|| format!("{file} is neither generated nor a source"));
    }
    let environment = regex("^([A-Z_]+=[^ ]* )+");
    let command = environment.replace(line.trim_start(), "");
    let typed = COMMANDS.iter().any(|start| command.starts_with(start)) || command.starts_with('#');
    (!typed).then(|| format!("output that nothing printed, include it instead: {line}"))
}

/// The file that a line includes, where that is all there is on it.
fn included(line: &str) -> Option<&str> {
    let inner = line
        .trim()
        .strip_prefix("{{#include ")?
        .strip_suffix("}}")?;
    let inner = Some(inner.trim()).filter(|inner| !inner.contains(['{', '}', ' ']))?;
    inner.split(':').next()
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        problems(&Book::page(&format!("# Page\n\n{text}\n")))
    }

    #[test]
    fn included_code_and_output_and_commands_are_right() {
        assert_none(&found(
            "```rust,ignore\n{{#include ../../src/app.rs:a}}\n```",
        ));
        assert_none(&found("```text\n{{#include generated/a.txt}}\n```"));
        assert_none(&found(
            "```console\n$ cargo test\n{{#include generated/a.txt}}\n```",
        ));
        assert_none(&found(
            "```sh\ncargo run --example lifecycle\nUPDATE=1 cargo test\n```",
        ));
        assert_none(&found("```python\n@app.route(\"/\")\n```"));
    }

    #[test]
    fn rust_that_is_typed() {
        assert_finds(
            &found("```rust,ignore\nfn a() {}\n```"),
            "page.md:3: Rust that no compiler saw",
        );
        assert_finds(
            &found("```rust,ignore\n{{#include ../../src/app.rs:a}} // as above\n```"),
            "no compiler saw",
        );
        assert_finds(
            &found("```rust,ignore\n{{#include app.txt}}\n```"),
            "is no Rust",
        );
    }

    #[test]
    fn rust_that_mdbook_would_run() {
        assert_finds(
            &found("```rust\n{{#include ../../src/app.rs:a}}\n```"),
            "begins with",
        );
    }

    #[test]
    fn output_that_is_typed() {
        assert_finds(&found("```text\nhello\n```"), "output that nothing printed");
        assert_finds(&found("```\nhello\n```"), "output that nothing printed");
        assert_finds(
            &found("```console\n$ cargo test\nok\n```"),
            "include it instead: ok",
        );
        assert_finds(
            &found("```text\n{{#include a.txt}}\n```"),
            "neither generated",
        );
    }

    #[test]
    fn a_block_that_is_indented_or_empty() {
        assert_finds(&found("    fn a() {}"), "indented block");
        assert_finds(&found("```text\n```"), "nothing in it");
    }
}
