//! Shows a run. The report is put together once, as blocks; Markdown and HTML are two forms of
//! them. Only HTML has the charts.

pub(crate) mod blocks;
mod charts;
mod document;
mod html;
mod markdown;
mod method;
mod scale;
mod summary_table;
mod svg;
mod tables;

pub use self::html::html;
pub(crate) use self::markdown::render as render_markdown;
pub use self::markdown::{markdown, markdown_table};
