//! Durable, verified state: journal, state tree and checkpoints.
