//! The journal: the one durable domain. Everything that was committed, in order, hash-chained.
