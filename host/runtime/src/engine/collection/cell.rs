//! A cell: one value or none, under the collection's own key.

use bytes::Bytes;

use super::Entries;
use crate::engine::fault::Fault;

pub(in crate::engine) fn get(cell: &mut Entries<'_>) -> Result<Option<Bytes>, Fault> {
    cell.get(&cell.collection.prefix)
}

pub(in crate::engine) fn set(cell: &mut Entries<'_>, stored: Vec<u8>) -> Result<(), Fault> {
    cell.put(cell.collection.prefix.clone(), stored)
}

pub(in crate::engine) fn clear(cell: &mut Entries<'_>) -> Result<(), Fault> {
    match get(cell)? {
        Some(_) => cell.delete(Bytes::copy_from_slice(&cell.collection.prefix)),
        None => Ok(()),
    }
}
