//! Who asks, and whether they may.
//!
//! The tenant comes from the credential and from nowhere else: no header, path or body names one,
//! but for the platform's own routes about tenants. What each role may do is the table in
//! [`crate::routes`].

mod bearer;
mod credential;
mod failures;
mod jwt;
mod key;
mod principal;

pub use credential::{Credential, Credentials, KeyTable, Standing};
pub use jwt::{
    Bearer, KeyIds, MintRequest, SigningKeys, TokenRules, TokenSecret, WeakSecret, mint,
};
pub use key::{IssuedKey, Pepper};

pub use bearer::presented;
pub(crate) use bearer::{Known, Unknown, authenticate, refusal};
pub(crate) use failures::Failures;
pub(crate) use key::hex;
pub(crate) use principal::{CredentialKind, Principal};
