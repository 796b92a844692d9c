//! The store in files, and the directory that many processes share.
//!
//! Read next: `files/failing.rs`, where the directory fails.

mod failing;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use carafe::App;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{FileOptions, FileStore, Lifetime, Store, StoreErrorKind, open};

use crate::sharing::{self, Browser, Carafe, Flask};
use crate::suite::{self, Subject};

/// 2023-11-14 22:13:20 UTC.
const NOW: u64 = 1_700_000_000;
const HOUR: Lifetime = Lifetime {
    now: NOW,
    seconds: 3600,
};

/// A directory of its own, which goes away with it.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carafe-stores-{}-{next}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        TempDir(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What is in it but for the lock.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.contains("lock")).collect()
    }

    /// How many sessions there are: the count is a file too.
    fn sessions(&self) -> usize {
        self.names().len() - 1
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options() -> FileOptions {
    FileOptions::default()
}

fn store(dir: &TempDir, options: FileOptions) -> FileStore {
    FileStore::open(dir.path(), options).unwrap()
}

fn run_suite(options: FileOptions, untrue: &[&str]) {
    let dir = TempDir::new();
    let path = dir.path().to_owned();
    let subject = Subject {
        name: "files",
        store: Box::new(move || Arc::new(FileStore::open(&path, options.clone()).unwrap())),
        pass: Box::new(suite::clock_moves),
    };
    suite::run_but(&subject, untrue);
}

#[test]
fn the_file_store_does_all_that_a_store_should() {
    run_suite(options(), &[]);
}

#[test]
fn so_it_does_without_a_threshold() {
    let threshold = 0;
    run_suite(
        FileOptions {
            threshold,
            ..options()
        },
        &[],
    );
}

#[test]
fn a_flask_app_shares_the_directory() {
    let dir = TempDir::new();
    let config = serde_json::json!({
        "SESSION_TYPE": "filesystem",
        "SESSION_FILE_DIR": dir.path(),
        "SESSION_FILE_THRESHOLD": 100,
    });
    let url = format!(
        "file://{}?cachelib=true&threshold=100",
        dir.path().display()
    );
    sharing::run(&config, || {
        ServerSideSessionInterface::from_url(&url).unwrap()
    });
}

#[test]
fn an_older_cachelib_names_its_files_otherwise() {
    let dir = TempDir::new();
    let config = serde_json::json!({
        "SESSION_TYPE": "cachelib",
        "SESSION_CACHELIB": {"cache_dir": dir.path(), "hash_method": "md5"},
    });
    let url = format!("file://{}?cachelib=true&md5=true", dir.path().display());
    sharing::run(&config, || {
        ServerSideSessionInterface::from_url(&url).unwrap()
    });
    open(&url).unwrap().set("session:id", b"x", HOUR).unwrap();
    let error = open(&url.replace("md5=true", "md5=false")).err().unwrap();
    assert!(error.to_string().ends_with("names that need md5=true"));
}

#[test]
fn flask_and_carafe_keep_one_count_of_the_files() {
    let dir = TempDir::new();
    let config = serde_json::json!({
        "SESSION_TYPE": "filesystem",
        "SESSION_FILE_DIR": dir.path(),
        "SESSION_FILE_THRESHOLD": 20,
    });
    let Some(mut flask) = Flask::start(&config) else {
        return;
    };
    let cachelib = true;
    let store = store(
        &dir,
        FileOptions {
            threshold: 20,
            cachelib,
            ..options()
        },
    );
    let mut carafe = Carafe::new(ServerSideSessionInterface::new(store));
    let mut browsers: Vec<Browser> = Vec::new();
    for n in 0..10 {
        let mut browser = Browser::default();
        match n % 2 {
            0 => flask.visit(&mut browser, "/login/jack"),
            _ => carafe.visit(&mut browser, "/login/jack"),
        };
        browsers.push(browser);
    }
    for browser in &mut browsers[..2] {
        flask.visit(browser, "/logout");
    }
    for browser in &mut browsers[2..4] {
        carafe.visit(browser, "/logout");
    }
    // printf %s __wz_cache_count | sha256sum
    let name = "79bc207ee04a581ab2348ca1f3494e64cd0ec36128735b8c6bc85ddd8fe1938c";
    let count = || fs::read(dir.path().join(name)).unwrap();
    assert_eq!((dir.sessions(), count().ends_with(b"K\x06.")), (6, true));

    // Over the threshold Carafe deletes what expires first, and Flask goes by the count that is left.
    for _ in 0..15 {
        carafe.visit(&mut Browser::default(), "/login/jill");
    }
    let left = dir.sessions();
    assert!((18..=20).contains(&left), "{left} are left of 21");
    assert!(count().ends_with(&[b'K', left as u8, b'.']));
    let mut newest = Browser::default();
    carafe.visit(&mut newest, "/login/newest");
    flask.visit(&mut Browser::default(), "/login/jill");
    assert_eq!(flask.visit(&mut newest, "/get/user"), "newest");
}

#[test]
fn a_file_is_named_by_a_hash_and_is_its_owners() {
    let dir = TempDir::new();
    let store = store(&dir, options());
    store.set("session:../../x", b"data", HOUR).unwrap();
    let mut names = dir.names();
    names.sort();
    assert_eq!(
        names,
        [
            // printf %s __wz_cache_count | sha256sum
            "79bc207ee04a581ab2348ca1f3494e64cd0ec36128735b8c6bc85ddd8fe1938c",
            // printf %s session:../../x | sha256sum
            "9cf335ee1d30e49cda593993db68721efbeba3eef59fd68b47eb7eb9f63cd129",
        ]
    );
}

#[cfg(unix)]
#[test]
fn a_file_has_the_mode_that_it_should_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    for mode in [0o600, 0o660] {
        let dir = TempDir::new();
        let store = store(&dir, FileOptions { mode, ..options() });
        store.set("session:id", b"data", HOUR).unwrap();
        for name in dir.names() {
            let metadata = fs::metadata(dir.path().join(name)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, mode);
        }
    }
}

#[test]
fn over_the_threshold_what_has_expired_goes_first_and_then_what_expires_next() {
    let dir = TempDir::new();
    let store = store(
        &dir,
        FileOptions {
            threshold: 10,
            ..options()
        },
    );
    let lifetime = |seconds| Lifetime { now: NOW, seconds };
    for n in 0..5 {
        store.set(&format!("short{n}"), b"x", lifetime(10)).unwrap();
        store
            .set(&format!("long{n}"), b"x", lifetime(1000 - n))
            .unwrap();
    }
    assert_eq!(dir.sessions(), 10);

    let later = Lifetime {
        now: NOW + 11,
        seconds: 2000,
    };
    store.set("new0", b"x", later).unwrap();
    assert_eq!(dir.sessions(), 6, "those that have expired are gone");
    for n in 1..5 {
        store.set(&format!("new{n}"), b"x", later).unwrap();
    }
    assert_eq!(dir.sessions(), 10);
    store.set("new5", b"x", later).unwrap();
    assert_eq!(dir.sessions(), 10);
    assert_eq!(
        store.get("long4", NOW + 11).unwrap(),
        None,
        "it was the next to expire"
    );
    assert!(store.get("long3", NOW + 11).unwrap().is_some());
}

#[test]
fn a_count_that_is_wrong_is_mended_and_costs_no_session() {
    let dir = TempDir::new();
    let store = store(
        &dir,
        FileOptions {
            threshold: 50,
            ..options()
        },
    );
    for n in 0..10 {
        store.set(&format!("session:{n}"), b"x", HOUR).unwrap();
    }
    // What is left of a race between two Pythons: a count that is far too high.
    let count = dir.names().into_iter().find(|name| {
        let bytes = fs::read(dir.path().join(name)).unwrap();
        bytes == [0, 0, 0, 0, 0x80, 4, b'K', 10, b'.']
    });
    let count = dir.path().join(count.expect("there is a count of ten"));
    fs::write(&count, [0, 0, 0, 0, 0x80, 5, b'K', 200, b'.']).unwrap();

    store.set("session:10", b"x", HOUR).unwrap();

    assert_eq!(
        fs::read(&count).unwrap(),
        [0, 0, 0, 0, 0x80, 4, b'K', 11, b'.']
    );
    assert_eq!(dir.sessions(), 11);
    for rubbish in [&b""[..], b"\0\0\0\0", b"\0\0\0\0rubbish"] {
        fs::write(&count, rubbish).unwrap();
        store.delete("session:10").unwrap();
        store.set("session:10", b"x", HOUR).unwrap();
        assert_eq!(dir.sessions(), 11);
    }
}

#[test]
fn many_writers_and_readers_see_whole_files_only() {
    let dir = TempDir::new();
    let stores: Vec<_> = (0..4).map(|_| store(&dir, options())).collect();
    stores[0].set("session:id", &[0; 20_000], HOUR).unwrap();
    thread::scope(|scope| {
        for (n, store) in stores.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..50_u8 {
                    let byte = round.wrapping_mul(4).wrapping_add(n as u8);
                    store.set("session:id", &[byte; 20_000], HOUR).unwrap();
                    let found = store.get("session:id", NOW).unwrap().unwrap();
                    assert_eq!(found.len(), 20_000);
                    assert!(found.iter().all(|byte| *byte == found[0]));
                    store.touch("session:id", HOUR).unwrap();
                    let own = format!("session:{n}-{round}");
                    store.set(&own, b"x", HOUR).unwrap();
                    store.delete(&own).unwrap();
                }
            });
        }
    });
    assert_eq!(dir.sessions(), 1);
    assert_eq!(dir.names().len(), 2, "nothing is left behind");
}

#[test]
fn many_processes_share_a_directory_and_agree_on_how_many_files_there_are() {
    let dir = TempDir::new();
    let children: Vec<_> = (0..4)
        .map(|_| {
            std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "files::in_one_of_many_processes", "--ignored"])
                .env("CARAFE_TEST_DIR", dir.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    // Four times twenty, and those that each of them wants to have made.
    assert_eq!(dir.sessions(), 80 + 40);
    // printf %s __wz_cache_count | sha256sum
    let count = "79bc207ee04a581ab2348ca1f3494e64cd0ec36128735b8c6bc85ddd8fe1938c";
    let count = fs::read(dir.path().join(count)).unwrap();
    assert_eq!(count, [0, 0, 0, 0, 0x80, 4, b'K', 120, b'.']);
    assert_eq!(dir.names().len(), 121, "nothing is left behind");
}

#[test]
#[ignore = "a part of another test"]
fn in_one_of_many_processes() {
    let dir = std::env::var_os("CARAFE_TEST_DIR").unwrap();
    let store = FileStore::open(dir, options()).unwrap();
    let id = std::process::id();
    for n in 0..40 {
        let key = format!("session:{id}-{n}");
        store.set(&key, &[b'x'; 5000], HOUR).unwrap();
        let of_all = format!("session:of-all-{n}");
        store.set(&of_all, &[b'x'; 5000], HOUR).unwrap();
        let found = store.get(&of_all, NOW).unwrap();
        assert!(found.is_some_and(|found| found.len() == 5000));
        if n % 2 == 0 {
            store.delete(&key).unwrap();
        }
    }
}

#[test]
fn a_directory_with_pickles_in_it_is_not_written_by_mistake() {
    let dir = TempDir::new();
    let cachelib = true;
    let shared = store(
        &dir,
        FileOptions {
            cachelib,
            ..options()
        },
    );
    // Of the protocols 4, 1 and 0.
    for pickle in [&b"\x80\x04}."[..], b"}q\x00.", b"(dp0\n."] {
        shared.set("session:id", pickle, HOUR).unwrap();
        let error = FileStore::open(dir.path(), options()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "session store file: the directory is shared with Flask already: its files are pickles, \
             which needs cachelib=true"
        );
        let shared = FileOptions {
            cachelib,
            ..options()
        };
        FileStore::open(dir.path(), shared).unwrap();
    }
    let error = FileStore::open(
        dir.path(),
        FileOptions {
            md5: true,
            cachelib,
            ..options()
        },
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .ends_with("names that need md5=false")
    );
}

#[test]
fn a_directory_without_pickles_is_not_shared_by_mistake() {
    let no_pickles = "session store file: the directory has sessions that are no pickles, which Flask cannot read: \
         leave out cachelib=true, or name another directory; with SESSION_TYPE = \"filesystem\", \
         another SESSION_FILE_DIR";
    // MessagePack, and JSON.
    for session in [&b"\x81\xa4user\xa4jack"[..], b"{\"user\":\"jack\"}"] {
        let dir = TempDir::new();
        let store = store(&dir, options());
        store.set("session:id", session, HOUR).unwrap();

        let error = open(&format!("file://{}?cachelib=true", dir.path().display()));
        let error = error.err().unwrap();
        assert_eq!(error.kind(), StoreErrorKind::Config);
        assert_eq!(error.to_string(), no_pickles);

        let app = App::new("flask");
        let directory = dir.path().display().to_string();
        for (key, value) in [
            ("SESSION_TYPE", "filesystem"),
            ("SESSION_FILE_DIR", &directory),
        ] {
            app.config().set(key, value).unwrap();
        }
        let error = ServerSideSessionInterface::from_config(&app).unwrap_err();
        assert_eq!(error.to_string(), no_pickles);

        let found = store.get("session:id", NOW).unwrap();
        assert_eq!(found.as_deref(), Some(session));
    }
}

#[test]
fn a_url_says_all_of_it() {
    let dir = TempDir::new();
    let path = dir.path().display();
    let url = format!("file://{path}?threshold=7&mode=640&cachelib=true&sync=1&timeout=0.5");
    assert_eq!(open(&url).unwrap().name(), "file");
    let message = |url: String| open(&url).err().unwrap().to_string();
    assert_eq!(
        message(format!("file://{path}?treshold=7")),
        "session store file: unknown parameter \"treshold\": the nearest is \"threshold\""
    );
    assert_eq!(
        message(format!("file://{path}?mode=0644x")),
        "session store file: the parameter mode takes permissions like 600, in octal, not \"0644x\""
    );
    assert_eq!(
        message("file://host/dir".to_owned()),
        "session store file: \"file://host/dir\" names no directory: write file:///directory"
    );
    assert_eq!(
        message("file:".to_owned()),
        "session store file: \"file:\" names no directory: write file:///directory"
    );
}
