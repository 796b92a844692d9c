//! Every command in the book runs something that is there.

use super::files::{Files, resolve};
use super::{Book, regex};

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let mut problems = Vec::new();
    for page in book.chapters() {
        for (line, code) in page.code() {
            for command in commands(&code) {
                if let Err(what) = check(&book.files, command) {
                    problems.push(page.problem(line, what));
                }
            }
        }
    }
    problems
}

/// The commands in a line of code, without what comes before and after each.
fn commands(code: &str) -> impl Iterator<Item = &str> {
    let parts = code.split(&['|', '>', ';', '&'][..]);
    parts.filter_map(|part| {
        let part = part.split(" #").next()?.trim();
        let environment = |word: &&str| word.contains('=') || *word == "$";
        let start = part
            .split(' ')
            .take_while(environment)
            .map(|word| word.len() + 1)
            .sum();
        let command: &str = part.get(start..)?;
        let known = ["cargo test", "cargo run", "cargo bench", "bash "];
        known
            .iter()
            .any(|known| command.starts_with(known))
            .then_some(command)
    })
}

fn check(files: &Files, command: &str) -> Result<(), String> {
    let mut words = command.split_whitespace();
    if words.next() == Some("bash") {
        let script = words.next().unwrap_or_default();
        return match files.has(script) {
            true => Ok(()),
            false => Err(format!("`{command}`: there is no script {script}")),
        };
    }
    words.next();
    let mut targets = Vec::new();
    let mut filters = Vec::new();
    let mut exact = false;
    let mut for_cargo = true;
    while let Some(word) = words.next() {
        match word {
            "--" if command.starts_with("cargo run") => break,
            "--" => for_cargo = false,
            "--test" | "--example" | "--bench" if for_cargo => {
                let name = words.next().unwrap_or_default();
                targets.push(target(files, word, name).ok_or_else(|| {
                    format!(
                        "`{command}`: there is no {} {name}",
                        word.trim_start_matches('-')
                    )
                })?);
            }
            "--features" | "--test-threads" | "--skip" | "--profile" => drop(words.next()),
            "--exact" => exact = true,
            word if word.starts_with('-') => {}
            word => filters.push(word),
        }
    }
    if command.starts_with("cargo run") && targets.is_empty() {
        return Err(format!("`{command}` names no example"));
    }
    if targets.is_empty() && !filters.is_empty() {
        return Err(format!("`{command}` names no test file: --test ..."));
    }
    let tests: Vec<String> = targets
        .iter()
        .flat_map(|root| tests_of(files, root))
        .collect();
    for filter in filters {
        let fits = |test: &String| test == filter || (!exact && test.contains(filter));
        if !tests.iter().any(fits) {
            return Err(format!("`{command}`: there is no test {filter}"));
        }
    }
    Ok(())
}

/// The file in which a target's code begins.
fn target(files: &Files, option: &str, name: &str) -> Option<String> {
    let folder = match option {
        "--test" => "tests",
        "--example" => "examples",
        _ => "benches",
    };
    let roots = [
        format!("{folder}/{name}.rs"),
        format!("{folder}/{name}/main.rs"),
    ];
    roots.into_iter().find(|root| files.has(root))
}

/// The names of the tests of a target that begins in this file, as `cargo test -- --list` has them.
pub(crate) fn tests_of(files: &Files, root: &str) -> Vec<String> {
    let mut tests = Vec::new();
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    read_module(files, root, folder, "", &mut tests);
    tests
}

/// Adds the tests in `file`, whose own modules are in `folder`; `prefix` is its path in the crate.
fn read_module(files: &Files, file: &str, folder: &str, prefix: &str, tests: &mut Vec<String>) {
    let module = regex(r"^(\s*)(?:pub(?:\([^)]*\))? )?mod (\w+)( \{|;)");
    let function = regex(r"^\s*(?:async )?fn (\w+)");
    let path_attribute = regex(r#"^\s*#\[path = "([^"]+)"\]"#);
    let mut inline: Vec<(String, String)> = Vec::new();
    let mut path = None;
    let mut is_test = false;
    for line in files.get(file).unwrap_or_default().lines() {
        let prefix = inline
            .last()
            .map_or(prefix, |(_, prefix)| prefix.as_str())
            .to_owned();
        if let Some(found) = path_attribute.captures(line) {
            path = Some(found[1].to_owned());
        } else if let Some(found) = module.captures(line) {
            let name = &found[2];
            let inner = format!("{prefix}{name}::");
            if found[3].ends_with('{') {
                inline.push((format!("{}}}", &found[1]), inner));
            } else if let Some(path) = path.take() {
                let here = file.rsplit_once('/').map_or("", |(folder, _)| folder);
                let path = resolve(here, &path).unwrap_or_default();
                let below = path
                    .rsplit_once('/')
                    .map_or("", |(folder, _)| folder)
                    .to_owned();
                read_module(files, &path, &below, &inner, tests);
            } else {
                let below = format!("{folder}/{name}");
                let places = [format!("{below}.rs"), format!("{below}/mod.rs")];
                for place in places.iter().filter(|place| files.has(place)) {
                    read_module(files, place, &below, &inner, tests);
                }
            }
        } else if line.trim() == "#[test]" {
            is_test = true;
        } else if let Some(found) = function.captures(line).filter(|_| is_test) {
            tests.push(format!("{prefix}{}", &found[1]));
            is_test = false;
        } else if inline.last().is_some_and(|(end, _)| end == line) {
            inline.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        problems(&Book::with(&[
            ("book/src/page.md", text),
            (
                "tests/push.rs",
                "#[test]\n#[ignore = \"slow\"]\nfn pushes() {}\n\nfn helper() {}\n",
            ),
            ("tests/exercises/main.rs", "mod after;\n"),
            (
                "tests/exercises/after/mod.rs",
                "mod start;\n#[test]\nfn yours() {}\n",
            ),
            ("tests/run", "cargo test\n"),
            ("examples/middleware.rs", "fn main() {}\n"),
        ]))
    }

    #[test]
    fn what_is_there_can_be_run() {
        for command in [
            "cargo test",
            "cargo test --test push",
            "cargo test --test push -- --exact pushes --nocapture",
            "cargo test --test push -- --nocapture --test-threads 1",
            "cargo test --test push push",
            "cargo test --test exercises after::yours -- --ignored",
            "UPDATE=1 cargo test --test push --test exercises",
            "$ cargo run --example middleware -- --request 'GET /'",
            "cargo run --example middleware | head",
            "bash tests/run",
        ] {
            assert_none(&found(&format!("`{command}`")));
            assert_none(&found(&format!("```sh\n{command}  # so\n```")));
        }
    }

    #[test]
    fn what_is_not_there() {
        let finds = |command: &str, words| assert_finds(&found(&format!("`{command}`")), words);
        finds(
            "cargo test --test pull",
            "page.md:1: `cargo test --test pull`: there is no test pull",
        );
        finds("cargo test --test push -- --exact push", "no test push");
        finds("cargo test --test push -- --exact helper", "no test helper");
        finds("cargo test --test push pulls", "no test pulls");
        finds(
            "cargo test --test exercises push::yours -- --ignored",
            "no test push::yours",
        );
        finds("cargo test pushes", "names no test file");
        finds("cargo run --example midware", "no example midware");
        finds("cargo run", "names no example");
        finds("cargo bench --bench speed", "no bench speed");
        finds("bash tests/walk", "no script tests/walk");
        assert_finds(
            &found("```sh\ncargo test\ncargo test --test pull\n```"),
            "page.md:3: ",
        );
    }

    #[test]
    fn tests_are_found_where_modules_are() {
        let files = Files::of(&[
            (
                "tests/a.rs",
                "#[path = \"deep/b.rs\"]\nmod b;\nmod c {\n    #[test]\n    fn in_c() {}\n}\n#[test]\nfn in_a() {}\n",
            ),
            ("tests/deep/b.rs", "#[test]\nfn in_b() {}\n"),
        ]);
        assert_eq!(
            tests_of(&files, "tests/a.rs"),
            ["b::in_b", "c::in_c", "in_a"]
        );
    }
}
