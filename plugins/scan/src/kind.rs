//! What a finding can be, and how much of it may be shown.

use serde::Serialize;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The beginning of a private key.
    PrivateKey,
    /// A key of a known service.
    ApiKey,
    /// A JSON web token.
    Jwt,
    /// A value that is assigned to something called password, secret or the like.
    Credential,
    /// A long text that looks like chance.
    Token,
    /// An address for mail.
    Email,
    /// A bank account whose check digits are right.
    Iban,
    /// A payment card whose check digit is right.
    CreditCard,
    /// A telephone number.
    Phone,
    /// An address of a machine.
    IpAddress,
    /// An entry of the list of known vulnerabilities.
    Cve,
    /// A day.
    Date,
    /// A version of a program.
    Version,
    /// A strong statement without evidence.
    Claim,
}

impl Kind {
    /// Whether what was found must not be copied.
    #[must_use]
    pub fn is_confidential(self) -> bool {
        !matches!(self, Self::Cve | Self::Date | Self::Version | Self::Claim)
    }

    /// The text as it may be shown.
    #[must_use]
    pub fn shown(self, text: &str) -> String {
        match self {
            Self::Cve | Self::Date | Self::Version => text.to_owned(),
            Self::Claim => cut(text),
            Self::PrivateKey => "a private key begins here".to_owned(),
            Self::Email => masked_email(text),
            Self::Iban | Self::Phone | Self::CreditCard => masked(text, 2, 2),
            Self::IpAddress => masked(text, 3, 0),
            Self::ApiKey | Self::Jwt | Self::Token => masked(text, 4, 0),
            Self::Credential => masked(text, 0, 0),
        }
    }
}

/// The longest claim that is shown, in characters.
const CLAIM_CHARACTERS_MAX: usize = 160;

fn cut(text: &str) -> String {
    let short: String = text.chars().take(CLAIM_CHARACTERS_MAX).collect();
    if short.len() == text.len() { short } else { short + "…" }
}

/// The first and last characters, and how many there are in all.
fn masked(text: &str, first: usize, last: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    let count = characters.len();
    let head: String = characters.iter().take(first).collect();
    let tail: String = characters.iter().skip(count.saturating_sub(last).max(first)).collect();
    format!("{head}…{tail} ({count} characters)")
}

/// The domain tells who is concerned without telling who it is.
fn masked_email(text: &str) -> String {
    let (name, domain) = text.split_once('@').unwrap_or((text, ""));
    let first: String = name.chars().take(1).collect();
    format!("{first}…@{domain}")
}
