//! What every store should do, one check for each sentence. A store's test is a call of [`run`].
//!
//! The first half visits an app and never looks into the store, as `examples/memory_sessions/suite.rs`
//! does, where the checks come from. The second half calls the store itself. Each check has a prefix of
//! its own for its keys, so that one server serves them all.

mod calls;
mod visits;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use carafe::Error;
use carafe::clock::FixedClock;
use carafe::error::catch;
use carafe::session::store::{Ability, Lifetime, Store, StoreErrorKind, Verdict};

/// A store to check.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// The store, or another client of the same server: what one writes the next one finds.
    pub(crate) store: Box<dyn Fn() -> Arc<dyn Store>>,
    /// Lets this many seconds pass. For a store that asks the app what time it is, [`clock_moves`];
    /// for a server with a clock of its own, what makes it believe so.
    pub(crate) pass: Pass,
}

type Pass = Box<dyn Fn(&FixedClock, u64)>;

/// The `pass` of a store that asks the app what time it is.
pub(crate) fn clock_moves(clock: &FixedClock, seconds: u64) {
    clock.advance(seconds);
}

type Check = (&'static str, fn(&Subject) -> Result<(), Error>);

/// All that a store should do.
const CHECKS: &[Check] = &[
    (
        "what is written is there on the next visit",
        visits::is_kept,
    ),
    ("every kind of value comes back", visits::keeps_every_kind),
    ("a large session comes back", visits::keeps_much),
    ("two browsers have two sessions", visits::two_browsers),
    ("two prefixes have two sessions", visits::two_prefixes),
    (
        "a page without a session leaves it alone",
        visits::untouched,
    ),
    (
        "a page that reads varies, and sets no cookie",
        visits::only_read,
    ),
    ("the cookie is as the config wants it", visits::configured),
    ("rubbish in the cookie is a new session", visits::rubbish),
    (
        "an emptied session is gone, cookie and all",
        visits::emptied,
    ),
    (
        "a cookie from before a logout is worthless",
        visits::replayed,
    ),
    ("a session ends after its lifetime", visits::expires),
    (
        "a permanent session lives on with each visit",
        visits::refreshed,
    ),
    (
        "an id that the client made up is not taken",
        visits::made_up,
    ),
    (
        "a cookie from before a login is not logged in",
        visits::fixated,
    ),
    ("a signed id is taken, and no other", visits::signed),
    (
        "a reader undoes no other request's write",
        visits::read_late,
    ),
    (
        "a reader brings no ended session back",
        visits::read_after_logout,
    ),
    ("the last of two writers wins", visits::written_late),
    (
        "an optimistic writer hears of the other one",
        visits::written_late_optimistic,
    ),
    (
        "who was logged out everywhere is logged out",
        visits::logged_out_everywhere,
    ),
    (
        "both formats are read, whichever is configured",
        visits::both_formats,
    ),
    ("a visit takes two round trips at most", visits::round_trips),
    (
        "many threads at once all find their own",
        visits::many_threads,
    ),
    (
        "[store] what is set is got, until it is deleted",
        calls::store_keeps,
    ),
    ("[store] any bytes are kept", calls::store_keeps_any_bytes),
    (
        "[store] a key that a client made up finds nothing",
        calls::store_odd_keys,
    ),
    ("[store] what has expired is gone", calls::store_expires),
    (
        "[store] each set starts a lifetime anew",
        calls::store_set_anew,
    ),
    (
        "[store] a touch keeps the value, and revives nothing",
        calls::store_touches,
    ),
    (
        "[store] compare and set is for who knows",
        calls::store_compares,
    ),
    (
        "[store] one of many compares wins",
        calls::store_compares_at_once,
    ),
    (
        "[store] all under a prefix are shown, and no other",
        calls::store_visits,
    ),
    (
        "[store] a cleanup takes what has expired, and no other",
        calls::store_cleans_up,
    ),
    ("[store] another client finds it", calls::store_is_shared),
];

/// Runs every check, and fails with the words of those that are not true.
#[track_caller]
pub(crate) fn run(subject: &Subject) {
    run_but(subject, &[]);
}

/// The same, but for sentences that are known not to be true of this store: they have to be false.
#[track_caller]
pub(crate) fn run_but(subject: &Subject, untrue: &[&str]) {
    let failures = CHECKS.iter().filter_map(|(sentence, check)| {
        match (catch(|| check(subject)), untrue.contains(sentence)) {
            (Ok(()), false) | (Err(_), true) => None,
            (Ok(()), true) => Some(format!("{sentence}: is true after all")),
            (Err(error), false) => Some(format!("{sentence}:\n    {error:?}")),
        }
    });
    let failures: Vec<String> = failures.collect();
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        subject.name,
        failures.join("\n")
    );
}

/// 2023-11-14 22:13:20 UTC.
const NOW: u64 = 1_700_000_000;
/// Of a session, in seconds.
const LIFETIME: u64 = 60;

/// A prefix that no other check has, in this run or the last.
fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut random = [0; 6];
    getrandom::fill(&mut random).unwrap_or_default();
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{random}-{}:", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn ensure(right: bool, complaint: impl Into<String>) -> Result<(), Error> {
    match right {
        true => Ok(()),
        false => Err(Error::assertion(complaint)),
    }
}

#[allow(clippy::needless_pass_by_value)] // A check reads better so.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), Error> {
    let complaint = format!("{what} is {found:?}, and should be {wanted:?}");
    ensure(found == wanted, complaint)
}

/// What a client may send and no server ever gave it.
const RUBBISH: &[&str] = &[
    "",
    ".",
    "...",
    "../../etc/passwd",
    "%00",
    "\u{fc}",
    "a b",
    "a\tb",
    "a\"b'c;--",
    "$where",
    "*",
    "{}",
];

/// Whether the store has an ability. Where it lacks it, it has to say so.
fn can(subject: &Subject, ability: Ability) -> Result<bool, Error> {
    let store = (subject.store)();
    if store.can(ability) {
        return Ok(true);
    }
    let error = match ability {
        Ability::CompareAndSet => store.compare_and_set("k", None, b"", lifetime()).err(),
        _ => store.visit("", NOW, &mut |_| Verdict::Keep).err(),
    };
    let kind = error.map(|error| error.kind());
    same("the error", kind, Some(StoreErrorKind::Unsupported))?;
    println!("{} cannot {ability}", subject.name);
    Ok(false)
}

fn lifetime() -> Lifetime {
    lifetime_at(NOW)
}

fn lifetime_at(now: u64) -> Lifetime {
    Lifetime {
        now,
        seconds: LIFETIME,
    }
}
