//! Passwords are kept as Argon2id hashes.
//!
//! Flask's tutorial: `generate_password_hash` and `check_password_hash` of `werkzeug/security.py`. The
//! hash carries its own salt and cost, so that a later version may raise the cost for new ones.
//!
//! Read next: `auth.rs`.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use carafe::Error;

/// A hash for the database: `$argon2id$v=19$m=19456,t=2,p=1$...`.
///
/// # Errors
/// Where the system has no randomness to give.
pub(crate) fn generate_password_hash(password: &str) -> Result<String, Error> {
    Ok(Argon2::default()
        .hash_password(password.as_bytes())?
        .to_string())
}

/// Whether `password` is the one that `hash` was made of.
///
/// # Errors
/// Where `hash` is no hash.
pub(crate) fn check_password_hash(hash: &str, password: &str) -> Result<bool, Error> {
    let hash = PasswordHash::new(hash)?;
    match Argon2::default().verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes as long as [`check_password_hash`]: by how long an answer takes, nobody learns who has an
/// account.
///
/// # Errors
/// As [`generate_password_hash`].
pub(crate) fn check_no_password_hash(password: &str) -> Result<(), Error> {
    static NOBODYS: LazyLock<Option<String>> =
        LazyLock::new(|| generate_password_hash("nobody's").ok());
    if let Some(hash) = &*NOBODYS {
        check_password_hash(hash, password)?;
    }
    Ok(())
}
