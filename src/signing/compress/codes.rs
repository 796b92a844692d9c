//! How long the code of each symbol is, and what it is.
//!
//! Mirrors `build_tree`, `gen_bitlen` and `gen_codes` of zlib's `trees.c`. A symbol that is there more often
//! gets a shorter code: Huffman joins the two rarest, again and again, until there is one tree. Which of
//! equally rare ones are joined does not change what all symbols cost together, but it does change what
//! it costs to tell the lengths. So the heap that the rarest come from is zlib's.
//!
//! Read next: `block.rs`.

use smallvec::SmallVec;

/// A symbol, how often it is there, and how many bits its code has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coded {
    pub(super) symbol: u16,
    pub(super) count: u16,
    pub(super) length: u8,
}

/// Most payloads have no more symbols. No memory is allocated for them.
const FEW: usize = 64;
pub(super) type Code = SmallVec<[Coded; FEW]>;

/// A code for all symbols that are there, in their order. No symbol has more than `longest` bits, which
/// must be enough for all.
///
/// There are two symbols or more, even where not so many are there.
pub(super) fn code<const N: usize>(counts: &[u16; N], longest: usize) -> Code {
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
        node: node as u32,
    };
    let mut heap: SmallVec<[Rare; FEW]> = code.iter().enumerate().map(rare).collect();
    set_lengths(&mut code, &join(&mut heap), longest);
    code
}

/// The symbols that are there.
fn there<const N: usize>(counts: &[u16; N]) -> Code {
    let mut code = Code::new();
    // Most are not: sixteen at a time.
    for (at, counts) in counts.chunks(16).enumerate() {
        if counts.iter().fold(0, |any, count| any | count) == 0 {
            continue;
        }
        for (symbol, count) in (16 * at as u16..).zip(counts) {
            if *count != 0 {
                code.push(Coded {
                    symbol,
                    count: *count,
                    length: 0,
                });
            }
        }
    }
    code
}

/// Goes through the tree from the top down, where the last to be joined are.
fn set_lengths(code: &mut [Coded], joined: &[Joined], longest: usize) {
    let mut depths: SmallVec<[u8; 2 * FEW]> = SmallVec::from_elem(0, joined.len() + 1);
    let depths = &mut depths[..];
    let mut counted = [0; 16];
    let mut too_deep = 0;
    for Joined { node, parent } in joined.iter().rev() {
        let (node, parent) = (*node as usize, *parent as usize);
        let mut depth = depths[parent] + 1;
        if usize::from(depth) > longest {
            depth -= 1;
            too_deep += 1;
        }
        depths[node] = depth;
        if let Some(coded) = code.get_mut(node) {
            coded.length = depth;
            counted[usize::from(depth)] += 1;
        }
    }
    if too_deep == 0 {
        return;
    }
    make_room(&mut counted, longest, too_deep);
    let deepest = (1..=longest).rev();
    let mut deepest = deepest.flat_map(|depth| std::iter::repeat_n(depth as u8, counted[depth]));
    // The first to be joined are the rarest.
    for Joined { node, .. } in joined {
        if let Some(coded) = code.get_mut(*node as usize) {
            coded.length = deepest.next().unwrap_or(coded.length);
        }
    }
}

/// A symbol, or several that were joined: a node of the tree.
#[derive(Clone, Copy)]
struct Rare {
    /// How often it is there; and, in the lowest eight bits, how high the tree below it is.
    weight: u32,
    node: u32,
}

/// A node of the tree, and the joint above it.
#[derive(Clone, Copy)]
struct Joined {
    node: u32,
    parent: u32,
}

/// Joins all to one tree. Gives its nodes but for the top, as they were joined. Joints have the numbers
/// that follow those of the symbols.
fn join(mut heap: &mut [Rare]) -> SmallVec<[Joined; 2 * FEW]> {
    let mut joined = SmallVec::with_capacity(2 * heap.len());
    let mut parent = heap.len() as u32;
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
        for Rare { node, .. } in [one, other] {
            joined.push(Joined { node, parent });
        }
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

/// Makes room for codes that would have been too long: each time, one of the longest that are short
/// enough is made longer by a bit, so that another fits beside it.
fn make_room(counted: &mut [usize; 16], longest: usize, too_deep: usize) {
    for _ in 0..too_deep.div_ceil(2) {
        let shorter = (1..longest).rev().find(|depth| counted[*depth] > 0);
        let Some(shorter) = shorter else {
            return;
        };
        counted[shorter] -= 1;
        counted[shorter + 1] += 2;
        counted[longest] -= 1;
    }
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
