//! The bodies of requests and responses, as JSON on the wire. Both `http` and `db` use these types;
//! they use nothing of the crate.

mod coding;
mod event;
mod faults;
mod films;
mod health;
mod json;
mod problem;
mod reviews;
mod traffic;

pub use coding::Coding;
pub use event::Event;
pub use faults::{FaultRequest, RunningFault, RunningFaults};
pub use films::{Film, FilmList, FilmListEncoder, ListedFilm};
pub use health::{Health, Ready};
pub use json::{EncodingError, Json};
pub use problem::Problem;
pub use reviews::{FilmReviews, ListedReview, Ratings, Review};
pub use traffic::{BatchSize, Latency, Reads, Traffic};
