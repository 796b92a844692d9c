//! scratch
use carafe::session::store::{Ability, Entry, Lifetime, Verdict, open};
fn main() {
    for u in std::env::args().skip(1) {
        let r = (|| {
            let s = open(&u)?;
            let l = Lifetime {
                now: 1_700_000_000.max(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()),
                seconds: 60,
            };
            s.set("session:a", b"one", l)?;
            let g = s.get("session:a", l.now)?;
            let t = s.touch("session:a", l)?;
            let c = s.compare_and_set("session:a", Some(b"one"), b"two", l);
            let mut n = 0;
            let v = s.can(Ability::Visit).then(|| {
                s.visit("session:", l.now, &mut |_: Entry<'_>| {
                    n += 1;
                    Verdict::Keep
                })
            });
            s.delete("session:a")?;
            let g2 = s.get("session:a", l.now)?;
            let cl = s.cleanup(l.now)?;
            Ok::<_, carafe::session::store::StoreError>(format!(
                "{} get {:?} touch {t} cas {:?} visit {:?} {n} after {:?} cleanup {cl}",
                s.name(),
                g.map(|g| g.len()),
                c,
                v,
                g2
            ))
        })();
        match r {
            Ok(t) => println!("OK  {u}\n      {t}"),
            Err(e) => println!("ERR {u}\n      {:?}: {e}", e.kind()),
        }
    }
}
