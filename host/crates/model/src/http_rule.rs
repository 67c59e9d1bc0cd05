//! Which requests a grant of the kinds `http` and `http.raw` is good for.
//!
//! A rule is written `[METHOD,METHOD@][scheme://]host[:port][/path]`, such as `api.example.com`,
//! `GET@*.example.com/v1/` or `http://10.0.0.7:8080`; `*` alone is everything. A path that ends in
//! `/` or `/*` stands for all that is below it. One request is a rule as well, so whether it may be
//! sent is the same question as whether a grant covers a need.
//!
//! Nothing here decodes or repairs: what could be read in two ways is refused, because the server
//! at the other end may read it the other way.

mod host;
mod path;

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use core::fmt;

use self::host::Host;
use self::path::Path;

/// The longest method, in bytes.
const METHOD_BYTES_MAX: usize = 32;

/// A set of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRule {
    /// None: all.
    methods: Option<BTreeSet<String>>,
    /// None: everywhere.
    place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    scheme: Scheme,
    host: Host,
    port: u16,
    path: Path,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// Why a text is no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpRuleError {
    /// Before the `@` stands something else than methods.
    #[error("before the @ stand methods in capitals, such as GET,HEAD@; no user information")]
    Methods,
    /// Another scheme.
    #[error("the scheme is http:// or https://, in small letters")]
    Scheme,
    /// `user@host` after the scheme.
    #[error("a host has no user information before it")]
    UserInfo,
    /// No host at all, or one that DNS cannot hold.
    #[error(
        "a host is a name such as api.example.com, an address, or *.example.com for what is \
         below a name"
    )]
    Host,
    /// A host that is written with capitals.
    #[error("write the host in small letters")]
    HostCapitals,
    /// A host with letters beyond ASCII.
    #[error("write the host in its ASCII form, which begins with xn--")]
    HostLetters,
    /// `example.com.`
    #[error("write the host without a dot at its end")]
    HostDot,
    /// An address of version 6 without brackets or in another form than the usual.
    #[error("write an address of version 6 in brackets, such as [2001:db8::1]")]
    HostBrackets,
    /// No port.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// A query or a fragment.
    #[error("a rule has no query and no fragment: it holds for each")]
    Query,
    /// Something in the path that no URL holds unescaped.
    #[error("a path has no spaces, backslashes or letters beyond ASCII: escape them with %")]
    PathText,
    /// `.` or `..` as a segment.
    #[error("a path has no segment . or ..")]
    PathDots,
    /// `*` elsewhere than at the end.
    #[error("in a path * is the whole last segment, such as /v1/*")]
    PathStar,
    /// A prefix with a hidden slash, backslash or dot.
    #[error("a path that stands for what is below it hides no slash or dot behind %2f, %2e or %5c")]
    PathHides,
}

impl HttpRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, HttpRuleError> {
        let (methods, rest) = methods(text)?;
        if rest == "*" {
            return Ok(Self { methods, place: None });
        }
        Ok(Self { methods, place: Some(Place::parse(rest)?) })
    }

    /// Whether every request of `other` is one of this rule's.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let methods = match (&self.methods, &other.methods) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => others.is_subset(own),
        };
        let place = match (&self.place, &other.place) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => own.covers(others),
        };
        methods && place
    }

    /// The same with all paths of its host.
    pub(crate) fn with_all_paths(mut self) -> Self {
        if let Some(place) = &mut self.place {
            place.path = Path::All;
        }
        self
    }
}

/// The shortest form: without what holds by default.
impl fmt::Display for HttpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, method) in self.methods.iter().flatten().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{method}")?;
        }
        if self.methods.is_some() {
            f.write_str("@")?;
        }
        match &self.place {
            None => f.write_str("*"),
            Some(place) => place.fmt(f),
        }
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, HttpRuleError> {
        let (scheme, rest) = Scheme::split(text)?;
        if rest.contains(['?', '#']) {
            return Err(HttpRuleError::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(HttpRuleError::UserInfo);
        }
        let (host, port) = host::split_port(authority)?;
        Ok(Self {
            scheme,
            host: Host::parse(host)?,
            port: port.unwrap_or(scheme.port()),
            path: Path::parse(path)?,
        })
    }

    fn covers(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.port == other.port
            && self.host.covers(&other.host)
            && self.path.covers(&other.path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme == Scheme::Http {
            f.write_str("http://")?;
        }
        write!(f, "{}", self.host)?;
        if self.port != self.scheme.port() {
            write!(f, ":{}", self.port)?;
        }
        write!(f, "{}", self.path)
    }
}

impl Scheme {
    /// The scheme, the default where none is written, and what follows it.
    fn split(text: &str) -> Result<(Self, &str), HttpRuleError> {
        match text.split_once("://") {
            Some(("https", rest)) => Ok((Self::Https, rest)),
            Some(("http", rest)) => Ok((Self::Http, rest)),
            // It stands inside the path.
            Some((before, _)) if before.contains('/') => Ok((Self::Https, text)),
            Some(_) => Err(HttpRuleError::Scheme),
            None => Ok((Self::Https, text)),
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The methods before the first `@`, if it stands before anything of a place, and what follows.
fn methods(text: &str) -> Result<(Option<BTreeSet<String>>, &str), HttpRuleError> {
    let Some((before, rest)) = text.split_once('@') else {
        return Ok((None, text));
    };
    if before.contains(['/', ':', '.', '[', '*']) {
        return Ok((None, text));
    }
    if !before.split(',').all(is_method) {
        return Err(HttpRuleError::Methods);
    }
    Ok((Some(before.split(',').map(ToString::to_string).collect()), rest))
}

fn is_method(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    (1..=METHOD_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}
