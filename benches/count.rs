//! Does one kind of request a number of times, for callgrind to count the instructions:
//! `count hello 1000`. `benches/count.sh` and `benches/tracing_off.sh` run it.

mod common;

use carafe::trace;
use common::{ByHand, SECRET_KEY, app, cookie, environ, request};

fn main() {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let times: usize = args
        .next()
        .and_then(|times| times.parse().ok())
        .unwrap_or(1);
    let keyless = app(None);
    let app = app(Some(SECRET_KEY));
    let by_hand = ByHand::new();
    let cookie = cookie(&by_hand);
    let hello = || environ("/hello", None);
    let counter = || environ("/counter", cookie.as_ref());
    for _ in 0..times {
        let done = match what.as_str() {
            "hello_without_secret_key" => request(&keyless, hello()).is_ok(),
            "hello" => request(&app, hello()).is_ok(),
            "hello_by_hand" => by_hand.hello(hello()).is_some(),
            "hello_environ" => !hello().path_info.is_empty(),
            "counter" => request(&app, counter()).is_ok(),
            // Also keeps the optimizer from seeing that nobody ever listens, and dropping all spans.
            "counter_recorded" => trace::record(|| request(&app, counter())).0.is_ok(),
            "counter_by_hand" => by_hand.counter(counter()).is_some(),
            "counter_environ" => !counter().path_info.is_empty(),
            // `cargo bench` runs every bench, this one too, with arguments of its own.
            _ => return,
        };
        assert!(done, "{what} failed");
    }
}
