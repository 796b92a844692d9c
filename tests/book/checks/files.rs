//! Files by their path in the repository: the real ones, or a test's few.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What the files hold, by their path in the repository, with `/`.
pub(crate) struct Files(BTreeMap<String, String>);

impl Files {
    /// All files below these folders of the repository.
    pub(crate) fn read(folders: &[&str]) -> Files {
        let mut files = BTreeMap::new();
        for folder in folders {
            read_folder(folder, &mut files);
        }
        Files(files)
    }

    pub(crate) fn of(files: &[(&str, &str)]) -> Files {
        let owned = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Files(owned.collect())
    }

    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The files below a folder, named from there on: `SUMMARY.md` below `book/src/`.
    pub(crate) fn below(&self, folder: &str) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .filter_map(move |path| path.strip_prefix(folder))
    }
}

fn read_folder(folder: &str, files: &mut BTreeMap<String, String>) {
    let on_disk = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in fs::read_dir(&on_disk).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            // What `benches/peers/run` has built is no part of the repository.
            if entry.file_name() != "target" {
                read_folder(&path, files);
            }
        } else {
            let bytes = fs::read(entry.path()).unwrap();
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

/// `path` seen from `folder`, without `.` and `..`; `None` where it leads out of the repository.
pub(crate) fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[test]
fn a_path_is_resolved_from_its_folder() {
    assert_eq!(
        resolve("book/src", "../../src/app.rs").as_deref(),
        Some("src/app.rs")
    );
    assert_eq!(resolve("", "../app.rs"), None);
}
