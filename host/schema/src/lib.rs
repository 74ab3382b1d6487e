//! WIT types as data: verdicts, codecs and the ledger.
