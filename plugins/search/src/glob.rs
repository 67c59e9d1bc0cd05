//! Globs of paths, turned into regular expressions, so that matching takes linear time.

/// The regular expression for a glob. One without `/` is a name in any folder. What would be a
/// half-open bracket or brace stands for itself.
pub(crate) fn to_regex(glob: &str) -> String {
    let glob = glob.strip_prefix("./").unwrap_or(glob);
    let (anywhere, glob) = match glob.strip_prefix('/') {
        Some(rest) => (false, rest),
        None => (!glob.contains('/'), glob),
    };
    let mut out = String::from(if anywhere { "^(?:.*/)?" } else { "^" });
    let mut rest = glob;
    let mut open_braces = 0_usize;
    while let Some(c) = rest.chars().next() {
        rest = step(c, rest, &mut open_braces, &mut out);
    }
    out.push('$');
    out
}

/// Writes what `rest` begins with, and gives back what follows it.
fn step<'a>(c: char, rest: &'a str, open_braces: &mut usize, out: &mut String) -> &'a str {
    let after = rest.get(c.len_utf8()..).unwrap_or_default();
    match c {
        '*' => return stars(rest, out),
        '?' => out.push_str("[^/]"),
        '[' => return class(rest, out),
        '{' if closes(after, *open_braces) => {
            *open_braces += 1;
            out.push_str("(?:");
        }
        '}' if *open_braces > 0 => {
            *open_braces -= 1;
            out.push(')');
        }
        ',' if *open_braces > 0 => out.push('|'),
        c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
    }
    after
}

/// `**/` is any folders or none, `**` anything, `*` anything within a name.
fn stars<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let after = rest.trim_start_matches('*');
    if rest.len() - after.len() == 1 {
        out.push_str("[^/]*");
        return after;
    }
    if let Some(below) = after.strip_prefix('/') {
        out.push_str("(?:.*/)?");
        return below;
    }
    out.push_str(".*");
    after
}

/// `[a-z]`, `[!a-z]`; never a `/`.
fn class<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let body = rest.strip_prefix('[').unwrap_or(rest);
    let (negated, body) = match body.strip_prefix(['!', '^']) {
        Some(body) => (true, body),
        None => (false, body),
    };
    match body.find(']').filter(|end| *end > 0) {
        Some(end) => {
            out.push_str(if negated { "[^/" } else { "[" });
            let inside = body.get(..end).unwrap_or_default();
            // Only `-` keeps a meaning inside.
            for c in inside.chars() {
                if !c.is_alphanumeric() && c != '-' {
                    out.push('\\');
                }
                out.push(c);
            }
            out.push(']');
            body.get(end + 1..).unwrap_or_default()
        }
        None => {
            out.push_str("\\[");
            rest.get(1..).unwrap_or_default()
        }
    }
}

/// Whether as many braces are closed in the rest as are open, with this one.
fn closes(after: &str, open_braces: usize) -> bool {
    after.matches('}').count() > open_braces
}
