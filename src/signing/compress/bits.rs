//! Bits that become bytes, the lowest first.
//!
//! Mirrors `compress_block` and `send_all_trees` of zlib's `trees.c`.

use super::block::{
    DISTANCES, END, FIXED_DISTANCE, LITERALS, ORDER, OwnCodes, RUNS, distance_symbol, fixed_length,
    length_symbol, run_bits,
};
use super::codes::{Coded, bits};
use super::matches::Step;

/// A code's bits, and how many they are.
type Known = (u16, u8);

/// A stream that is being written.
pub(super) struct Bits {
    bytes: Vec<u8>,
    waiting: u64,
    count: usize,
}

impl Bits {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            waiting: 0,
            count: 0,
        }
    }

    /// Up to 16 bits.
    fn put(&mut self, bits: u16, count: usize) {
        self.waiting |= u64::from(bits) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.waiting as u8);
            self.waiting >>= 8;
            self.count -= 8;
        }
    }

    fn put_code(&mut self, (bits, length): Known) {
        self.put(bits, usize::from(length));
    }

    /// The stream's header, which says level 6; and that the next block is the last.
    pub(super) fn put_header(&mut self) {
        self.put(0x9c78, 16);
        self.put(1, 1);
    }

    /// A block with the fixed codes.
    pub(super) fn put_fixed(&mut self, steps: &[Step]) {
        let fixed = |symbol: usize, length| Coded {
            symbol: symbol as u16,
            count: 0,
            length,
        };
        let literals = std::array::from_fn(|symbol| fixed(symbol, fixed_length(symbol as u16)));
        let distances = std::array::from_fn(|symbol| fixed(symbol, FIXED_DISTANCE));
        let literals: [Coded; LITERALS] = literals;
        let distances: [Coded; DISTANCES] = distances;
        self.put(1, 2);
        self.put_steps(steps, &literals, &distances);
    }

    /// A block with codes of its own.
    pub(super) fn put_own(&mut self, steps: &[Step], own: &OwnCodes) {
        let symbols = |code: &[Coded]| code.last().map_or(0, |last| last.symbol + 1);
        self.put(2, 2);
        self.put(symbols(&own.literals) - 257, 5);
        self.put(symbols(&own.distances) - 1, 5);
        self.put(own.told() as u16 - 4, 4);
        let for_runs = bits::<RUNS>(&own.for_runs);
        for symbol in &ORDER[..own.told()] {
            let (_, length) = for_runs[usize::from(*symbol)];
            self.put(u16::from(length), 3);
        }
        for run in &own.runs {
            self.put_code(for_runs[usize::from(run.symbol)]);
            let extra_bits = run_bits(u16::from(run.symbol));
            self.put(u16::from(run.extra), usize::from(extra_bits));
        }
        self.put_steps(steps, &own.literals, &own.distances);
    }

    /// The steps, and the end of the block.
    fn put_steps(&mut self, steps: &[Step], literals: &[Coded], distances: &[Coded]) {
        let literals = bits::<LITERALS>(literals);
        let distances = bits::<DISTANCES>(distances);
        for step in steps {
            match *step {
                Step::Literal(byte) => self.put_code(literals[usize::from(byte)]),
                Step::Match { length, distance } => {
                    let length = length_symbol(length);
                    self.put_code(literals[length.symbol]);
                    self.put(length.extra, length.extra_bits);
                    let distance = distance_symbol(distance);
                    self.put_code(distances[distance.symbol]);
                    self.put(distance.extra, distance.extra_bits);
                }
            }
        }
        self.put_code(literals[END]);
    }

    /// Ends the stream with the checksum of what it holds.
    pub(super) fn finish(mut self, data: &[u8]) -> Vec<u8> {
        // What is left becomes a whole byte.
        self.put(0, 7);
        self.bytes.extend(adler32(data).to_be_bytes());
        self.bytes
    }
}

/// zlib's checksum, of up to 4 KiB.
fn adler32(data: &[u8]) -> u32 {
    const PRIME: u32 = 65521;
    let (mut a, mut b) = (1, 0);
    for byte in data {
        a += u32::from(*byte);
        b += a;
    }
    ((b % PRIME) << 16) | (a % PRIME)
}
