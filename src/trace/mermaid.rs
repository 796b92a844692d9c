//! A trace as a Mermaid diagram.
