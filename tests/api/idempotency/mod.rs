//! Reviews with the header `Idempotency-Key`: however often a client sends one, it is stored once.

mod expiry;
mod failures;
mod keys;
mod retries;
mod together;
