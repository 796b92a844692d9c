//! What of a payload has been there before: the first half of deflate.
//!
//! Mirrors `deflate_slow` and `longest_match` of zlib's `deflate.c`, with what they are given at level 6.
//! A [`Step`] is a byte, or a match: so many bytes, as they stand so far back. Where a match is found, the
//! next byte is tried too, and the longer one is taken. zlib's own limits and oddities are kept, since
//! each is seen in what comes out.
//!
//! Read next: `codes.rs`.

/// More bytes than this are not for here.
pub(super) const MOST: usize = 1024;

/// No match is shorter.
pub(super) const SHORTEST: usize = 3;
/// No match is longer.
const LONGEST: usize = 258;
/// A match that is as long is taken, whatever the next byte would give.
const NOT_LAZY: usize = 16;
/// A match that is as long ends the search for a longer one.
const NICE: usize = 128;
/// A match that is as long lets the next byte be tried less.
const GOOD: usize = 8;
/// So many places are looked at; and so many after a good match.
const TRIES: (usize, usize) = (128, 32);

/// What a block of deflate is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    Literal(u8),
    Match { length: u16, distance: u16 },
}

/// A match that may still be given up for a longer one. It is none where it is shorter than
/// [`SHORTEST`].
#[derive(Clone, Copy)]
struct Found {
    length: usize,
    distance: usize,
}

const NOTHING: Found = Found {
    length: SHORTEST - 1,
    distance: 0,
};

/// The steps that zlib makes of up to [`MOST`] bytes.
pub(super) fn steps(data: &[u8]) -> Vec<Step> {
    let mut steps = Vec::with_capacity(data.len());
    let mut places = Places::new(data);
    // What was found at the byte before this one, where that byte has not become a step yet.
    let mut before = NOTHING;
    let mut waits = false;
    let mut at = 0;
    while at < data.len() {
        let place = places.insert(at);
        let here = if place == 0 || before.length >= NOT_LAZY {
            NOTHING
        } else {
            places.longest_match(at, place, before.length)
        };
        if before.length >= SHORTEST && here.length <= before.length {
            steps.push(Step::Match {
                length: before.length as u16,
                distance: before.distance as u16,
            });
            let end = at - 1 + before.length;
            for inside in at + 1..end {
                places.insert(inside);
            }
            (before, waits, at) = (NOTHING, false, end);
        } else {
            if waits {
                steps.push(Step::Literal(data[at - 1]));
            }
            (before, waits, at) = (here, true, at + 1);
        }
    }
    if waits {
        steps.push(Step::Literal(data[at - 1]));
    }
    steps
}

/// Where three bytes like these stand, the last place first. The first place of all counts as none, in
/// zlib too.
struct Places<'a> {
    data: &'a [u8],
    /// zlib's hash of the three bytes at each place. zlib looks at a limited number of places that have
    /// the same one, so what it finds depends on it.
    hashes: Vec<u16>,
    /// The last place for each bucket.
    last: [u16; BUCKETS],
    /// The place before each place, in its bucket.
    before: Vec<u16>,
}

/// zlib has a bucket for each hash. To make so many would take longer than all the rest.
const BUCKETS: usize = 256;

impl<'a> Places<'a> {
    fn new(data: &'a [u8]) -> Self {
        let hash = |three: &[u8]| {
            let add = |hash: u16, byte: &u8| hash << 5 ^ u16::from(*byte);
            three.iter().fold(0, add) & 0x7fff
        };
        let hashes: Vec<u16> = data.windows(3).map(hash).collect();
        Self {
            data,
            last: [0; BUCKETS],
            before: vec![0; hashes.len()],
            hashes,
        }
    }

    /// Adds a place, and gives the one before it in its bucket.
    fn insert(&mut self, at: usize) -> usize {
        let Some(hash) = self.hashes.get(at) else {
            return 0;
        };
        let bucket = usize::from(hash.wrapping_mul(0x9e35) >> 8) % BUCKETS;
        let before = std::mem::replace(&mut self.last[bucket], at as u16);
        self.before[at] = before;
        usize::from(before)
    }

    /// The longest match of more than `least` bytes for what stands `at`, or else as good as none.
    fn longest_match(&self, at: usize, mut place: usize, least: usize) -> Found {
        let mut longest = Found {
            length: least,
            distance: 0,
        };
        let ahead = &self.data[at..];
        let mut tries = if least < GOOD { TRIES.0 } else { TRIES.1 };
        while place != 0 && tries != 0 {
            if self.hashes[place] == self.hashes[at] {
                let equal = |(a, b): &(&u8, &u8)| a == b;
                let pairs = ahead.iter().zip(&self.data[place..]);
                let length = pairs.take(LONGEST).take_while(equal).count();
                if length > longest.length {
                    let distance = at - place;
                    longest = Found { length, distance };
                    if length >= NICE.min(ahead.len()) {
                        break;
                    }
                }
                tries -= 1;
            }
            place = usize::from(self.before[place]);
        }
        longest
    }
}
