//! What becomes of many requests at once, and of many sessions, while a store's real server fails.
//!
//! Read next: `../relay.rs`, which counts the connections.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use carafe::App;

use super::{Subject, fails, page, visit, with_cookie};
use crate::relay::Relay;
use crate::servers::wait_until;

pub(crate) fn is_asked_by_200_at_once(subject: &Subject) {
    let relay = Relay::to(subject.server.port());
    let app = subject.app_behind(&relay, "pool=8&timeout=60");
    relay.delay(Duration::from_millis(1), false);
    let begin = Barrier::new(200);
    thread::scope(|scope| {
        for n in 0..200 {
            let (app, begin) = (&app, &begin);
            scope.spawn(move || {
                begin.wait();
                let mut client = app.test_client();
                page(&mut client, &format!("/set/n/{n}"));
                assert_eq!(page(&mut client, "/get/n"), n.to_string());
            });
        }
    });
    let (all, most_open) = (relay.connections(), relay.most_open());
    assert!(all <= subject.connections, "{all} connections");
    assert_eq!(all, most_open, "they are used again");
}

/// What a visitor who saves all the time has seen so far.
#[derive(Default)]
struct Seen {
    saves: AtomicU64,
    failures: AtomicU64,
}

/// What such a visitor knows at the end.
struct Saved {
    /// The cookie of a session that was saved again and again.
    cookie: String,
    /// The last number in it that was acknowledged, and the last one.
    acknowledged: u64,
    tried: u64,
    /// The cookies of those that were saved once, and what is in them.
    others: Vec<(String, String)>,
}

/// Saves sessions until it is over, or one of the test's own threads has failed.
fn save_on(app: &App, name: usize, seen: &Seen, is_over: &AtomicBool) -> Saved {
    let end = Instant::now() + Duration::from_secs(300);
    let mut client = app.test_client();
    let (mut acknowledged, mut tried, mut others) = (0, 0, Vec::new());
    while !is_over.load(Ordering::SeqCst) && Instant::now() < end {
        tried += 1;
        let is_saved = visit(&mut client, &format!("/set/n/{tried}")).is_some();
        if is_saved {
            acknowledged = tried;
        }
        let (mut other, value) = (app.test_client(), format!("{name}-{tried}"));
        if visit(&mut other, &format!("/set/n/{value}")).is_some() {
            let cookie = other.get_cookie("session").unwrap();
            others.push((cookie.to_owned(), value));
        }
        let count = if is_saved {
            &seen.saves
        } else {
            &seen.failures
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
    let cookie = client.get_cookie("session").unwrap().to_owned();
    Saved {
        cookie,
        acknowledged,
        tried,
        others,
    }
}

/// Kills and pauses the server while eight threads save sessions, and counts those that were
/// acknowledged.
pub(crate) fn is_killed_under_load(subject: &Subject) {
    let app = subject.app("timeout=1");
    let is_over = AtomicBool::new(false);
    let seen: [Seen; 8] = Default::default();
    let saved: Vec<Saved> = thread::scope(|scope| {
        let savers: Vec<_> = (0..8)
            .map(|n| {
                let (app, seen, is_over) = (&app, &seen[n], &is_over);
                scope.spawn(move || save_on(app, n, seen, is_over))
            })
            .collect();
        let read = |what: fn(&Seen) -> &AtomicU64| {
            seen.each_ref()
                .map(|seen| what(seen).load(Ordering::SeqCst))
        };
        let go_on = |what: fn(&Seen) -> &AtomicU64, by: u64| {
            let before = read(what);
            wait_until("saves that go on, or fail", || {
                let now = read(what);
                now.iter()
                    .zip(before)
                    .all(|(now, before)| *now >= before + by)
            });
        };
        for is_killed in [true, false, true] {
            go_on(|seen| &seen.saves, 10);
            if is_killed {
                subject.server.kill();
                go_on(|seen| &seen.failures, 1);
                subject.server.restart();
            } else {
                let _paused = subject.server.pause();
                go_on(|seen| &seen.failures, 1);
            }
        }
        go_on(|seen| &seen.saves, 10);
        is_over.store(true, Ordering::SeqCst);
        let savers = savers.into_iter().map(|saver| saver.join().unwrap());
        savers.collect()
    });
    for saved in &saved {
        let found = page(&mut with_cookie(&app, &saved.cookie), "/get/n");
        let wanted = saved.acknowledged..=saved.tried;
        let is_one = found.parse().is_ok_and(|found| wanted.contains(&found));
        assert!(is_one, "{found:?} is stored, and not one of {wanted:?}");
    }
    if subject.lasts {
        subject.server.kill();
        subject.server.restart();
    }
    let (mut all, mut lost) = (0, 0);
    for (cookie, value) in saved.iter().flat_map(|saved| &saved.others) {
        let found = page(&mut with_cookie(&app, cookie), "/get/n");
        assert!(
            found == *value || found.is_empty(),
            "somebody else's session"
        );
        all += 1;
        lost += usize::from(found.is_empty());
    }
    println!("{all} acknowledged, {lost} lost");
    assert!(all > 0, "with none of them there is nothing to lose");
    if subject.lasts {
        assert_eq!(lost, 0, "of {all}");
    }
}

/// Fills a server that has little memory. Tells whether a session that was there before still is.
pub(crate) fn is_full(subject: &Subject) -> bool {
    let app = subject.app("timeout=30");
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");
    let mut others = Vec::new();
    loop {
        let mut other = app.test_client();
        if visit(&mut other, "/large/30000").is_none() {
            break;
        }
        others.push(other);
        assert!(others.len() < 5_000, "it is never full");
    }
    assert!(!others.is_empty());
    // What is there can be read, and ended, and then there is room again.
    fails(&mut client, "/large/30000");
    fails(&mut app.test_client(), "/large/30000");
    let is_kept = page(&mut client, "/get/color") == "red";
    let last = others.last_mut().unwrap();
    assert_eq!(page(last, "/get/large").len(), 30_000);
    for other in others.iter_mut().rev().take(20) {
        page(other, "/logout");
    }
    page(&mut client, "/large/30000");
    assert_eq!(page(&mut client, "/get/large").len(), 30_000);
    is_kept
}
