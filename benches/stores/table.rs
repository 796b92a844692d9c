//! The results as Markdown, and where they go in the document.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Contestant;
use crate::places::Place;

const BEGIN: &str = "<!-- stores: begin; written by cargo bench --bench stores -- --write -->\n";
const END: &str = "<!-- stores: end -->";

/// What stands between the markers.
pub(crate) fn markdown(places: &[Place], turns: usize, batch: usize, load: &str) -> String {
    let mut text = format!(
        "On {}, at commit `{}`: {}, Linux {}, {}. Medians of {turns} turns of {batch} requests each; a ratio is the median of \
         the turns' ratios: what disturbed one disturbed both. The machine's load was {} before the first turn.\n\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
        said_by("git", &["rev-parse", "--short", "HEAD"]),
        cpu(),
        read("/proc/sys/kernel/osrelease").trim(),
        said_by("rustc", &["--version"]),
        load.split(' ').next().unwrap_or_default(),
    );
    text += "| store | floor | Carafe | of the floor | of the floor and a request in memory | Flask-Session | \
             round trips: floor, Carafe, Flask-Session |\n| --- | --- | --- | --- | --- | --- | --- |\n";
    let request = places.iter().find(|place| place.name == "memory");
    let request = request.and_then(|memory| memory.all.first());
    for place in places {
        let row = match place.all.is_empty() {
            true => "not measured".to_owned() + &" | ".repeat(5),
            false => row(place, request),
        };
        writeln!(text, "| {} | {row} |", place.name).unwrap();
    }
    for (place, peer) in places
        .iter()
        .flat_map(|place| place.all.iter().map(move |one| (place, one)))
    {
        if !["floor", "Carafe", "Flask-Session"].contains(&peer.name) {
            let time = micro(peer.median());
            write!(text, "\n{} on the same {}: {time}", peer.name, place.name).unwrap();
            if let Some(trips) = peer.round_trips {
                write!(text, ", {trips} round trips").unwrap();
            }
            text += ".\n";
        }
    }
    text
}

/// What follows the store's name.
fn row(place: &Place, request: Option<&Contestant>) -> String {
    let of = |name: &str| place.all.iter().find(|one| one.name == name);
    let all = ["floor", "Carafe", "Flask-Session"].map(of);
    let [floor, carafe, flask] = all;
    let time = |one: Option<&Contestant>| one.map_or(String::new(), |one| micro(one.median()));
    let ratio = |to: &dyn Fn(usize) -> Option<f64>| {
        let turns = carafe.map(|carafe| carafe.turns.iter().enumerate());
        let ratios = turns
            .into_iter()
            .flatten()
            .map(|(turn, time)| Some(time / to(turn)?));
        let ratios: Option<Vec<f64>> = ratios.collect();
        ratios.map_or(String::new(), |ratios| format!("{:.2}", median(ratios)))
    };
    let floor_at = |turn: usize| floor.map(|floor| floor.turns[turn]);
    let both_at = |turn: usize| Some(floor_at(turn)? + request?.turns[turn]);
    let trips = all.map(|one| match one.and_then(|one| one.round_trips) {
        Some(trips) => trips.to_string(),
        None => "–".to_owned(),
    });
    let trips = match place.port {
        Some(_) => trips.join(", "),
        None => String::new(),
    };
    let cells = [
        time(floor),
        time(carafe),
        ratio(&floor_at),
        ratio(&both_at),
        time(flask),
        trips,
    ];
    cells.join(" | ")
}

impl Contestant {
    /// In microseconds.
    fn median(&self) -> f64 {
        median(self.turns.clone())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn micro(time: f64) -> String {
    match time < 100.0 {
        true => format!("{time:.1} µs"),
        false => format!("{time:.0} µs"),
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn said_by(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_default()
}

/// How many cores of what.
fn cpu() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = read("/proc/cpuinfo");
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model
        .unwrap_or("unknown processor")
        .trim_matches([' ', '\t', ':']);
    format!("{cores} cores of {model}")
}

/// Puts it between the markers of the document.
pub(crate) fn write(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document
        .split_once(BEGIN)
        .expect("the marker where it begins");
    let (_, after) = rest.split_once(END).expect("the marker where it ends");
    fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
}
