//! Leases when something stops, breaks or is switched off.
