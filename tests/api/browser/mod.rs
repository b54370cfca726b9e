//! The page in a real Chromium. Without one, these tests are skipped, with a line that says so.

mod screenshots;
mod session;
mod visit;
