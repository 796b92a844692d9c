//! An array of strings, each with its length before it. So nothing in a value can end it.

use std::io::Write as _;

// ANCHOR: encode
pub(crate) fn encode(command: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for word in command {
        write!(bytes, "${}\r\n", word.len()).unwrap();
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
// ANCHOR_END: encode
