//! How long the code of each symbol is, and what it is.
//!
//! Mirrors `build_tree`, `gen_bitlen` and `gen_codes` of zlib's `trees.c`. A symbol that is there more often
//! gets a shorter code: Huffman joins the two rarest, again and again, until there is one tree. Which of
//! equally rare ones are joined does not change what all symbols cost together, but it does change what
//! it costs to tell the lengths. So the heap that the rarest come from is zlib's.
//!
//! Read next: `block.rs`.

use std::iter::repeat_n;

/// A symbol, how often it is there, and how many bits its code has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coded {
    pub(super) symbol: u16,
    pub(super) count: u16,
    pub(super) length: u8,
}

/// A code for all symbols that are there, in their order. No symbol has more than `longest` bits, which
/// must be enough for all.
///
/// There are two symbols or more, even where not so many are there.
pub(super) fn code<const N: usize>(counts: &[u16; N], longest: usize) -> Vec<Coded> {
    let mut code = there(counts);
    while code.len() < 2 {
        let (symbol, at) = match code.first() {
            None => (0, 0),
            Some(Coded { symbol, .. }) if *symbol < 2 => (symbol + 1, 1),
            Some(_) => (0, 0),
        };
        let unused = Coded {
            symbol,
            count: 0,
            length: 0,
        };
        code.insert(at, unused);
    }
    let rare = |(node, coded): (usize, &Coded)| Rare {
        weight: u32::from(coded.count) << 8,
        node: node as u16,
    };
    let mut heap: Vec<Rare> = code.iter().enumerate().map(rare).collect();
    set_lengths(&mut code, &join(&mut heap), longest);
    code
}

/// The symbols that are there.
fn there<const N: usize>(counts: &[u16; N]) -> Vec<Coded> {
    let none = Coded {
        symbol: 0,
        count: 0,
        length: 0,
    };
    // Most are not there: sixteen at a time. Of the others no processor can guess which are: so all are
    // written down, over one another.
    let mut code = [none; N];
    let mut many = 0;
    for (counts, first) in counts.chunks(16).zip((0..).step_by(16)) {
        if counts.iter().fold(0, |any, count| any | count) == 0 {
            continue;
        }
        for (count, symbol) in counts.iter().zip(first..) {
            code[many].symbol = symbol;
            code[many].count = *count;
            many += usize::from(*count != 0);
        }
    }
    code[..many].to_vec()
}

/// Goes through the tree from the top down, where the last to be joined are.
fn set_lengths(code: &mut [Coded], joined: &[Joined], longest: usize) {
    let mut depths = vec![0; joined.len() + 1];
    let mut too_deep = 0;
    for Joined { node, parent } in joined.iter().rev() {
        let depth = depths[usize::from(*parent)] + 1;
        too_deep += usize::from(depth > longest);
        depths[usize::from(*node)] = depth.min(longest);
    }
    for (coded, depth) in code.iter_mut().zip(depths) {
        coded.length = depth as u8;
    }
    if too_deep > 0 {
        shorten(code, joined, longest, too_deep);
    }
}

/// Makes room for codes that would have been too long. Each time, one of the longest that are short enough
/// becomes longer by a bit, so that another fits beside it.
fn shorten(code: &mut [Coded], joined: &[Joined], longest: usize, too_deep: usize) {
    let mut counted = [0; 16];
    for coded in &*code {
        counted[usize::from(coded.length)] += 1;
    }
    for _ in 0..too_deep.div_ceil(2) {
        let shorter = (1..longest).rev().find(|length| counted[*length] > 0);
        let Some(shorter) = shorter else {
            return;
        };
        counted[shorter] -= 1;
        counted[shorter + 1] += 2;
        counted[longest] -= 1;
    }
    // The first to be joined are the rarest.
    let lengths = (1..=longest as u8).rev();
    let mut lengths = lengths.flat_map(|length| repeat_n(length, counted[usize::from(length)]));
    for Joined { node, .. } in joined {
        if let Some(coded) = code.get_mut(usize::from(*node)) {
            coded.length = lengths.next().unwrap_or(coded.length);
        }
    }
}

/// A symbol, or several that were joined: a node of the tree.
#[derive(Clone, Copy)]
struct Rare {
    /// How often it is there; and, in the lowest eight bits, how high the tree below it is.
    weight: u32,
    node: u16,
}

/// A node of the tree, and the joint above it.
#[derive(Clone, Copy)]
struct Joined {
    node: u16,
    parent: u16,
}

/// Joins all to one tree. Gives its nodes but for the top, as they were joined. Joints have the numbers
/// that follow those of the symbols.
fn join(mut heap: &mut [Rare]) -> Vec<Joined> {
    let mut joined = Vec::with_capacity(2 * heap.len());
    let mut parent = heap.len() as u16;
    for top in (0..heap.len() / 2).rev() {
        sift_down(heap, top);
    }
    while let [one, .., last] = *heap {
        // The last one fills the gap that the rarest leaves.
        let len = heap.len() - 1;
        heap = &mut heap[..len];
        heap[0] = last;
        sift_down(heap, 0);
        let other = heap[0];
        joined.extend([one, other].map(|Rare { node, .. }| Joined { node, parent }));
        let height = (one.weight & 0xff).max(other.weight & 0xff) + 1;
        let weight = ((one.weight & !0xff) + (other.weight & !0xff)) | height;
        heap[0] = Rare {
            weight,
            node: parent,
        };
        sift_down(heap, 0);
        parent += 1;
    }
    joined
}

/// Moves what is at `top` down to where nothing below it is lighter. Whatever is as heavy stays where
/// zlib leaves it.
fn sift_down(heap: &mut [Rare], mut top: usize) {
    let moved = heap[top];
    while let Some(left) = heap.get(2 * top + 1) {
        let mut child = 2 * top + 1;
        if let Some(right) = heap.get(child + 1) {
            child += usize::from(right.weight <= left.weight);
        }
        let lighter = heap[child];
        if moved.weight <= lighter.weight {
            break;
        }
        heap[top] = lighter;
        top = child;
    }
    heap[top] = moved;
}

/// The bits of each symbol's code, the first one lowest, and how many they are. Codes of one length
/// follow each other, after all that are shorter.
pub(super) fn bits<const N: usize>(code: &[Coded]) -> [(u16, u8); N] {
    let mut counted = [0; 16];
    for coded in code {
        counted[usize::from(coded.length)] += 1;
    }
    let mut next = [0_u16; 16];
    for length in 1..16 {
        next[length] = (next[length - 1] + counted[length - 1]) << 1;
    }
    let mut bits = [(0, 0); N];
    for coded in code {
        let next = &mut next[usize::from(coded.length)];
        let reversed = next.reverse_bits() >> (16 - coded.length);
        bits[usize::from(coded.symbol)] = (reversed, coded.length);
        *next += 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of these lengths fill all there is, and leave nothing for another.
    fn is_full(code: &[Coded], longest: u32) -> bool {
        let parts = code
            .iter()
            .map(|coded| 1_u32 << (longest - u32::from(coded.length)));
        parts.sum::<u32>() == 1 << longest
    }

    #[test]
    fn what_would_be_too_long_is_made_to_fit() {
        // Each as often as all before it together, and more: the longest codes there can be.
        let mut counts = [1_u16; 19];
        for at in 2..19 {
            counts[at] = counts[at - 1] + counts[at - 2];
        }
        assert_eq!(code(&[1, 1, 2, 3, 5, 8, 13, 21, 34, 55], 15)[0].length, 9);
        let made = code(&counts, 7);
        assert!(made.iter().all(|coded| (1..=7).contains(&coded.length)));
        assert!(is_full(&made, 7), "{made:?}");
        assert!(made.is_sorted_by_key(|coded| std::cmp::Reverse(coded.length)));
    }

    #[test]
    fn there_are_two_symbols_where_there_are_none() {
        let symbols = |there: &[usize]| {
            let mut counts = [0; 30];
            for symbol in there {
                counts[*symbol] = 5;
            }
            let code = code(&counts, 15);
            assert!(is_full(&code, 15), "{code:?}");
            let symbols = code.iter().map(|coded| coded.symbol);
            symbols.collect::<Vec<_>>()
        };
        assert_eq!(symbols(&[]), [0, 1]);
        assert_eq!(symbols(&[0]), [0, 1]);
        assert_eq!(symbols(&[1]), [1, 2]);
        assert_eq!(symbols(&[2]), [0, 2]);
        assert_eq!(symbols(&[3, 29]), [3, 29]);
    }

    #[test]
    fn codes_of_a_length_follow_each_other_after_all_that_are_shorter() {
        let code = code(&[1, 1, 2, 0, 5], 15);
        let expected = [(0b011, 3), (0b111, 3), (0b01, 2), (0, 0), (0b0, 1)];
        assert_eq!(bits::<5>(&code), expected);
    }
}
