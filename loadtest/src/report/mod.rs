//! How a run is shown. What is said is put together once, in [`document`]; Markdown and HTML are
//! two forms of it, of which only HTML has the charts.

mod charts;
pub(crate) mod claim;
pub(crate) mod document;
pub(crate) mod figures;
mod head;
mod how;
mod html;
mod markdown;
mod scale;
mod svg;
mod tables;

pub use self::html::html;
pub(crate) use self::markdown::render as render_markdown;
pub use self::markdown::{markdown, markdown_table};

#[cfg(test)]
pub(crate) fn sample() -> crate::result::Run {
    serde_json::from_str(include_str!("../../tests/sample.json")).unwrap()
}
