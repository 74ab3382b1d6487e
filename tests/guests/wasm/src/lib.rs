//! Nothing of its own: each guest is a target of this package, under `guests/`.
