//! Every link leads to a page of the book or a file beside it, and every fragment to a place there.

use super::files::resolve;
use super::page::Page;
use super::{Book, SRC, markup, regex};

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let mut problems = Vec::new();
    for page in &book.pages {
        let from_markup = included_markup(book, page).flat_map(|(line, html)| {
            let links = markup::links(html);
            links.map(move |link| (line, link.to_owned()))
        });
        let own = page.links.iter().map(|link| (link.line, link.text.clone()));
        for (line, link) in own.chain(from_markup) {
            if let Err(what) = check(book, page, &link) {
                problems.push(page.problem(line, what));
            }
        }
        problems.extend(undefined_references(page));
    }
    problems
}

/// The SVG and HTML that a page includes, and the lines on which it does.
fn included_markup<'a>(book: &'a Book, page: &'a Page) -> impl Iterator<Item = (usize, &'a str)> {
    let outside = page.includes.iter().filter(|include| !include.in_fence);
    outside.filter_map(|include| {
        let html = book.files.get(include.file.as_deref()?)?;
        Some((include.line, html))
    })
}

fn check(book: &Book, page: &Page, link: &str) -> Result<(), String> {
    let scheme = regex("^[A-Za-z][A-Za-z0-9+.-]*:");
    if scheme.is_match(link) {
        return check_absolute(link);
    }
    let (path, fragment) = match link.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment)),
        None => (link, None),
    };
    if path.starts_with('/') || path.contains(['?', ' ']) {
        return Err(format!("{link} is no relative path"));
    }
    let target = if path.is_empty() {
        page
    } else {
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let target =
            resolve(folder, path).ok_or_else(|| format!("{link} leads out of the book"))?;
        if !target.ends_with(".md") {
            return match (book.files.has(&format!("{SRC}{target}")), fragment) {
                (false, _) => Err(format!("{link}: there is no file {SRC}{target}")),
                (true, None) => Ok(()),
                (true, Some(_)) => Err(format!("{link}: a fragment of what is no page")),
            };
        }
        if !book.summary.iter().any(|entry| entry.path == target) {
            return Err(format!("{link}: there is no page {target} in SUMMARY.md"));
        }
        let pages = &mut book.pages.iter();
        pages
            .find(|page| page.path == target)
            .ok_or_else(|| format!("{link}: there is no {target}"))?
    };
    match fragment {
        Some(fragment) if !leads_somewhere(book, target, fragment) => {
            Err(format!("{link}: {} has no #{fragment}", target.path))
        }
        _ => Ok(()),
    }
}

/// The web itself is not asked: a test that needs it would fail with it.
fn check_absolute(link: &str) -> Result<(), String> {
    let form = regex(r"^https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[^\s<>]*)?$");
    if form.is_match(link) {
        Ok(())
    } else {
        Err(format!(
            "{link} is no address of the form https://host/path"
        ))
    }
}

fn leads_somewhere(book: &Book, page: &Page, fragment: &str) -> bool {
    page.headings.iter().any(|heading| heading.id == fragment)
        || page.ids.iter().any(|id| id == fragment)
        || included_markup(book, page).any(|(_, html)| markup::ids(html).any(|id| id == fragment))
        || is_step(book, page, fragment)
}

/// Whether this is a moment of a trace that the page plays: `#step=12` is the first player's,
/// `#http_error.step=12` the one's of that name.
fn is_step(book: &Book, page: &Page, fragment: &str) -> bool {
    let Some(found) = regex(r"^(?:([\w-]+)\.)?step=(\d+)$").captures(fragment) else {
        return false;
    };
    let player = format!(
        "<carafe-stepper name=\"{}",
        found.get(1).map_or("", |name| name.as_str())
    );
    let mut players = included_markup(book, page)
        .map(|(_, html)| html)
        .filter(|html| html.contains("<carafe-stepper"));
    let Some(html) = players.find(|html| html.contains(&player)) else {
        return false;
    };
    let moments = html.matches("\"say\":").count();
    found[2]
        .parse()
        .is_ok_and(|step| (1..=moments).contains(&step))
}

/// `[words][name]` without a `[name]: where` is text, with its brackets.
fn undefined_references(page: &Page) -> Vec<String> {
    let reference = regex(r"\[[^\[\]]+\]\[[^\[\]]*\]");
    let code = regex("`[^`]*`");
    let defined = regex(r"(?m)^\s{0,3}\[([^\]]+)\]:");
    let names: Vec<String> = defined
        .captures_iter(&page.text)
        .map(|name| name[1].to_lowercase())
        .collect();
    let mut problems = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        if page.is_code(index + 1) {
            continue;
        }
        for found in reference.find_iter(&code.replace_all(line, "")) {
            let inner = found.as_str().trim_matches(['[', ']']);
            let (words, name) = inner.split_once("][").unwrap_or((inner, ""));
            let name = if name.is_empty() { words } else { name };
            if !names.contains(&name.to_lowercase()) {
                let what = format!("{} is defined nowhere", found.as_str());
                problems.push(page.problem(index + 1, what));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        problems(&Book::with(&[
            (
                "book/src/SUMMARY.md",
                "- [Page](page.md)\n- [App](code/src/app.md)\n- [Gone](gone.md)\n",
            ),
            (
                "book/src/page.md",
                &format!("# Page\n\n## In Flask\n\n## In Flask\n\n{text}\n"),
            ),
            ("book/src/code/src/app.md", "# app.rs\n"),
            ("book/src/unlisted.md", "# Unlisted\n"),
            ("book/src/figures/stack.svg", "<svg id=\"stack\"></svg>"),
            (
                "book/src/steps.html",
                "<carafe-stepper name=\"first\">{\"say\":1},{\"say\":2}</carafe-stepper>",
            ),
            (
                "book/src/figures/broken.svg",
                "<svg><use href=\"#nothing\"/></svg>",
            ),
            ("src/app.rs", "//! App.\n"),
        ]))
    }

    #[test]
    fn what_leads_somewhere_is_right() {
        for link in [
            "[a](page.md)",
            "[a](page.md#in-flask-1)",
            "[a](#in-flask)",
            "[a](code/src/app.md#apprs)",
            "![a](figures/stack.svg)",
            "<a href=\"code/src/app.md\">a</a>",
            "<a id=\"here\"></a> [a](#here)",
            "[a][b]\n\n[b]: page.md",
            "[a](https://flask.palletsprojects.com/en/stable/)",
            "{{#include figures/stack.svg}}\n\n[a](#stack)",
            "{{#include steps.html}}\n\n[a](#step=1) [a](#first.step=2)",
            "`a[0][1]`",
        ] {
            assert_none(&found(link));
        }
    }

    #[test]
    fn a_page_that_is_not_there_or_not_built() {
        assert_finds(
            &found("[a](push.md)"),
            "page.md:7: push.md: there is no page push.md",
        );
        assert_finds(
            &found("[a](unlisted.md)"),
            "no page unlisted.md in SUMMARY.md",
        );
        assert_finds(&found("[a](gone.md)"), "there is no gone.md");
        assert_finds(&found("[a][b]\n\n[b]: push.md"), "no page push.md");
        assert_finds(&found("<a href='push.md'>a</a>"), "no page push.md");
    }

    #[test]
    fn a_fragment_that_is_not_there() {
        assert_finds(&found("[a](#in-flask-2)"), "page.md has no #in-flask-2");
        assert_finds(
            &found("[a](code/src/app.md#L3)"),
            "code/src/app.md has no #L3",
        );
        assert_finds(&found("[a](#step=1)"), "has no #step=1");
        assert_finds(
            &found("{{#include steps.html}}\n\n[a](#step=3)"),
            "has no #step=3",
        );
        assert_finds(
            &found("{{#include steps.html}}\n\n[a](#last.step=1)"),
            "has no #last.step=1",
        );
        assert_finds(&found("{{#include figures/broken.svg}}"), "has no #nothing");
    }

    #[test]
    fn a_file_that_is_not_there() {
        assert_finds(
            &found("![a](figures/stacks.svg)"),
            "no file book/src/figures/stacks.svg",
        );
        assert_finds(&found("[a](../../src/app.rs)"), "leads out of the book");
        assert_finds(&found("[a](/page.md)"), "no relative path");
    }

    #[test]
    fn an_address_that_is_none() {
        assert_finds(
            &found("[a](http://flask.palletsprojects.com/)"),
            "is no address",
        );
        assert_finds(&found("[a](https://flask)"), "is no address");
    }

    #[test]
    fn a_reference_that_is_defined_nowhere() {
        assert_finds(&found("[a][b]"), "[a][b] is defined nowhere");
    }
}
