//! A pickle, read as data.
//!
//! A pickle is a program for a machine with a stack, and running it may call anything. Here its
//! opcodes build a list of [`Node`]s and nothing else: where it says "call `decimal.Decimal` with
//! `'1.50'`", the node says so too, and stays an [`Object`] that is written back as it was. What cannot
//! be held that way is refused, and the session with it, so that no save loses a part of it.
//!
//! Mirrors `Lib/pickle.py` and `Lib/pickletools.py`, for the protocols 0 to 5, as Python 3 writes them.
//!
//! Read next: `pickle_long.rs` and `pickle_old.rs`, for large integers and for what is older than Python 3;
//! `pickle_value.rs`, which makes values of the nodes; `pickle_writer.rs`.

use std::collections::HashMap;

use super::FormatError;
use super::pickle_long;
use super::pickle_old;
use super::pickle_value::Tree;
use crate::value::Value;

/// Where a node is, in the order in which they were made.
pub(super) type Id = usize;

/// What one or more opcodes have built.
#[derive(Debug)]
pub(super) enum Node {
    /// Nothing that holds another node.
    Leaf(Value),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A set or a frozenset: `builtins` has both.
    Set(&'static str, Vec<Id>),
    /// `module.name`.
    Global(String, String),
    /// `class(*args)`, or with `new` `class.__new__(class, *args)`; then it is filled with the items of a
    /// list or a dict, and given a state.
    Object {
        class: Id,
        args: Id,
        new: bool,
        items: Option<Id>,
        state: Option<Id>,
    },
}

/// `pickle.loads(bytes)`, where that is nothing but data.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, FormatError> {
    let mut machine = Machine {
        rest: bytes,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        protocol: 0,
    };
    let root = machine.run()?;
    Tree::new(&machine.nodes).value(root)
}

/// `pickle._Unpickler`, as far as it builds data.
struct Machine<'a> {
    rest: &'a [u8],
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// How high the stack was at each open mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    protocol: u8,
}

const CUT_OFF: &str = "the pickle is cut off";
const STACK: &str = "the pickle takes what it has not put on its stack";

impl<'a> Machine<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FormatError> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => FormatError::new(CUT_OFF),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let taken = self.take(N)?;
        taken.try_into().or_else(|_| FormatError::new(CUT_OFF))
    }

    fn u8(&mut self) -> Result<u8, FormatError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, FormatError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn long_length(&mut self) -> Result<usize, FormatError> {
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).or_else(|_| FormatError::new(CUT_OFF))
    }

    fn line(&mut self) -> Result<&'a [u8], FormatError> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.unwrap_or(self.rest.len()) + 1)?;
        Ok(&line[..line.len() - 1])
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn leaf(&mut self, value: impl Into<Value>) {
        self.push(Node::Leaf(value.into()));
    }

    fn pop(&mut self) -> Result<Id, FormatError> {
        // What is below an open mark is not there.
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => FormatError::new(STACK),
        }
    }

    fn top(&self) -> Result<Id, FormatError> {
        self.stack
            .last()
            .copied()
            .ok_or(FormatError(STACK.to_owned()))
    }

    /// All above the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Id>, FormatError> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => FormatError::new(STACK),
        }
    }

    fn tuple(&mut self, length: usize) -> Result<(), FormatError> {
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Node::Tuple(items));
        Ok(())
    }

    fn memoize(&mut self, index: u32) -> Result<(), FormatError> {
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn get(&mut self, index: u32) -> Result<(), FormatError> {
        match self.memo.get(&index) {
            Some(id) => self.stack.push(*id),
            None => return FormatError::new("the pickle has no memory of what it asks for"),
        }
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<(), FormatError> {
        let text = text(self.take(length)?)?;
        self.leaf(text);
        Ok(())
    }

    fn bytes(&mut self, length: usize) -> Result<(), FormatError> {
        let bytes = self.take(length)?.to_vec();
        self.leaf(Value::Bytes(bytes));
        Ok(())
    }

    /// Runs to the end, and gives what is on the stack then.
    // ANCHOR: run
    fn run(&mut self) -> Result<Id, FormatError> {
        loop {
            match self.u8()? {
                b'.' if self.rest.is_empty() => return self.pop(),
                b'.' => return FormatError::new("bytes are left behind the pickle"),
                opcode => self.step(opcode)?,
            }
        }
    }
    // ANCHOR_END: run

    // ANCHOR: step
    fn step(&mut self, opcode: u8) -> Result<(), FormatError> {
        match opcode {
            0x80 => self.protocol = self.u8()?, // PROTO
            0x95 => drop(self.array::<8>()?),   // FRAME
            b'N' => self.leaf(()),              // NONE
            0x88 => self.leaf(true),            // NEWTRUE
            0x89 => self.leaf(false),           // NEWFALSE
            b'J' => {
                // BININT
                let number = i32::from_le_bytes(self.array()?);
                self.leaf(number);
            }
            b'K' => {
                // BININT1
                let number = self.u8()?;
                self.leaf(u32::from(number));
            }
            b'M' => {
                // BININT2
                let number = u16::from_le_bytes(self.array()?);
                self.leaf(u32::from(number));
            }
            0x8a | 0x8b => {
                // LONG1, LONG4
                let length = match opcode {
                    0x8a => self.u8()?.into(),
                    _ => self.u32()? as usize,
                };
                let number = pickle_long::decode(self.take(length)?)?;
                self.leaf(number);
            }
            b'G' => {
                // BINFLOAT
                let number = f64::from_be_bytes(self.array()?);
                self.leaf(number);
            }
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
            0x8c => return self.u8().map(usize::from).and_then(|n| self.text(n)),
            b'X' => return self.u32().and_then(|n| self.text(n as usize)),
            0x8d => return self.long_length().and_then(|n| self.text(n)),
            // SHORT_BINBYTES, BINBYTES, BINBYTES8
            b'C' => return self.u8().map(usize::from).and_then(|n| self.bytes(n)),
            b'B' => return self.u32().and_then(|n| self.bytes(n as usize)),
            0x8e => return self.long_length().and_then(|n| self.bytes(n)),
            0x96 => return self.bytearray(),            // BYTEARRAY8
            b']' => self.push(Node::List(Vec::new())),  // EMPTY_LIST
            b')' => self.push(Node::Tuple(Vec::new())), // EMPTY_TUPLE
            b'}' => self.push(Node::Dict(Vec::new())),  // EMPTY_DICT
            0x8f => self.push(Node::Set("set", Vec::new())), // EMPTY_SET
            0x85..=0x87 => return self.tuple(usize::from(opcode - 0x84)), // TUPLE1 to TUPLE3
            b'(' => self.marks.push(self.stack.len()),  // MARK
            b't' => {
                // TUPLE
                let items = self.pop_mark()?;
                self.push(Node::Tuple(items));
            }
            b'l' => {
                // LIST
                let items = self.pop_mark()?;
                self.push(Node::List(items));
            }
            b'd' => {
                // DICT
                let items = self.pop_mark()?;
                self.push(Node::Dict(pairs(&items)?));
            }
            b'I' | b'L' | b'F' | b'V' => {
                // INT, LONG, FLOAT, UNICODE
                let value = pickle_old::value(opcode, self.line()?)?;
                self.leaf(value);
            }
            0x91 => {
                // FROZENSET
                let items = self.pop_mark()?;
                self.push(Node::Set("frozenset", items));
            }
            b'a' | b'e' | 0x90 | b's' | b'u' => return self.fill(opcode),
            b'0' => drop(self.pop()?),      // POP
            b'1' => drop(self.pop_mark()?), // POP_MARK
            b'2' => {
                // DUP
                let top = self.top()?;
                self.stack.push(top);
            }
            // PUT, GET, MEMOIZE, BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
            b'p' => return self.line().and_then(index).and_then(|n| self.memoize(n)),
            b'g' => return self.line().and_then(index).and_then(|n| self.get(n)),
            0x94 => return self.memoize(u32::try_from(self.memo.len()).unwrap_or(u32::MAX)),
            b'q' => return self.u8().and_then(|index| self.memoize(index.into())),
            b'r' => return self.u32().and_then(|index| self.memoize(index)),
            b'h' => return self.u8().and_then(|index| self.get(index.into())),
            b'j' => return self.u32().and_then(|index| self.get(index)),
            b'c' => return self.global(),       // GLOBAL
            0x93 => return self.stack_global(), // STACK_GLOBAL
            b'R' | 0x81 => {
                // REDUCE, NEWOBJ
                let (args, class) = (self.pop()?, self.pop()?);
                self.push(Node::Object {
                    class,
                    args,
                    new: opcode == 0x81,
                    items: None,
                    state: None,
                });
            }
            b'b' => {
                // BUILD
                let (state, object) = (self.pop()?, self.top()?);
                match self.nodes.get_mut(object) {
                    Some(Node::Object { state: slot, .. }) if slot.is_none() => *slot = Some(state),
                    _ => return FormatError::new("the pickle gives a state to what has none"),
                }
            }
            other => {
                return FormatError::new(format!("the pickle has the opcode {other:#04x}"));
            }
        }
        Ok(())
    }
    // ANCHOR_END: step

    /// APPEND, APPENDS, ADDITEMS, SETITEM, SETITEMS.
    fn fill(&mut self, opcode: u8) -> Result<(), FormatError> {
        let items = match opcode {
            b'a' => vec![self.pop()?],
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                vec![key, value]
            }
            _ => self.pop_mark()?,
        };
        let target = self.top_to_fill(opcode)?;
        match (opcode, self.nodes.get_mut(target)) {
            (b'a' | b'e', Some(Node::List(list))) | (0x90, Some(Node::Set(_, list))) => {
                list.extend(items);
            }
            (b's' | b'u', Some(Node::Dict(dict))) => dict.extend(pairs(&items)?),
            _ => return FormatError::new("the pickle fills what is no list, dict or set"),
        }
        Ok(())
    }

    /// What is on top; for an object, as a `deque` or an `OrderedDict` is one, the list or the dict with its items.
    fn top_to_fill(&mut self, opcode: u8) -> Result<Id, FormatError> {
        let top = self.top()?;
        let next = self.nodes.len();
        let Some(Node::Object { items, state, .. }) = self.nodes.get_mut(top) else {
            return Ok(top);
        };
        if state.is_some() {
            return FormatError::new("the pickle fills an object that has its state already");
        }
        let filled = *items.get_or_insert(next);
        if filled == next {
            self.nodes.push(match opcode {
                b'a' | b'e' => Node::List(Vec::new()),
                _ => Node::Dict(Vec::new()),
            });
        }
        Ok(filled)
    }

    fn global(&mut self) -> Result<(), FormatError> {
        let (module, name) = (text(self.line()?)?, text(self.line()?)?);
        let (module, name) = match self.protocol {
            0..=2 => pickle_old::global(module, name)?,
            _ => (module, name),
        };
        self.push(Node::Global(module, name));
        Ok(())
    }

    fn stack_global(&mut self) -> Result<(), FormatError> {
        let (name, module) = (self.pop()?, self.pop()?);
        let pair = (self.nodes.get(module), self.nodes.get(name));
        let (Some(Node::Leaf(Value::Str(module))), Some(Node::Leaf(Value::Str(name)))) = pair
        else {
            return FormatError::new("the pickle has a name that is no text");
        };
        let global = Node::Global(module.clone(), name.clone());
        self.push(global);
        Ok(())
    }

    fn bytearray(&mut self) -> Result<(), FormatError> {
        let length = self.long_length()?;
        self.push(Node::Global("builtins".to_owned(), "bytearray".to_owned()));
        self.bytes(length)?;
        self.tuple(1)?;
        self.step(b'R')
    }
}

/// Keys and values, which come in turn.
fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, FormatError> {
    let (pairs, []) = items.as_chunks() else {
        return FormatError::new("the pickle has a dict with a key and no value");
    };
    Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
}

/// The number of what is remembered, as protocol 0 has it.
fn index(line: &[u8]) -> Result<u32, FormatError> {
    let index = text(line)?.parse();
    index.or_else(|_| FormatError::new("the pickle remembers something under no number"))
}

fn text(bytes: &[u8]) -> Result<String, FormatError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => FormatError::new("text in the pickle is no UTF-8"),
    }
}
