//! The hashes, and HMAC with a key that is kept.
//!
//! Mirrors `SigningAlgorithm`, `NoneAlgorithm` and `HMACAlgorithm` of `itsdangerous/signer.py`.
//! itsdangerous hashes the key anew for each signature; here that is done once for each key, and
//! each signature starts from a copy.
//!
//! Read next: `signer.rs`.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// itsdangerous's `digest_method`: the hash for key derivation and HMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DigestMethod {
    /// `hashlib.sha1`, the default of itsdangerous and Flask. Within HMAC it is not known broken.
    #[default]
    Sha1,
    /// `hashlib.sha256`.
    Sha256,
    /// `hashlib.sha512`.
    Sha512,
}

impl DigestMethod {
    /// The hash of the parts, one behind the other.
    pub(super) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut hash = D::new();
            for part in parts {
                hash.update(part);
            }
            hash.finalize().to_vec()
        }
        match self {
            Self::Sha1 => digest::<Sha1>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha512 => digest::<Sha512>(parts),
        }
    }
}

/// itsdangerous's `SigningAlgorithm`: how a key and a value give a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `HMACAlgorithm`, with this hash.
    Hmac(DigestMethod),
    /// `NoneAlgorithm`: an empty signature. **Anyone can sign.** Only for data that needs none.
    None,
}

/// Room for the longest signature there is, that of SHA-512.
pub(super) type Room = [u8; 64];

/// An algorithm with its key: everything that can be done before the value is known.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // There are as many as keys, and each is in use.
pub(super) enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
    None,
}

impl Keyed {
    pub(super) fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        match algorithm {
            Algorithm::Hmac(DigestMethod::Sha1) => Self::Sha1(keyed(key)),
            Algorithm::Hmac(DigestMethod::Sha256) => Self::Sha256(keyed(key)),
            Algorithm::Hmac(DigestMethod::Sha512) => Self::Sha512(keyed(key)),
            Algorithm::None => Self::None,
        }
    }

    /// `SigningAlgorithm.get_signature`, written to the beginning of `room`.
    pub(super) fn get_signature<'r>(&self, value: &[u8], room: &'r mut Room) -> &'r [u8] {
        fn signature<'r>(mac: &(impl Mac + Clone), value: &[u8], room: &'r mut Room) -> &'r [u8] {
            let signature = mac.clone().chain_update(value).finalize().into_bytes();
            let room = &mut room[..signature.len()];
            room.copy_from_slice(&signature);
            room
        }
        match self {
            Self::Sha1(mac) => signature(mac, value, room),
            Self::Sha256(mac) => signature(mac, value, room),
            Self::Sha512(mac) => signature(mac, value, room),
            Self::None => b"",
        }
    }

    // ANCHOR: verify_signature
    /// `SigningAlgorithm.verify_signature`. It takes as long for a signature that is nearly right
    /// as for one that is all wrong.
    pub(super) fn verify_signature(&self, value: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Sha1(mac) => mac
                .clone()
                .chain_update(value)
                .verify_slice(signature)
                .is_ok(),
            Self::Sha256(mac) => mac
                .clone()
                .chain_update(value)
                .verify_slice(signature)
                .is_ok(),
            Self::Sha512(mac) => mac
                .clone()
                .chain_update(value)
                .verify_slice(signature)
                .is_ok(),
            Self::None => signature.is_empty(),
        }
    }
    // ANCHOR_END: verify_signature
}

fn keyed<M: KeyInit>(key: &[u8]) -> M {
    match M::new_from_slice(key) {
        Ok(mac) => mac,
        // `new_from_slice` only fails for algorithms with a fixed key length.
        Err(_) => unreachable!("HMAC takes a key of any length"),
    }
}
