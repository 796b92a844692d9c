//! What every store should do, one check for each sentence. A store's test is a call of [`run`].
//!
//! It begins with the checks of any session interface, which visit an app and never look into the store:
//! `examples/memory_sessions/suite.rs`. Then come visits that are about what Carafe's own interface
//! promises, and calls of the store itself. Each check has a prefix of its own for its keys, so that one
//! server serves them all.
//!
//! `examples/own_store/` runs it too, on stores that it writes step by step.

#[path = "suite/calls.rs"]
mod calls;
#[path = "../../examples/memory_sessions/suite.rs"]
#[allow(dead_code, reason = "it prints tables too")]
mod sessions;
#[path = "suite/visits.rs"]
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

pub(crate) use sessions::clock_moves;
use sessions::{LIFETIME, NOW, ensure};

/// The checks of any session interface that are not made here: of what Carafe's promises otherwise.
const OTHERWISE: &[&str] = &[
    // What Flask tags, MessagePack does not hold: a tuple is a list to it.
    "every kind of value comes back",
    // The last write wins, as in Flask.
    "two writers at once are both heard",
    "who was logged out stays so",
];

type Check = (&'static str, fn(&Subject) -> Result<(), Error>);

/// What a store should do, beside what any session interface should.
const CHECKS: &[Check] = &[
    (
        "every kind of value that MessagePack has comes back",
        visits::keeps_every_kind,
    ),
    ("a large session comes back", visits::keeps_much),
    ("two prefixes have two sessions", visits::two_prefixes),
    (
        "rubbish in the cookie is not taken for an id",
        visits::rubbish,
    ),
    ("a signed id is taken, and no other", visits::signed),
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
    (
        "[store] a key is all of it, as it is written",
        calls::store_whole_keys,
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
        "[store] who is shown an entry may use the store",
        calls::store_is_free_while_visited,
    ),
    (
        "[store] a cleanup takes what has expired, and no other",
        calls::store_cleans_up,
    ),
    ("[store] another client finds it", calls::store_is_shared),
];

/// What is not true of a store, in the order of the checks: the sentences, and why.
pub(crate) fn complaints(subject: &Subject) -> Vec<(&'static str, Error)> {
    let shared = shared().map(|(sentence, check)| {
        let run = || visits::run(subject, *check);
        (*sentence, catch(run))
    });
    let own = CHECKS
        .iter()
        .map(|(sentence, check)| (*sentence, catch(|| check(subject))));
    shared
        .chain(own)
        .filter_map(|(sentence, result)| Some((sentence, result.err()?)))
        .collect()
}

/// The checks of any session interface that are made here.
fn shared() -> impl Iterator<Item = &'static sessions::Check> {
    let otherwise = |sentence: &str| OTHERWISE.contains(&sentence);
    sessions::CHECKS
        .iter()
        .filter(move |(sentence, _)| !otherwise(sentence))
}

/// All sentences, in the order of the checks.
#[allow(dead_code, reason = "for who prints a table")]
pub(crate) fn sentences() -> impl Iterator<Item = &'static str> {
    let shared = shared().map(|(sentence, _)| *sentence);
    shared.chain(CHECKS.iter().map(|(sentence, _)| *sentence))
}

/// One more sentence, for who can make the store fail.
#[allow(dead_code, reason = "a real server fails in more ways than one")]
pub(crate) const WHEN_DOWN: &str = "a store that fails is a 503, and logs nobody out";

/// Whether [`WHEN_DOWN`] is true: `down(true)` makes the store fail, `down(false)` mends it.
#[allow(dead_code, reason = "a real server fails in more ways than one")]
pub(crate) fn when_down(subject: &Subject, down: &dyn Fn(bool)) -> Result<(), Error> {
    catch(|| visits::down(subject, down))
}

/// Runs every check, and fails with the words of those that are not true.
#[track_caller]
pub(crate) fn run(subject: &Subject) {
    run_but(subject, &[]);
}

/// The same, but for sentences that are known not to be true of this store: they have to be false.
#[track_caller]
pub(crate) fn run_but(subject: &Subject, untrue: &[&str]) {
    let complaints = complaints(subject);
    let is_false = |sentence: &&str| complaints.iter().any(|(found, _)| found == sentence);
    let true_after_all = untrue.iter().filter(|sentence| !is_false(sentence));
    let true_after_all = true_after_all.map(|sentence| format!("{sentence}: is true after all"));
    let wrong = complaints
        .iter()
        .filter(|(sentence, _)| !untrue.contains(sentence));
    let wrong = wrong.map(|(sentence, error)| format!("{sentence}:\n    {error:?}"));
    let failures: Vec<String> = wrong.chain(true_after_all).collect();
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        subject.name,
        failures.join("\n")
    );
}

/// A prefix that no other check has, in this run or the last.
fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut random = [0; 6];
    getrandom::fill(&mut random).unwrap_or_default();
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{random}-{}:", NEXT.fetch_add(1, Ordering::Relaxed))
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
