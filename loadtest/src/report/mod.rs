//! Shows a run. The report is put together once, as blocks; Markdown and HTML are two forms of
//! them. Only HTML has the charts. The picture is the first chart of each route, as a file of its own.

pub(crate) mod blocks;
mod charts;
mod document;
mod html;
mod markdown;
mod method;
mod picture;
mod scale;
mod summary_table;
mod svg;
mod tables;
mod verdict;

pub(crate) use self::charts::bar;
pub use self::html::html;
pub(crate) use self::html::render as render_html;
pub(crate) use self::markdown::render as render_markdown;
pub use self::markdown::{markdown, markdown_table};
pub use self::picture::picture;
pub use self::verdict::verdict;
