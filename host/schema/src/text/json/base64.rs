//! Base64 as in RFC 4648, with padding.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let sextet = (bits >> (18 - 6 * index)) as usize & 0x3f;
            text.push(if index <= chunk.len() { ALPHABET[sextet].into() } else { '=' });
        }
    }
    text
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let sextet = |symbol: &u8| ALPHABET.iter().position(|known| known == symbol).map(|index| index as u32);
    let chunks = text.as_bytes().chunks(4);
    let last = chunks.len().checked_sub(1);
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for (index, chunk) in chunks.enumerate() {
        let padding = chunk.iter().rev().take_while(|symbol| **symbol == b'=').count();
        if chunk.len() != 4 || padding > 2 || (padding > 0 && Some(index) != last) {
            return None;
        }
        let symbols = chunk[..4 - padding].iter().map(sextet).collect::<Option<Vec<_>>>()?;
        let bits = symbols.iter().fold(0, |bits, sextet| bits << 6 | sextet) << (6 * padding);
        let decoded = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        let (kept, spare) = decoded.split_at(3 - padding);
        if spare.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}
