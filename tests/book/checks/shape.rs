//! Each chapter has the same shape, so that a reader knows where to look.

use std::ops::RangeInclusive;

use pulldown_cmark::HeadingLevel;

use super::page::Page;
use super::{Book, regex};

/// The sections at the end of a chapter, in their order.
const SECTIONS: &[&str] = &[
    "In Flask",
    "See it run",
    "What just happened",
    "Questions",
    "Exercise",
];

const WORDS_A_MINUTE: usize = 200;

/// In columns.
const LINE: usize = 120;

/// What a chapter must have.
struct Form {
    sections: &'static [&'static str],
    words: RangeInclusive<usize>,
}

fn form(chapter: &str) -> Form {
    match chapter {
        // Looked up, not read through.
        "glossary" => Form {
            sections: &[],
            words: 0..=usize::MAX,
        },
        // These compare; they are about no one stage.
        "surprises" | "differences" | "eras" => Form {
            sections: &["Questions"],
            words: 500..=1500,
        },
        // A page to try things on.
        "live" => Form {
            sections: &[],
            words: 200..=1500,
        },
        "start" => Form {
            sections: SECTIONS,
            words: 300..=1500,
        },
        _ => Form {
            sections: SECTIONS,
            words: 500..=1500,
        },
    }
}

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let mut problems = Vec::new();
    for page in book.chapters() {
        let form = form(page.name());
        problems.extend(byline(page));
        problems.extend(length(page, &form));
        problems.extend(sections(page, &form));
        problems.extend(questions(page));
        problems.extend(test(page));
        problems.extend(lines(page));
    }
    problems
}

/// How long the page takes, and what comes before it.
fn byline(page: &Page) -> Option<String> {
    let minutes = minutes(page);
    let wanted = regex(&format!(r"^{minutes}\.( Before this: .+\.)?$"));
    let byline = page.byline.as_deref().unwrap_or_default();
    (!wanted.is_match(byline)).then(|| {
        let words = page.words;
        let what = format!("{words} words: below the title stands *{minutes}.*, not {byline:?}");
        page.problem(3, what)
    })
}

fn minutes(page: &Page) -> String {
    match page.words.div_ceil(WORDS_A_MINUTE).max(1) {
        1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// The page with the right number of minutes, where it has a wrong one.
pub(crate) fn timed(page: &Page) -> Option<String> {
    let (byline, wrong) = (page.byline.as_deref()?, byline(page));
    let (written, _) = byline.split_once('.').filter(|_| wrong.is_some())?;
    let line = format!("\n*{written}.");
    Some(
        page.text
            .replacen(&line, &format!("\n*{}.", minutes(page)), 1),
    )
}

fn length(page: &Page, form: &Form) -> Option<String> {
    (!form.words.contains(&page.words)).then(|| {
        let (least, most) = (form.words.start(), form.words.end());
        page.problem(1, format!("{} words, not {least} to {most}", page.words))
    })
}

fn sections(page: &Page, form: &Form) -> Vec<String> {
    let mut problems = Vec::new();
    let second = |level| level == HeadingLevel::H2;
    let headings: Vec<_> = page.headings.iter().filter(|it| second(it.level)).collect();
    let place = |name: &str| SECTIONS.iter().position(|section| *section == name);
    let mut reached = None;
    for heading in &headings {
        let place = place(&heading.text);
        let in_order = match (reached, place) {
            (None, _) => true,
            (Some(reached), Some(place)) => reached < place,
            (Some(_), None) => false,
        };
        if !in_order {
            let order = SECTIONS.join(", ");
            let what = format!(
                "{:?} stands out of order; a chapter ends with {order}",
                heading.text
            );
            problems.push(page.problem(heading.line, what));
        }
        reached = place.or(reached);
    }
    for section in form.sections {
        if !headings.iter().any(|heading| heading.text == *section) {
            problems.push(page.problem(1, format!("has no section {section:?}")));
        }
    }
    let titles = page
        .headings
        .iter()
        .filter(|it| it.level == HeadingLevel::H1);
    for title in titles.skip(1) {
        problems.push(page.problem(title.line, "a second title"));
    }
    problems
}

fn questions(page: &Page) -> Option<String> {
    let section = page.section("Questions")?;
    let start = section.start;
    match page
        .details
        .iter()
        .filter(|line| section.contains(line))
        .count()
    {
        0 => Some(page.problem(start, "no question with its answer in <details>")),
        _ => None,
    }
}

/// The command that runs just the test that traces the stage. `commands.rs` looks for that test.
fn test(page: &Page) -> Option<String> {
    let section = page.section("See it run")?;
    let names_it = |(line, code): (usize, String)| {
        section.contains(&line) && code.contains("cargo test --test ") && code.contains(" --exact ")
    };
    let named = page.code().any(names_it);
    (!named).then(|| page.problem(section.start, "no `cargo test --test ... -- --exact ...`"))
}

/// A table's row cannot be broken, nor can what stands between backticks in a block.
fn lines(page: &Page) -> Vec<String> {
    let lines = page.text.lines().enumerate();
    let long = lines.filter(|(index, line)| {
        line.chars().count() > LINE && !line.starts_with('|') && !page.is_code(index + 1)
    });
    long.map(|(index, _)| page.problem(index + 1, format!("longer than {LINE} columns")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    const TEST: &str = "`cargo test --test push -- --exact a_test`";
    const ANSWER: &str = "<details><summary>Why?</summary>\n\nBecause.\n\n</details>";

    /// A chapter of 620 words or so, with what comes after its title.
    fn chapter(byline: &str, sections: &[(&str, &str)]) -> String {
        let mut text = format!("# Page\n\n{byline}\n\n");
        text += &"ten words that say very little of anything at all\n".repeat(60);
        for (name, body) in sections {
            text += &format!("\n## {name}\n\n{body}\n");
        }
        text
    }

    fn right() -> Vec<(&'static str, &'static str)> {
        vec![
            ("A section", "of its own"),
            ("In Flask", "the same"),
            ("See it run", TEST),
            ("What just happened", "a page"),
            ("Questions", ANSWER),
            ("Exercise", "do it"),
        ]
    }

    fn found(text: &str) -> Vec<String> {
        problems(&Book::page(text))
    }

    #[test]
    fn a_chapter_of_the_right_shape() {
        assert_none(&found(&chapter("*4 minutes.*", &right())));
        assert_none(&found(&chapter(
            "*4 minutes. Before this: [Push](push.md).*",
            &right(),
        )));
    }

    #[test]
    fn another_number_of_minutes() {
        assert_finds(
            &found(&chapter("*3 minutes.*", &right())),
            "below the title stands *4 minutes.*",
        );
        assert_finds(
            &found(&chapter("4 minutes.", &right())),
            "below the title stands",
        );
        assert_finds(
            &found(&chapter("*4 minutes. After: that.*", &right())),
            "below the title",
        );
    }

    #[test]
    fn the_number_of_minutes_is_put_right() {
        let wrong = chapter("*MINUTES. Before this: [Push](push.md).*", &right());
        let book = Book::page(&wrong);
        let timed = timed(&book.pages[0]).unwrap();
        assert_eq!(timed, wrong.replace("MINUTES", "4 minutes"));
        assert_none(&found(&timed));
    }

    #[test]
    fn too_short_or_too_long() {
        let short = chapter("*1 minute.*", &right()).replace("ten words that say", "");
        let short = short.replace(" very little of anything at", "");
        assert_finds(&found(&short), "not 500 to 1500");
        let long = "ten words that say very little of anything at all\n".repeat(100);
        let mut sections = right();
        sections[0].1 = &long;
        assert_finds(
            &found(&chapter("*9 minutes.*", &sections)),
            "not 500 to 1500",
        );
    }

    #[test]
    fn a_section_that_is_missing() {
        for index in 1..right().len() {
            let mut sections = right();
            let (name, _) = sections.remove(index);
            assert_finds(
                &found(&chapter("*4 minutes.*", &sections)),
                &format!("no section {name:?}"),
            );
        }
    }

    #[test]
    fn sections_in_another_order() {
        let mut sections = right();
        sections.swap(1, 2);
        assert_finds(
            &found(&chapter("*4 minutes.*", &sections)),
            "\"In Flask\" stands out of order",
        );
        let mut sections = right();
        sections.swap(0, 1);
        assert_finds(
            &found(&chapter("*4 minutes.*", &sections)),
            "\"A section\" stands out of order",
        );
    }

    #[test]
    fn no_question_or_no_test() {
        let mut sections = right();
        sections[4].1 = "Why?";
        assert_finds(&found(&chapter("*4 minutes.*", &sections)), "no question");
        let mut sections = right();
        sections[2].1 = "`cargo test --test push`";
        assert_finds(
            &found(&chapter("*4 minutes.*", &sections)),
            "no `cargo test",
        );
    }

    #[test]
    fn a_second_title_or_a_long_line() {
        let text = chapter("*4 minutes.*", &right()) + "\n# Page again\n";
        assert_finds(&found(&text), "a second title");
        let text = chapter("*4 minutes.*", &right()) + &"x".repeat(121);
        assert_finds(&found(&text), "longer than 120 columns");
    }
}
