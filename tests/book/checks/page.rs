//! A page, parsed: what the checks ask of it.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::files::resolve;
use super::{markup, regex};

/// One Markdown file of the book. Lines count from 1.
pub(crate) struct Page {
    /// Below `book/src`: `after.md`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) headings: Vec<Heading>,
    /// The line below the title, where all of it is in italics.
    pub(crate) byline: Option<String>,
    pub(crate) fences: Vec<Fence>,
    /// Code within a sentence.
    pub(crate) spans: Vec<Line>,
    pub(crate) links: Vec<Line>,
    /// What a link can lead to here: `id`s of HTML and of terms. Headings have their own.
    pub(crate) ids: Vec<String>,
    pub(crate) includes: Vec<Include>,
    /// Where each `<details>` begins.
    pub(crate) details: Vec<usize>,
    /// Of prose: all that is read but what is in code blocks or included.
    pub(crate) words: usize,
}

/// A text and the line it is on.
pub(crate) struct Line {
    pub(crate) line: usize,
    pub(crate) text: String,
}

pub(crate) struct Heading {
    pub(crate) line: usize,
    pub(crate) level: HeadingLevel,
    pub(crate) text: String,
    /// The fragment that leads here.
    pub(crate) id: String,
}

/// A code block.
pub(crate) struct Fence {
    pub(crate) line: usize,
    /// What stands after the backticks; `None` where the block is only indented.
    pub(crate) info: Option<String>,
    pub(crate) text: String,
}

/// `{{#include path:part}}`.
pub(crate) struct Include {
    pub(crate) line: usize,
    /// `include`, or another of mdBook's helpers.
    pub(crate) helper: String,
    /// In the repository; `None` where it leads out of it.
    pub(crate) file: Option<String>,
    /// What stands after the colon.
    pub(crate) part: Option<String>,
    pub(crate) in_fence: bool,
}

impl Page {
    pub(crate) fn parse(path: &str, text: &str) -> Page {
        let mut page = Page {
            path: path.to_owned(),
            text: text.to_owned(),
            headings: Vec::new(),
            byline: None,
            fences: Vec::new(),
            spans: Vec::new(),
            links: Vec::new(),
            ids: Vec::new(),
            includes: Vec::new(),
            details: Vec::new(),
            words: 0,
        };
        page.read_events();
        page.read_includes();
        page
    }

    fn read_events(&mut self) {
        let source = std::mem::take(&mut self.text);
        // mdBook's own options, without smart punctuation.
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_DEFINITION_LIST
            | Options::ENABLE_GFM;
        let mut ids = markup::Ids::default();
        let mut prose = String::new();
        // The text of the heading or term, and of the paragraph, that is open.
        let mut heading = String::new();
        let mut paragraph: Option<(Range<usize>, String)> = None;
        let mut fence: Option<Fence> = None;
        let mut in_html = false;
        for (event, range) in Parser::new_ext(&source, options).into_offset_iter() {
            let line = line_of(&source, range.start);
            // The last word of a block or a table's cell, and the first of the next, are two.
            if !is_inline(&event) {
                prose.push('\n');
            }
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let info = match kind {
                        CodeBlockKind::Fenced(info) => Some(info.to_string()),
                        CodeBlockKind::Indented => None,
                    };
                    let text = String::new();
                    fence = Some(Fence { line, info, text });
                }
                Event::End(TagEnd::CodeBlock) => self.fences.extend(fence.take()),
                Event::Start(Tag::HtmlBlock) => in_html = true,
                Event::End(TagEnd::HtmlBlock) => in_html = false,
                Event::Start(Tag::Heading { .. } | Tag::DefinitionListTitle) => heading.clear(),
                Event::End(TagEnd::Heading(level)) => self.headings.push(Heading {
                    line,
                    level,
                    text: heading.clone(),
                    id: ids.of_heading(&heading, &source[range]),
                }),
                Event::End(TagEnd::DefinitionListTitle) => {
                    self.ids.push(ids.of_heading(&heading, ""));
                }
                Event::Start(Tag::Paragraph) => paragraph = Some((range, String::new())),
                Event::End(TagEnd::Paragraph) => {
                    if let Some((range, text)) = paragraph.take()
                        && self.headings.len() == 1
                        && self.byline.is_none()
                    {
                        let markdown = source[range].trim();
                        let italic = |byline: &&str| byline.len() > 2 && !byline.starts_with("**");
                        let inner = Some(markdown)
                            .filter(italic)
                            .and_then(|text| text.strip_prefix('*')?.strip_suffix('*'));
                        // Only the first paragraph can be it.
                        self.byline = Some(inner.map(|_| text).unwrap_or_default());
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    let text = dest_url.to_string();
                    self.links.push(Line { line, text });
                }
                Event::Text(text) if fence.is_some() => {
                    if let Some(fence) = &mut fence {
                        fence.text.push_str(&text);
                    }
                }
                Event::Text(text) if !in_html => {
                    heading.push_str(&text);
                    prose.push_str(&text);
                    if let Some((_, paragraph)) = &mut paragraph {
                        paragraph.push_str(&text);
                    }
                }
                Event::Code(code) => {
                    heading.push_str(&code);
                    prose.push_str(&code);
                    if let Some((_, paragraph)) = &mut paragraph {
                        paragraph.push_str(&code);
                    }
                    let text = code.to_string();
                    self.spans.push(Line { line, text });
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    for link in markup::links(&html) {
                        let text = link.to_owned();
                        self.links.push(Line { line, text });
                    }
                    self.ids.extend(markup::ids(&html).map(str::to_owned));
                    self.details.extend(html.matches("<details").map(|_| line));
                    prose.push_str(&markup::text(&html));
                }
                Event::SoftBreak | Event::HardBreak => {
                    heading.push('\n');
                    prose.push('\n');
                    if let Some((_, paragraph)) = &mut paragraph {
                        paragraph.push(' ');
                    }
                }
                _ => {}
            }
        }
        self.words = count_words(&prose);
        self.text = source;
    }

    fn read_includes(&mut self) {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = format!("{}{folder}", super::SRC);
        let include = regex(r"\\?\{\{\s*#(\w+)\s+([^}\s:]+)(?::([^}]*))?[^}]*\}\}");
        for found in include.captures_iter(&self.text) {
            if found[0].starts_with('\\') {
                continue;
            }
            let line = line_of(&self.text, found.get(0).map_or(0, |all| all.start()));
            self.includes.push(Include {
                line,
                helper: found[1].to_owned(),
                file: resolve(&folder, &found[2]),
                part: found.get(3).map(|part| part.as_str().trim().to_owned()),
                in_fence: self.is_code(line),
            });
        }
    }

    /// The text of the page's own heading.
    pub(crate) fn title(&self) -> Option<&str> {
        let title = self.headings.first()?;
        (title.level == HeadingLevel::H1).then_some(title.text.as_str())
    }

    /// The lines of the section with this heading, up to the next one.
    pub(crate) fn section(&self, name: &str) -> Option<Range<usize>> {
        let mut sections = self
            .headings
            .iter()
            .filter(|it| it.level == HeadingLevel::H2);
        let start = sections.find(|heading| heading.text == name)?.line;
        let end = sections.next().map_or(usize::MAX, |heading| heading.line);
        Some(start..end)
    }

    /// All lines of code, in blocks and within sentences.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, String)> {
        let blocks = self.fences.iter().flat_map(|fence| {
            let lines = fence.logical_lines().into_iter();
            lines.map(|(index, text)| (fence.line + 1 + index, text))
        });
        let spans = self.spans.iter();
        blocks.chain(spans.map(|span| (span.line, span.text.clone())))
    }

    /// Whether a line is in a code block.
    pub(crate) fn is_code(&self, line: usize) -> bool {
        self.fences
            .iter()
            .any(|fence| fence.lines().contains(&line))
    }

    /// The page's file name, without `.md`.
    pub(crate) fn name(&self) -> &str {
        self.path.trim_end_matches(".md")
    }

    /// A problem with a line of this page, in words.
    pub(crate) fn problem(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("book/src/{}:{line}: {what}", self.path)
    }
}

impl Fence {
    /// The first word after the backticks: the language.
    pub(crate) fn language(&self) -> &str {
        let info = self.info.as_deref().unwrap_or_default();
        info.split([' ', ',', '\t']).next().unwrap_or_default()
    }

    /// The lines with their number in the block; those that a `\\` at the end holds together are one.
    pub(crate) fn logical_lines(&self) -> Vec<(usize, String)> {
        let mut lines: Vec<(usize, String)> = Vec::new();
        let mut goes_on = false;
        for (index, line) in self.text.lines().enumerate() {
            let (text, more) = match line.strip_suffix('\\') {
                Some(text) => (text.trim_end(), true),
                None => (line, false),
            };
            match lines.last_mut().filter(|_| goes_on) {
                Some((_, start)) => *start += &format!(" {}", text.trim_start()),
                None => lines.push((index, text.to_owned())),
            }
            goes_on = more;
        }
        lines
    }

    fn lines(&self) -> Range<usize> {
        self.line..self.line + self.text.lines().count() + 2
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

fn is_inline(event: &Event<'_>) -> bool {
    use {Tag as Start, TagEnd as End};
    match event {
        Event::Start(tag) => matches!(
            tag,
            Start::Emphasis | Start::Strong | Start::Strikethrough | Start::Link { .. }
        ),
        Event::End(tag) => matches!(
            tag,
            End::Emphasis | End::Strong | End::Strikethrough | End::Link
        ),
        _ => true,
    }
}

/// As a reader would: a dash on its own is none, nor is an include.
fn count_words(prose: &str) -> usize {
    let include = regex(r"\{\{[^}]*\}\}");
    let prose = include.replace_all(prose, " ");
    let words = prose.split_whitespace();
    words
        .filter(|word| word.contains(char::is_alphanumeric))
        .count()
}

#[test]
fn a_page_is_taken_apart() {
    let text = "# `push`, twice\n\n*1 minute. Before\nthis: [App](app.md).*\n\n## In Flask\n\n\
                Two `words` here.\n\n```text\n{{#include generated/x.txt}}\n```\n\n\
                <details><summary>Why?</summary>\n\nBecause.\n\n</details>\n\n## In Flask\n";
    let page = Page::parse("a/page.md", text);
    assert_eq!(page.title(), Some("push, twice"));
    assert_eq!(page.byline.as_deref(), Some("1 minute. Before this: App."));
    let ids: Vec<&str> = page.headings.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["push-twice", "in-flask", "in-flask-1"]);
    assert_eq!(page.section("In Flask"), Some(6..20));
    assert_eq!(page.fences[0].text, "{{#include generated/x.txt}}\n");
    assert_eq!(page.links[0].text, "app.md");
    assert_eq!(
        page.includes[0].file.as_deref(),
        Some("book/src/a/generated/x.txt")
    );
    assert!(page.includes[0].in_fence);
    assert_eq!((page.includes[0].line, &*page.details), (11, &[14][..]));
    // Title, line below, two headings, a sentence, a question, its answer.
    assert_eq!(page.words, 2 + 5 + 2 + 2 + 3 + 1 + 1);
}
