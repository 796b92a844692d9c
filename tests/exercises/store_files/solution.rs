//! Takes what is named like a hash and is not the count, and reads its first four bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::{fs, io};

// ANCHOR: live
/// `printf %s __wz_cache_count | sha256sum`
const COUNT: &str = "79bc207ee04a581ab2348ca1f3494e64cd0ec36128735b8c6bc85ddd8fe1938c";

/// How many sessions there are at this time.
pub(crate) fn live(dir: &Path, now: u64) -> io::Result<usize> {
    let mut live = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_hash = name.len() == 64 && !name.to_string_lossy().contains('.');
        if !is_hash || name == COUNT {
            continue;
        }
        let mut header = [0; 4];
        File::open(entry.path())?.read_exact(&mut header)?;
        let ends = u32::from_ne_bytes(header);
        if ends == 0 || u64::from(ends) >= now {
            live += 1;
        }
    }
    Ok(live)
}
// ANCHOR_END: live
