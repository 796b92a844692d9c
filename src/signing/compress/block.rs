//! The zlib stream of a small payload, as Python's zlib writes it, byte for byte.
//!
//! Mirrors `_tr_flush_block` of zlib's `trees.c`. A small payload is one block. Its steps are symbols: a byte
//! is one, and a match is two, for its length and its distance. The codes of the symbols are either
//! fixed ones, which both sides know, or the block's own, which come in front. zlib takes what is
//! shorter; and how long either is can be said before anything is written.
//!
//! Read next: `bits.rs`, which writes it.

use super::bits::Bits;
use super::codes::{Coded, code};
use super::matches::{SHORTEST, Step, steps};

/// The end of the block is a symbol too. Those for lengths come after it.
pub(super) const END: usize = 256;
/// How many symbols there are. Two of them are never used.
pub(super) const LITERALS: usize = 288;
pub(super) const DISTANCES: usize = 30;

/// The zlib stream of `data`, if it has at most `limit` bytes. These must be less than `data` has, which
/// must be at most `matches::MOST`.
pub(super) fn stream(data: &[u8], limit: usize) -> Option<Vec<u8>> {
    let steps = steps(data);
    let counts = Counts::new(&steps);
    let own = OwnCodes::new(&counts);
    // In whole bytes: where both are as long, zlib takes the fixed codes.
    let own_size = size(own.bits() + counts.extra);
    let fixed_size = size(fixed_bits(&own) + counts.extra);
    if own_size.min(fixed_size) > limit {
        return None;
    }
    let mut out = Bits::with_capacity(limit);
    out.put_header();
    if fixed_size <= own_size {
        out.put_fixed(&steps);
    } else {
        out.put_own(&steps, &own);
    }
    Some(out.finish(data))
}

/// The bytes of a stream of one block, which has so many bits after the three that say what it is.
fn size(bits: usize) -> usize {
    2 + (3 + bits).div_ceil(8) + 4
}

/// How often there is each symbol, and how many bits come behind their codes.
struct Counts {
    literals: [u16; LITERALS],
    distances: [u16; DISTANCES],
    extra: usize,
}

impl Counts {
    fn new(steps: &[Step]) -> Self {
        let mut counts = Self {
            literals: [0; LITERALS],
            distances: [0; DISTANCES],
            extra: 0,
        };
        counts.literals[END] = 1;
        for step in steps {
            match *step {
                Step::Literal(byte) => counts.literals[usize::from(byte)] += 1,
                Step::Match { length, distance } => {
                    let (length, distance) = (length_symbol(length), distance_symbol(distance));
                    counts.literals[length.symbol] += 1;
                    counts.distances[distance.symbol] += 1;
                    counts.extra += length.extra_bits + distance.extra_bits;
                }
            }
        }
        counts
    }
}

/// A symbol that stands for several lengths or distances, and which of them it is.
pub(super) struct Symbol {
    pub(super) symbol: usize,
    pub(super) extra: u16,
    pub(super) extra_bits: usize,
}

pub(super) fn length_symbol(length: u16) -> Symbol {
    const LONGEST: u16 = 258;
    let mut found = match length {
        // It has a symbol of its own.
        LONGEST => Symbol {
            symbol: 28,
            extra: 0,
            extra_bits: 0,
        },
        _ => symbol(length - SHORTEST as u16, 2),
    };
    found.symbol += END + 1;
    found
}

pub(super) fn distance_symbol(distance: u16) -> Symbol {
    symbol(distance - 1, 1)
}

/// The symbol tells the highest bit of `value`, and so many after it. The others come behind.
fn symbol(value: u16, told: u32) -> Symbol {
    let extra_bits = (value | 1).ilog2().saturating_sub(told);
    Symbol {
        symbol: (extra_bits << told) as usize + usize::from(value >> extra_bits),
        extra: value & !(u16::MAX << extra_bits),
        extra_bits: extra_bits as usize,
    }
}

/// How many bits a symbol has in the fixed code.
pub(super) fn fixed_length(symbol: u16) -> u8 {
    match symbol {
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

/// How many bits a distance has in its fixed code.
pub(super) const FIXED_DISTANCE: u8 = 5;

/// What the same symbols would have taken with the fixed codes.
fn fixed_bits(own: &OwnCodes) -> usize {
    let literals = bits_of(&own.literals, |coded| fixed_length(coded.symbol));
    literals + bits_of(&own.distances, |_| FIXED_DISTANCE)
}

fn bits_of(code: &[Coded], length: impl Fn(&Coded) -> u8) -> usize {
    let bits = |coded: &Coded| usize::from(coded.count) * usize::from(length(coded));
    code.iter().map(bits).sum()
}

/// The block's own codes, and how they are told. It is the lengths that are told, by symbols once more,
/// of which there are 19; and the lengths of the codes for these come first.
pub(super) struct OwnCodes {
    pub(super) literals: Vec<Coded>,
    pub(super) distances: Vec<Coded>,
    pub(super) runs: Vec<Run>,
    pub(super) for_runs: Vec<Coded>,
}

/// A length; or 16 for the last one again, 3 to 6 times; or no code, 17 for 3 to 10 times, 18 for 11 to 138.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) symbol: u8,
    pub(super) extra: u8,
}

/// How many symbols there are for runs.
pub(super) const RUNS: usize = 19;
/// The order in which the lengths of their codes are told, up to the last that there is.
pub(super) const ORDER: [u16; RUNS] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

impl OwnCodes {
    fn new(counts: &Counts) -> Self {
        let literals = code(&counts.literals, 15);
        let distances = code(&counts.distances, 15);
        let mut runs = Vec::with_capacity(LITERALS);
        tell(&literals, &mut runs);
        tell(&distances, &mut runs);
        let mut counts = [0; RUNS];
        for run in &runs {
            counts[usize::from(run.symbol)] += 1;
        }
        let for_runs = code(&counts, 7);
        Self {
            literals,
            distances,
            runs,
            for_runs,
        }
    }

    /// How many of [`ORDER`] are told.
    pub(super) fn told(&self) -> usize {
        let is_there = |symbol: &u16| self.for_runs.iter().any(|coded| coded.symbol == *symbol);
        ORDER.iter().rposition(is_there).map_or(0, |last| last + 1)
    }

    /// What the block takes with these codes.
    fn bits(&self) -> usize {
        let told = 5 + 5 + 4 + 3 * self.told();
        let runs = bits_of(&self.for_runs, |coded| {
            coded.length + run_bits(coded.symbol)
        });
        let literals = bits_of(&self.literals, |coded| coded.length);
        told + runs + literals + bits_of(&self.distances, |coded| coded.length)
    }
}

/// How many bits come behind a symbol for a run.
pub(super) fn run_bits(symbol: u16) -> u8 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

/// Tells the lengths of a code, up to its last symbol.
fn tell(code: &[Coded], runs: &mut Vec<Run>) {
    let alike = |a: &Coded, b: &Coded| a.length == b.length && a.symbol + 1 == b.symbol;
    let mut next = 0;
    for run in code.chunk_by(alike) {
        let symbol = usize::from(run[0].symbol);
        tell_run(0, symbol - next, runs);
        tell_run(run[0].length, run.len(), runs);
        next = symbol + run.len();
    }
}

fn tell_run(length: u8, mut many: usize, runs: &mut Vec<Run>) {
    let once = Run {
        symbol: length,
        extra: 0,
    };
    if length != 0 {
        // What comes again must have been there.
        runs.push(once);
        many -= 1;
    }
    while many >= 3 {
        let (symbol, least, most) = match (length, many) {
            (0, ..=10) => (17, 3, 10),
            (0, _) => (18, 11, 138),
            _ => (16, 3, 6),
        };
        let told = many.min(most);
        let extra = (told - least) as u8;
        runs.push(Run { symbol, extra });
        many -= told;
    }
    runs.extend(std::iter::repeat_n(once, many));
}
