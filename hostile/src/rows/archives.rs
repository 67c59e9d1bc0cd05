//! Archives, as far as it takes to hold one file.

/// The bytes in gzip, stored as they are.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut deflated = Vec::new();
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        deflated.push(u8::from(blocks.peek().is_none()));
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        deflated.extend(len.to_le_bytes());
        deflated.extend((!len).to_le_bytes());
        deflated.extend_from_slice(block);
    }
    member(&deflated, crc32(bytes), bytes.len())
}

/// Zeros in so many bytes of gzip: each 13 bits are 258 of them.
pub(super) fn zeros(packed: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, of the fixed codes.
    bits.push(0b011, 3);
    // One zero to repeat.
    bits.push(0b0000_1100, 8);
    let mut count = 1_usize;
    while bits.bytes.len() < packed {
        // Code 285, a length of 258, and code 0, a distance of 1; the highest bit comes first.
        bits.push(0b1010_0011, 8);
        bits.push(0, 5);
        count += 258;
    }
    bits.push(0, 7);
    bits.push(0, 7);
    // Who inflates it has done so before the sum is compared.
    member(&bits.bytes, 0, count)
}

fn member(deflated: &[u8], sum: u32, bytes: usize) -> Vec<u8> {
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend_from_slice(deflated);
    gzip.extend(sum.to_le_bytes());
    gzip.extend(number(bytes).to_le_bytes());
    gzip
}

/// Bits of bytes, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.waiting |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(u8::try_from(self.waiting & 0xff).unwrap_or_default());
            self.waiting >>= 8;
            self.count -= 8;
        }
    }
}

/// One file in a zip archive, stored as it is.
pub(super) fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let size = number(bytes.len()).to_le_bytes();
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    common.extend(crc32(bytes).to_le_bytes());
    common.extend([size, size].concat());
    common.extend(number(name.len()).to_le_bytes());
    let local = [b"PK\x03\x04", common.as_slice(), name.as_bytes(), bytes].concat();
    let mut zip = local.clone();
    zip.extend([b"PK\x01\x02\x14\0", common.as_slice(), &[0; 14], name.as_bytes()].concat());
    let directory = number(zip.len() - local.len()).to_le_bytes();
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend([directory, number(local.len()).to_le_bytes()].concat());
    zip.extend([0, 0]);
    zip
}

/// One file in a tar archive.
pub(super) fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    for (field, width) in [
        (name.to_owned(), 100),
        ("0000644\0".to_owned(), 8),
        ("0000000\0".to_owned(), 8),
        ("0000000\0".to_owned(), 8),
        (format!("{:011o}\0", bytes.len()), 12),
        ("00000000000\0".to_owned(), 12),
        // The sum is made as if it were blank.
        (" ".repeat(8), 8),
        ("0".to_owned(), 1),
        (String::new(), 100),
        ("ustar\x0000".to_owned(), 255),
    ] {
        let end = header.len() + width;
        header.extend(field.bytes());
        header.resize(end, 0);
    }
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    header.splice(148..156, sum.bytes());
    let mut tar = [header.as_slice(), bytes].concat();
    tar.resize(tar.len().next_multiple_of(512) + 1_024, 0);
    tar
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// What that program makes of the archive.
    fn check(program: &[&str], archive: &[u8]) -> Vec<u8> {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let (mut stdin, archive) = (child.stdin.take().unwrap(), archive.to_vec());
        let writer = std::thread::spawn(move || stdin.write_all(&archive));
        let output = child.wait_with_output().unwrap().stdout;
        // Who has read enough closes early.
        let _ = writer.join().unwrap();
        output
    }

    #[test]
    fn what_is_packed_is_unpacked_by_others() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        assert_eq!(check(&["gzip", "-dc"], &gzip(&bytes)), bytes);
        assert_eq!(check(&["tar", "-xOf", "-"], &tar("a", &bytes)), bytes);
        let zeros = check(&["gzip", "-dc"], &zeros(10_000));
        assert!(zeros.len() > 1_500_000 && zeros.iter().all(|byte| *byte == 0));
    }
}
