//! As much of the binary format as it takes to break it on purpose: sections and numbers.

/// The magic number, and what tells a component from a module.
pub(crate) const HEADER_BYTES: usize = 8;
/// A section that says what it wants.
pub(crate) const CUSTOM: u8 = 0;
/// In a component: a module inside it.
pub(crate) const MODULE: u8 = 1;
/// In a module: what its memory holds at first.
pub(crate) const DATA: u8 = 11;

/// A section by its number, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) id: u8,
    pub(crate) content: Vec<u8>,
}

/// The sections of a component or module; none where they do not end where it does.
pub(crate) fn sections(bytes: &[u8]) -> Option<Vec<Section>> {
    let mut rest = bytes.get(HEADER_BYTES..)?;
    let mut found = Vec::new();
    while let Some((id, tail)) = rest.split_first() {
        let (length, tail) = read_leb(tail)?;
        let (content, tail) = tail.split_at_checked(length)?;
        found.push(Section { id: *id, content: content.to_vec() });
        rest = tail;
    }
    Some(found)
}

/// Those sections behind that header.
pub(crate) fn whole(header: &[u8], sections: &[Section]) -> Vec<u8> {
    let mut bytes = header.to_vec();
    for section in sections {
        bytes.push(section.id);
        bytes.extend(leb(section.content.len()));
        bytes.extend(&section.content);
    }
    bytes
}

/// A section of that name.
pub(crate) fn custom(name: &str, data: &[u8]) -> Section {
    let mut content = leb(name.len());
    content.extend(name.as_bytes());
    content.extend(data);
    Section { id: CUSTOM, content }
}

/// Name and data of a custom section.
pub(crate) fn split_custom(section: &Section) -> Option<(&[u8], &[u8])> {
    let (length, rest) = read_leb(&section.content).filter(|_| section.id == CUSTOM)?;
    rest.split_at_checked(length)
}

pub(crate) fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn read_leb(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).filter(|end| *end < 5)?;
    let (number, rest) = bytes.split_at(end + 1);
    let value = number.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::{custom, leb, sections, split_custom, whole};

    #[test]
    fn sections_are_written_as_they_were_read() {
        let header = b"\0asm\x0d\0\x01\0";
        let wanted = [custom("a", &[1; 200]), custom("", &[])];
        let bytes = whole(header, &wanted);
        assert_eq!(sections(&bytes).as_deref(), Some(wanted.as_slice()));
        assert_eq!(split_custom(&wanted[0]), Some((b"a".as_slice(), [1; 200].as_slice())));
        assert_eq!(sections(&bytes[..bytes.len() - 1]), None);
        assert_eq!(leb(0x80), [0x80, 1]);
    }
}
