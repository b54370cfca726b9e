//! Right histories pass, and each kind of wrong history is found by its rule, with a short history.

mod films;
mod histories;
mod pieces;
mod reviews;
