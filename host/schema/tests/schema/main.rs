//! The crate's tests: one binary, one module a subject.

mod admit;
mod choices;
mod codec;
mod conversion;
mod corpus;
mod digest;
mod evolution;
mod hostile;
mod key;
mod ledger;
mod package;
mod plain;
mod shape;
mod skeleton;
mod text;
mod upgrade;
mod verdict;
mod wit;
