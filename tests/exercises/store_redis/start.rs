//! Sends what one would type: the words of the command, with a space between them.

// ANCHOR: encode
pub(crate) fn encode(command: &[&[u8]]) -> Vec<u8> {
    let mut bytes = command.join(&b' ');
    bytes.extend_from_slice(b"\r\n");
    bytes
}
// ANCHOR_END: encode
