//! Calls of the store itself.

use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use carafe::Error;
use carafe::clock::FixedClock;
use carafe::session::store::{Ability, Entry, Verdict};

use super::{LIFETIME, NOW, RUBBISH, Subject, can, ensure, lifetime, lifetime_at, prefix, same};

/// What a store that takes pickles only is given here too: it has to keep any bytes.
pub(super) fn store_keeps(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    same("nothing", store.get(&key, NOW)?, None)?;
    store.set(&key, b"one", lifetime())?;
    same(
        "the value",
        store.get(&key, NOW)?.as_deref(),
        Some(&b"one"[..]),
    )?;
    store.set(&key, b"two", lifetime())?;
    same(
        "the next",
        store.get(&key, NOW)?.as_deref(),
        Some(&b"two"[..]),
    )?;
    store.delete(&key)?;
    same("what is deleted", store.get(&key, NOW)?, None)?;
    store.delete(&key)?;
    Ok(())
}

pub(super) fn store_keeps_any_bytes(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    let large = vec![0xa5; 50_000];
    for value in [&b"\x00\x80\xff\r\n"[..], b"1", &large] {
        store.set(&key, value, lifetime())?;
        let found = store.get(&key, NOW)?;
        ensure(found.as_deref() == Some(value), "bytes came back as others")?;
    }
    Ok(())
}

pub(super) fn store_odd_keys(subject: &Subject) -> Result<(), Error> {
    let store = (subject.store)();
    let long = "x".repeat(255);
    for id in RUBBISH.iter().copied().chain([&*long]) {
        // The interface lets printable ASCII through, and nothing longer.
        if id.bytes().all(|byte| byte.is_ascii_graphic()) {
            let key = format!("session:{id}-{}", prefix());
            same(id, store.get(&key, NOW)?, None)?;
            ensure(!store.touch(&key, lifetime())?, "a touch found nothing")?;
            store.delete(&key)?;
        }
    }
    Ok(())
}

// ANCHOR: store_whole_keys
pub(super) fn store_whole_keys(subject: &Subject) -> Result<(), Error> {
    let (store, prefix) = ((subject.store)(), prefix());
    let key = format!("{prefix}aBcDeF");
    store.set(&key, b"one", lifetime())?;
    // What a thief can think of who knows no id.
    for id in [
        "a", "aBcDe", "aBcDeFg", "abcdef", "ABCDEF", "......", "*", "%", "______",
    ] {
        let other = format!("{prefix}{id}");
        same(id, store.get(&other, NOW)?, None)?;
        ensure(
            !store.touch(&other, lifetime())?,
            format!("a touch of {id} found it"),
        )?;
        store.delete(&other)?;
    }
    ensure(store.get(&key, NOW)?.is_some(), "another key deleted it")
}
// ANCHOR_END: store_whole_keys

pub(super) fn store_expires(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    let clock = FixedClock::new(NOW);
    store.set(&key, b"one", lifetime())?;
    (subject.pass)(&clock, LIFETIME / 2);
    let now = carafe::clock::Clock::now(&clock);
    ensure(store.get(&key, now)?.is_some(), "it is gone too soon")?;
    (subject.pass)(&clock, LIFETIME);
    let now = carafe::clock::Clock::now(&clock);
    same("what has expired", store.get(&key, now)?, None)?;
    ensure(!store.touch(&key, lifetime_at(now))?, "a touch revived it")?;
    same("what was touched", store.get(&key, now)?, None)
}

pub(super) fn store_set_anew(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    let clock = FixedClock::new(NOW);
    for round in 0..3 {
        let now = carafe::clock::Clock::now(&clock);
        if round == 1 {
            ensure(
                store.touch(&key, lifetime_at(now))?,
                "a touch found nothing",
            )?;
        } else {
            store.set(&key, b"one", lifetime_at(now))?;
        }
        (subject.pass)(&clock, LIFETIME * 3 / 4);
        let now = carafe::clock::Clock::now(&clock);
        ensure(store.get(&key, now)?.is_some(), "it is gone too soon")?;
    }
    Ok(())
}

pub(super) fn store_touches(subject: &Subject) -> Result<(), Error> {
    let (store, key) = ((subject.store)(), prefix() + "id");
    ensure(!store.touch(&key, lifetime())?, "a touch found nothing")?;
    same("nothing", store.get(&key, NOW)?, None)?;
    store.set(&key, b"one", lifetime())?;
    for _twice in 0..2 {
        ensure(store.touch(&key, lifetime())?, "a touch did not find it")?;
    }
    same(
        "the value",
        store.get(&key, NOW)?.as_deref(),
        Some(&b"one"[..]),
    )
}

pub(super) fn store_compares(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::CompareAndSet)? {
        return Ok(());
    }
    let (store, key) = ((subject.store)(), prefix() + "id");
    let try_it = |expected: Option<&[u8]>, value: &[u8]| {
        store.compare_and_set(&key, expected, value, lifetime())
    };
    ensure(
        !try_it(Some(b"one"), b"bad")?,
        "nothing was taken for a value",
    )?;
    ensure(try_it(None, b"one")?, "a new one was refused")?;
    ensure(!try_it(None, b"bad")?, "a value was taken for nothing")?;
    ensure(!try_it(Some(b"two"), b"bad")?, "another value was taken")?;
    ensure(try_it(Some(b"one"), b"one")?, "the same was refused")?;
    ensure(try_it(Some(b"one"), b"two")?, "the right one was refused")?;
    same(
        "the value",
        store.get(&key, NOW)?.as_deref(),
        Some(&b"two"[..]),
    )?;
    store.delete(&key)?;
    ensure(!try_it(Some(b"two"), b"bad")?, "what was deleted is back")
}

pub(super) fn store_compares_at_once(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::CompareAndSet)? {
        return Ok(());
    }
    let (store, key) = ((subject.store)(), prefix() + "id");
    for _round in 0..20 {
        store.set(&key, b"0", lifetime())?;
        let start = Arc::new(Barrier::new(8));
        let threads = (1..=8_u8).map(|thread| {
            let (store, key, start) = (Arc::clone(&store), key.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                store.compare_and_set(&key, Some(b"0"), &[thread], lifetime())
            })
        });
        let threads: Vec<_> = threads.collect();
        let mut winners = 0;
        for thread in threads {
            winners += u32::from(thread.join().map_err(|_| Error::panic("a thread"))??);
        }
        ensure(winners == 1, "not one and only one has won")?;
    }
    Ok(())
}

pub(super) fn store_visits(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::Visit)? {
        return Ok(());
    }
    // A prefix may hold what a pattern gives a meaning.
    for odd in ["", "[a]*?", "%_\\", "^.+$("] {
        let (store, prefix) = ((subject.store)(), prefix() + odd);
        let value = |n: usize| format!("{prefix}{n}").into_bytes();
        for n in 0..5 {
            store.set(&format!("{prefix}{n}"), &value(n), lifetime())?;
        }
        let mut shown = 0;
        store.visit(&prefix, NOW, &mut |entry: Entry<'_>| {
            // Where the store does not know its keys, it shows others' too.
            let mine = entry.value.starts_with(prefix.as_bytes());
            if entry
                .key
                .is_some_and(|key| !key.starts_with(&prefix) || !mine)
            {
                return Verdict::Keep;
            }
            shown += u32::from(mine);
            match entry.value == value(3) {
                true => Verdict::Delete,
                false => Verdict::Keep,
            }
        })?;
        same("how many were shown", shown, 5)?;
        for n in 0..5 {
            let found = store.get(&format!("{prefix}{n}"), NOW)?;
            same("whether it is there", found.is_some(), n != 3)?;
        }
    }
    Ok(())
}

/// It is another thread that uses the store, as another request would. Where the visit holds a lock, that one
/// waits until the visit is over, and so this does not wait for ever.
pub(super) fn store_is_free_while_visited(subject: &Subject) -> Result<(), Error> {
    if !can(subject, Ability::Visit)? {
        return Ok(());
    }
    let (store, prefix) = ((subject.store)(), prefix());
    let (one, other) = (format!("{prefix}one"), format!("{prefix}other"));
    store.set(&one, b"one", lifetime())?;
    let use_it = {
        let (store, other) = (Arc::clone(&store), other.clone());
        move || {
            store.set(&other, b"other", lifetime())?;
            store.get(&other, NOW)?;
            store.delete(&other)
        }
    };
    let (mut users, mut is_free) = (Vec::new(), true);
    store.visit(&prefix, NOW, &mut |entry: Entry<'_>| {
        if users.is_empty() && entry.value == b"one" {
            let (use_it, (done, is_done)) = (use_it.clone(), mpsc::channel());
            users.push(thread::spawn(move || {
                let used = use_it();
                let _ = done.send(());
                used
            }));
            is_free = is_done.recv_timeout(Duration::from_secs(20)).is_ok();
        }
        Verdict::Keep
    })?;
    ensure(users.len() == 1, "the entry was not shown")?;
    for user in users {
        user.join().map_err(|_| Error::panic("a thread"))??;
    }
    ensure(is_free, "the store waits until the visit is over")
}

pub(super) fn store_cleans_up(subject: &Subject) -> Result<(), Error> {
    let (store, prefix) = ((subject.store)(), prefix());
    let clock = FixedClock::new(NOW);
    store.set(&format!("{prefix}old"), b"old", lifetime())?;
    (subject.pass)(&clock, LIFETIME + 2);
    let now = carafe::clock::Clock::now(&clock);
    store.set(&format!("{prefix}new"), b"new", lifetime_at(now))?;
    let cleaned = store.cleanup(now)?;
    if !store.expires_by_itself() {
        ensure(cleaned >= 1, "nothing was cleaned up")?;
        same("what is left", store.cleanup(now)?, 0)?;
    }
    let new = store.get(&format!("{prefix}new"), now)?;
    ensure(new.is_some(), "a live session was cleaned up")
}

pub(super) fn store_is_shared(subject: &Subject) -> Result<(), Error> {
    let (one, other, key) = ((subject.store)(), (subject.store)(), prefix() + "id");
    one.set(&key, b"one", lifetime())?;
    let found = other.get(&key, NOW)?;
    same("the value", found.as_deref(), Some(&b"one"[..]))
}
