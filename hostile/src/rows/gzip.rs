//! A gzip file that unpacks to very much: zeros, by deflate's fixed codes.

/// The longest match of deflate.
const MATCH: usize = 258;

/// So many zeros, packed; rounded up to whole matches.
pub(super) fn zeros(count: usize) -> Vec<u8> {
    let matches = count.div_ceil(MATCH);
    let size = matches * MATCH + 1;
    let mut bits = Bits::default();
    // The last block, with fixed codes; then a zero, and matches of the byte before.
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    bits.push_code(0b0011_0000, 8);
    for _ in 0..matches {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(bits.finish());
    file.extend(crc_of_zeros(size).to_le_bytes());
    file.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
    file
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    filled: u32,
    last: u8,
}

impl Bits {
    /// The lowest bit first.
    fn push(&mut self, bits: u32, count: u32) {
        for n in 0..count {
            let bit = u8::from(bits >> n & 1 == 1);
            self.last |= bit << self.filled;
            self.filled += 1;
            if self.filled == 8 {
                self.bytes.push(self.last);
                (self.last, self.filled) = (0, 0);
            }
        }
    }

    /// A code of Huffman: the highest bit first.
    fn push_code(&mut self, code: u32, count: u32) {
        (0..count).rev().for_each(|n| self.push(code >> n & 1, 1));
    }

    fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.bytes.push(self.last);
        }
        self.bytes
    }
}

fn crc_of_zeros(count: usize) -> u32 {
    let step = |crc: u32| {
        (0..8).fold(crc, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    let mut table = [0_u32; 256];
    (0..).zip(&mut table).for_each(|(byte, entry)| *entry = step(byte));
    let next = |crc: u32| {
        let entry = table.get(usize::try_from(crc & 0xff).unwrap_or(0)).copied().unwrap_or(0);
        entry ^ crc >> 8
    };
    !(0..count).fold(u32::MAX, |crc, _| next(crc))
}
