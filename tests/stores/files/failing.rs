//! The store in files where its directory fails it: gone, read-only, full, locked, and with what the dead
//! have left in it.
//!
//! Read next: `src/session/store/files/directory.rs`.

use std::fs;
#[cfg(unix)]
use std::process::Command;
use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{FileOptions, FileStore, Store, StoreErrorKind};
use carafe::{App, Error, Scaffold, session};

use super::{HOUR, NOW, TempDir, options, store};
#[cfg(unix)]
use crate::missing::not_checked;

fn app(store: FileStore) -> App {
    let mut app = App::new("files");
    app.config().set_clock(Arc::new(FixedClock::new(NOW)));
    app.session_interface(ServerSideSessionInterface::new(store));
    app.get("/set/<value>", |value: String| {
        session().insert("value", value)?;
        Ok::<_, Error>("set")
    });
    app.get("/get", || {
        session().get::<String>("value").unwrap_or_default()
    });
    app
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_and_loses_nothing() {
    let dir = TempDir::new();
    let app = app(store(&dir, options()));
    let mut client = app.test_client();
    client.get("/set/before").send().unwrap();
    let id = client.get_cookie("session").unwrap().to_owned();

    // As root may write into a read-only directory, put a file where the directory was.
    let aside = TempDir::new();
    fs::rename(dir.path(), aside.path()).unwrap();
    fs::write(dir.path(), b"").unwrap();
    for path in ["/set/after", "/get"] {
        let answer = client.get(path).send().unwrap();
        assert_eq!(answer.status_code(), 503);
        assert_eq!(answer.header("Set-Cookie"), None);
    }
    fs::remove_file(dir.path()).unwrap();
    fs::rename(aside.path(), dir.path()).unwrap();

    assert_eq!(client.get("/get").send().unwrap().text(), "before");
    assert_eq!(client.get_cookie("session"), Some(&*id));
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = TempDir::new();
    fs::write(dir.path(), b"").unwrap();
    let error = FileStore::open(dir.path(), options()).unwrap_err();
    let named = format!(
        "session store file: cannot keep sessions in {}: ",
        dir.path().display()
    );
    fs::remove_file(dir.path()).unwrap();
    assert!(error.to_string().starts_with(&named), "{error}");
}

#[cfg(unix)]
fn set_mode(dir: &TempDir, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
}

/// Has a process of its own run a part of a test: `command` starts this binary.
#[cfg(unix)]
#[track_caller]
fn run_part(mut command: Command, part: &str) {
    let output = command.args(["--exact", part, "--ignored"]).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // A name that is nothing's is a success, too.
    let has_run = said.contains("1 passed");
    assert!(output.status.success() && has_run, "{output:?}");
}

/// Root may write anywhere because it has a capability to, and without that one it is as anybody else.
#[cfg(unix)]
#[test]
fn a_read_only_directory_can_be_read() {
    let dir = TempDir::new();
    fs::create_dir(dir.path()).unwrap();
    set_mode(&dir, 0o500);
    let probe = dir.path().join("probe");
    if fs::write(&probe, b"").is_err() {
        return in_a_process_that_may_not_write_anywhere();
    }
    fs::remove_file(probe).unwrap();
    let without = || {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-dac_override", "--inh-caps=-dac_override"]);
        command
    };
    match without().arg("true").output() {
        Ok(output) if output.status.success() => {
            let mut command = without();
            command.arg(std::env::current_exe().unwrap());
            let part = "files::failing::in_a_process_that_may_not_write_anywhere";
            run_part(command, part);
        }
        because => not_checked(&format!(
            "this user may write to a read-only directory, and setpriv cannot change that: {because:?}"
        )),
    }
}

#[cfg(unix)]
#[test]
#[ignore = "a part of another test"]
fn in_a_process_that_may_not_write_anywhere() {
    let dir = TempDir::new();
    let app = app(store(&dir, options()));
    let refresh = app.config().set("SESSION_REFRESH_EACH_REQUEST", false);
    refresh.unwrap();
    let mut client = app.test_client();
    client.get("/set/before").send().unwrap();
    set_mode(&dir, 0o500);

    let answer = client.get("/set/after").send().unwrap();
    assert_eq!(answer.status_code(), 503);
    // Without a count of its files too, where all that it opens is there.
    for threshold in [500, 0] {
        let options = FileOptions {
            threshold,
            ..options()
        };
        let error = FileStore::open(dir.path(), options).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
    assert_eq!(client.get("/get").send().unwrap().text(), "before");
    set_mode(&dir, 0o700);
}

/// A process that may write no file of more than 4 KiB is as far as one with a disk that is full.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_is_an_error_and_loses_nothing() {
    let dir = TempDir::new();
    let store = store(&dir, options());
    store.set("session:id", &[1; 9000], HOUR).unwrap();
    let script = r#"trap "" XFSZ; ulimit -f 8; exec "$0" "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command.arg(std::env::current_exe().unwrap());
    command.env("CARAFE_TEST_DIR", dir.path());
    run_part(command, "files::failing::in_a_process_that_may_write_4_kb");
    let value = store.get("session:id", NOW).unwrap();
    assert_eq!(value.as_deref(), Some(&[1; 9000][..]));
    assert_eq!(dir.names().len(), 2, "the file that got no room is gone");
}

#[cfg(unix)]
#[test]
#[ignore = "a part of another test"]
fn in_a_process_that_may_write_4_kb() {
    let dir = std::env::var_os("CARAFE_TEST_DIR").unwrap();
    let store = FileStore::open(dir, options()).unwrap();
    for key in ["session:id", "session:new"] {
        let error = store.set(key, &[2; 9000], HOUR).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
}

#[test]
fn what_a_dead_process_left_behind_is_cleaned_up_once_it_is_old() {
    let dir = TempDir::new();
    let store = store(&dir, options());
    let young = dir.path().join("carafe-young.__wz_cache");
    let old = dir.path().join("carafe-old.__wz_cache");
    let of_python = dir.path().join("tmpabc.__wz_cache");
    for path in [&young, &old, &of_python] {
        fs::write(path, b"").unwrap();
    }
    for path in [&old, &of_python] {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    assert_eq!(store.cleanup(NOW).unwrap(), 0);
    assert!(young.exists() && !old.exists() && of_python.exists());
    store.set("session:id", b"x", HOUR).unwrap();
}

#[test]
fn a_lock_that_is_never_let_go_is_an_error_in_time() {
    let dir = TempDir::new();
    let timeout = std::time::Duration::from_millis(20);
    let store = store(
        &dir,
        FileOptions {
            timeout,
            ..options()
        },
    );
    let lock = fs::File::open(dir.path().join("carafe-lock.__wz_cache")).unwrap();
    lock.lock().unwrap();
    let error = store.set("session:id", b"x", HOUR).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    lock.unlock().unwrap();
    store.set("session:id", b"x", HOUR).unwrap();
}
