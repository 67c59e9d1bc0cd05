//! Who asks, and whether they may.
//!
//! The tenant comes from the credential and from nowhere else: no header, path or body names one.
//! What each role may do is the table in `crate::routes`.

mod bearer;
mod credential;
mod key;
mod role;

pub use credential::{Credential, Credentials, KeyTable};
pub use key::IssuedKey;
pub use role::Role;

pub(crate) use bearer::{Principal, authenticate};
pub(crate) use key::hex;
