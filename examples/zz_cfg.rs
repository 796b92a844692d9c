//! scratch
use carafe::session::ServerSideSessionInterface;
use carafe::{App, Value};
fn main() {
    let s = std::io::read_to_string(std::io::stdin()).unwrap();
    for line in s.lines().filter(|l| !l.is_empty()) {
        let app = App::new("x");
        let v: Value = carafe::json::loads(line).unwrap();
        let Value::Dict(d) = v else { panic!() };
        let mut e = None;
        for (k, v) in &d {
            if let Err(x) = app.config().set(k, v.clone()) {
                e = Some(format!("SET {x}"));
            }
        }
        let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            ServerSideSessionInterface::from_config(&app)
        }));
        println!(
            "{line}\n   {} {}",
            e.unwrap_or_default(),
            match r {
                Ok(Ok(i)) => format!("OK {i:?}"),
                Ok(Err(e)) => format!("{:?} {e}", e.kind()),
                Err(_) => "PANIC".into(),
            }
        );
    }
}
