//! A trace as a tree of text.

use std::fmt;

use super::Trace;

/// How a trace is printed as a tree.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a> {
    trace: &'a Trace,
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.trace {
            writeln!(f, "{:width$}{}", "", step.label(), width = step.depth * 2)?;
        }
        Ok(())
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Tree { trace: self }.fmt(f)
    }
}
