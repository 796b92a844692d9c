//! For the chapter on sessions in files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{FileOptions, FileStore, Lifetime, Store};
use carafe::testing::TestClient;
use carafe::{App, Error, Scaffold, session};
use sha2::{Digest, Sha256};

use super::Output;
use super::ids::Ids;

pub(crate) const OUTPUTS: &[Output] = &[
    ("store_files/directory", directory),
    ("store_files/own", || bytes(false)),
    ("store_files/cachelib", || bytes(true)),
    ("store_files/threshold", threshold),
    ("store_files/evil", evil),
];

/// A directory that is not there yet, and goes away with it.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let name = format!("carafe-book-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&path));
        Dir(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const NOW: u64 = 1_700_000_000;

// ANCHOR: app
fn app(dir: &Path, options: FileOptions) -> App {
    let mut app = App::new("shop");
    app.config().set_clock(Arc::new(FixedClock::new(NOW)));
    let store = FileStore::open(dir, options).unwrap();
    app.session_interface(ServerSideSessionInterface::new(store));
    app.get("/about", || "about us");
    app.get("/login", || {
        session().regenerate();
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    app
}
// ANCHOR_END: app

/// `FileSystemCache._get_filename`.
fn file_name(key: &str) -> String {
    let digest = Sha256::digest(key);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of the directory: how long each is, who may read it, and its name, in the order of the names.
fn listing(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let lines = entries.map(|entry| {
        let metadata = entry.metadata().unwrap();
        let name = entry.file_name().into_string().unwrap();
        format!("  {} {:>3} bytes  {name}", mode(&metadata), metadata.len())
    });
    lines.collect()
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> String {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode();
    let letters = "rwxrwxrwx".chars().rev().enumerate();
    let letters = letters.map(|(bit, letter)| if mode >> bit & 1 == 1 { letter } else { '-' });
    letters.collect::<Vec<_>>().iter().rev().collect()
}

#[cfg(not(unix))]
fn mode(_metadata: &fs::Metadata) -> String {
    "rw-------".to_owned()
}

/// The text with the name of the session's file as it would be for the stand-in of its id.
fn with_stand_in(text: &str, client: &TestClient, ids: &mut Ids) -> String {
    let Some(id) = client.get_cookie("session") else {
        return text.to_owned();
    };
    let stand_in = ids.stand_in(id);
    text.replace(
        &file_name(&format!("session:{id}")),
        &file_name(&format!("session:{stand_in}")),
    )
}

// ANCHOR: directory
fn directory() -> String {
    let dir = Dir::new("directory");
    let mut client = app(&dir.0, FileOptions::default()).test_client();
    let mut ids = Ids::default();
    let visits = ["/about", "/login", "/about", "/login", "/logout"].map(|path| {
        client.get(path).send().unwrap();
        let files = listing(&dir.0).join("\n");
        let files = with_stand_in(&files, &client, &mut ids);
        let mut lines: Vec<&str> = files.lines().collect();
        lines.sort_by_key(|line| line.split("  ").last());
        format!("GET {path}\n{}", lines.join("\n"))
    });
    visits.join("\n")
}
// ANCHOR_END: directory

/// Bytes as numbers and as text, sixteen to a line.
fn dump(bytes: &[u8]) -> String {
    let lines = bytes.chunks(16).map(|bytes| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = bytes.iter().map(|&byte| match byte {
            b' '..=b'~' => char::from(byte),
            _ => '.',
        });
        format!("  {:<47}  {}", hex.join(" "), text.collect::<String>())
    });
    lines.collect::<Vec<_>>().join("\n")
}

// ANCHOR: bytes
fn bytes(cachelib: bool) -> String {
    let dir = Dir::new(if cachelib { "cachelib" } else { "own" });
    let options = FileOptions {
        cachelib,
        ..FileOptions::default()
    };
    let mut client = app(&dir.0, options).test_client();
    client.get("/login").send().unwrap();
    let id = client.get_cookie("session").unwrap();
    let of = |key: &str| fs::read(dir.0.join(file_name(key))).unwrap();
    let session = of(&format!("session:{id}"));
    let ends = u32::from_ne_bytes(*session.first_chunk().unwrap());
    let count = of("__wz_cache_count");
    [
        "the session".to_owned(),
        dump(&session),
        format!(
            "its first four bytes: {ends}, which is {} s from now",
            u64::from(ends) - NOW
        ),
        "the count".to_owned(),
        dump(&count),
    ]
    .join("\n")
}
// ANCHOR_END: bytes

// ANCHOR: threshold
fn threshold() -> String {
    let dir = Dir::new("threshold");
    let options = FileOptions {
        threshold: 4,
        ..FileOptions::default()
    };
    let store = FileStore::open(&dir.0, options).unwrap();
    let mut lines = Vec::new();
    for (now, key, seconds) in [
        (NOW, "a", 10),
        (NOW, "b", 300),
        (NOW, "c", 100),
        (NOW, "d", 200),
        (NOW + 60, "e", 300),
        (NOW + 60, "f", 300),
    ] {
        store.set(key, b"", Lifetime { now, seconds }).unwrap();
        let left = ["a", "b", "c", "d", "e", "f"].map(|key| {
            let is_there = dir.0.join(file_name(key)).exists();
            if is_there { key } else { " " }
        });
        let time = now - NOW;
        let line = format!(
            "{time:>3} s: set {key} for {seconds:>3} s   {}",
            left.join(" ")
        );
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}
// ANCHOR_END: threshold

// ANCHOR: evil
fn evil() -> String {
    let dir = Dir::new("evil");
    let cachelib = true;
    let options = FileOptions {
        cachelib,
        ..FileOptions::default()
    };
    let app = app(&dir.0, options);
    // {"username": os.system("touch owned")}, as one that has the file's name writes it for Python.
    let call = b"cos\nsystem\n\x8c\x0btouch owned\x85R";
    let pickle = [b"\x80\x04}\x8c\x08username", &call[..], b"s."].concat();
    let file = dir.0.join(file_name("session:an-id"));
    fs::write(&file, [&[0; 4], &pickle[..]].concat()).unwrap();

    let mut client = app.test_client();
    client.set_cookie("session", "an-id");
    let found = client.session_transaction(|session| {
        session.insert("color", "red")?;
        Ok(session
            .to_dict()
            .get("username")
            .map(|name| format!("{name:?}")))
    });
    let saved = fs::read(&file).unwrap();
    [
        format!("in the session: {}", found.unwrap().unwrap()),
        format!("it has run: {}", Path::new("owned").exists()),
        format!("and was saved:\n{}", dump(&saved)),
    ]
    .join("\n")
}
// ANCHOR_END: evil
