//! Makes the hashes of hostile bytes right.

use super::STORE_ID;
use crate::journal::format::{
    BATCH_DOMAIN, BATCH_DOMAIN_V1, BATCH_MAGIC, BATCH_TRAILER_BYTES, Link, SEGMENT_HEADER_BYTES, SEGMENT_MAGIC,
    array_at, batch_hash, u32_at, u64_at,
};
use crate::journal::{JOURNAL_DIR, segment_path};
use crate::limits::{BATCH_BYTES_MAX, BLOCK_BYTES, SEGMENT_BYTES_MIN};
use crate::pack::PackId;
use crate::pack::format::{FOOTER_BYTES, HEADER_BYTES, Kind, footer_hash, index_hash};
use crate::store::ExportHeader;
use crate::store::format_file::Format;
use crate::tree::{NodeHash, Tree};

/// An exported state's root node, root and header.
pub(super) fn export(bytes: &mut [u8]) {
    let Some((header, items)) = bytes.split_at_mut_checked(ExportHeader::BYTES) else { return };
    let body = items.get(1..5).and_then(|length| items.get(5..)?.get(..u32_at(length, 0) as usize));
    let node = body.filter(|body| body.len() > 3).map(|body| NodeHash::of(body[3], body));
    header[64..96].copy_from_slice(&node.map_or([0; 32], |node| node.0));
    let (entries, total) = (u64_at(header, 96), u64_at(header, 104));
    let root = Tree { node, height: header[29], entries, bytes: total }.root();
    header[112..144].copy_from_slice(root.as_bytes());
    format(header);
}

/// Hashes of FORMAT.
pub(super) fn format(bytes: &mut [u8]) {
    if let Some(end) = bytes.len().checked_sub(32) {
        let hash = blake3::hash(&bytes[..end]);
        bytes[end..].copy_from_slice(hash.as_bytes());
    }
}

/// The segment's header with the hash it should have, and every batch from there on continuing the one before. What is
/// given of the segment before is continued, too. Returns the segment's number and what the next one continues.
pub(super) fn segment(bytes: &mut [u8], before: Option<(u64, Link)>) -> Option<(u64, Link)> {
    let header = bytes.get_mut(..SEGMENT_HEADER_BYTES)?;
    let salt = u64_at(header, 40);
    let domain = if u32_at(header, 8) == 1 { BATCH_DOMAIN_V1 } else { BATCH_DOMAIN };
    let (number, mut link) = match before {
        Some((number, link)) => (number.wrapping_add(1), Link { salt, ..link }),
        None => (u64_at(header, 32), Link { salt, number: u64_at(header, 48), chain: array_at(header, 56) }),
    };
    header[0..8].copy_from_slice(SEGMENT_MAGIC);
    header[16..32].copy_from_slice(&STORE_ID);
    header[32..40].copy_from_slice(&number.to_le_bytes());
    header[48..56].copy_from_slice(&link.number.to_le_bytes());
    header[56..88].copy_from_slice(&link.chain);
    format(header);
    let mut at = SEGMENT_HEADER_BYTES;
    while let Some(rest) = bytes.get_mut(at..).filter(|rest| rest.len() >= BLOCK_BYTES && rest[0] == BATCH_MAGIC[0]) {
        let length = u32_at(rest, 4) as usize;
        if length > BATCH_BYTES_MAX.min(rest.len()) || length < BLOCK_BYTES || !length.is_multiple_of(BLOCK_BYTES) {
            break;
        }
        let batch = &mut rest[..length];
        batch[0..4].copy_from_slice(BATCH_MAGIC);
        batch[8..16].copy_from_slice(&link.salt.to_le_bytes());
        batch[16..24].copy_from_slice(&link.number.to_le_bytes());
        batch[24..56].copy_from_slice(&link.chain);
        let end = length - BATCH_TRAILER_BYTES;
        let hash = batch_hash(domain, &batch[..end]);
        batch[end..].copy_from_slice(&hash);
        link = Link { salt, number: link.number.wrapping_add(1), chain: hash };
        at += length;
    }
    Some((number, link))
}

/// The hashes of a pack's footer and index and, if asked for, of each body. An index whose order the new hashes break
/// stays broken.
pub(super) fn pack(bytes: &mut [u8], bodies: bool) {
    let Some(footer_at) = bytes.len().checked_sub(FOOTER_BYTES).filter(|at| *at >= HEADER_BYTES) else { return };
    let (files, footer) = bytes.split_at_mut(footer_at);
    let index_at = usize::try_from(u64_at(footer, 24)).unwrap_or(usize::MAX);
    if let Some((before, index)) = (index_at <= files.len()).then(|| files.split_at_mut(index_at)) {
        if bodies {
            index.get_mut(1024..).into_iter().flat_map(|items| items.chunks_exact_mut(48)).for_each(|item| {
                let start = usize::try_from(u64_at(item, 32)).unwrap_or(usize::MAX);
                let end = start.saturating_add(u32_at(item, 40) as usize);
                if let Some(hash) =
                    before.get(start..end).and_then(|body| Some(Kind::from_number(u32_at(item, 44))?.hash(body)))
                {
                    item[..32].copy_from_slice(&hash);
                }
            });
            sort_index(index);
        }
        footer[40..72].copy_from_slice(&index_hash(index));
    }
    let hash = footer_hash(&files[..HEADER_BYTES], &footer[..72]);
    footer[72..].copy_from_slice(&hash);
}

/// Sorts the items by their hashes and counts the fan-out anew.
fn sort_index(index: &mut [u8]) {
    let Some((fanout, items)) = index.split_at_mut_checked(1024) else { return };
    let mut sorted: Vec<[u8; 48]> = items.as_chunks().0.to_vec();
    sorted.sort_unstable();
    for (place, item) in items.as_chunks_mut().0.iter_mut().zip(&sorted) {
        *place = *item;
    }
    for (byte, count) in fanout.as_chunks_mut().0.iter_mut().enumerate() {
        let up_to = sorted.iter().filter(|item| usize::from(item[0]) <= byte).count() as u32;
        *count = up_to.to_le_bytes();
    }
}

/// The files of a directory. FORMAT is always right; the journal's segments are sealed in their order.
///
/// ```text
/// file   kind u8 (0 segment, 1 pack, 2 LOCK) | length u32 | bytes        a segment is filled with zeros to 64 KiB
/// ```
pub(super) fn directory(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![("FORMAT".to_owned(), Format { store_id: STORE_ID }.encode())];
    let mut before = None;
    while let Some((head, rest)) = bytes.split_at_checked(5) {
        let length = (u32_at(head, 1) as usize).min(rest.len());
        let mut file = rest[..length].to_vec();
        bytes = &rest[length..];
        let path = match head[0] % 3 {
            0 => {
                file.resize(file.len().next_multiple_of(BLOCK_BYTES).max(SEGMENT_BYTES_MIN as usize), 0);
                before = segment(&mut file, before);
                let Some((number, _)) = before else { continue };
                segment_path(number)
            }
            1 => {
                pack(&mut file, false);
                let Some(id) = file.get(16..24) else { continue };
                PackId(u64_at(id, 0)).path()
            }
            _ => "LOCK".to_owned(),
        };
        files.push((path, file));
    }
    files.push((format!("{JOURNAL_DIR}/unknown"), Vec::new()));
    files
}
