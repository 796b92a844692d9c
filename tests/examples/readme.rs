//! The tree of a request that the README shows.

use super::lifecycle;

/// A line of the tree: its branches and name, and where that stands, if it says so.
fn name_and_place(line: &str) -> (&str, Option<&str>) {
    match line.rsplit_once("  ") {
        Some((name, place)) if place.contains(".rs:") => (name.trim_end(), Some(place)),
        _ => (line, None),
    }
}

fn without_branches(name: &str) -> &str {
    name.trim_start_matches(['┃', '│', '├', '└', '─', '·', ' '])
}

/// The README's tree leaves lines out, so its branches are its own; names and places are the example's.
/// `UPDATE=1 cargo test --test examples readme` puts the places right.
#[test]
fn the_readme_shows_what_the_example_prints() {
    let printed = lifecycle(&[]);
    let place_of = |name: &str| {
        let lines = printed.lines().map(name_and_place);
        let mut same = lines.filter(|(each, _)| without_branches(each) == without_branches(name));
        let (_, place) = same
            .next()
            .unwrap_or_else(|| panic!("{name} is not printed"));
        place
    };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("```text\n").unwrap();
    let (tree, after) = rest.split_once("```").unwrap();
    let right: String = tree
        .lines()
        .map(|line| match name_and_place(line) {
            (name, Some(_)) => {
                let place = place_of(name).unwrap();
                let room = 80 - place.chars().count();
                format!("{name:<room$}{place}\n")
            }
            (name, None) => {
                place_of(name);
                format!("{line}\n")
            }
        })
        .collect();
    let updated = format!("{before}```text\n{right}```{after}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &updated).unwrap();
    }
    assert_eq!(
        readme, updated,
        "UPDATE=1 cargo test --test examples readme"
    );
}
