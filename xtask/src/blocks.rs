//! The blocks of commands in a Markdown document.

use anyhow::{Result, ensure};

const FENCE: &str = "```";

/// A block of shell commands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The heading above the block.
    pub(crate) section: String,
    pub(crate) commands: String,
}

/// Returns the blocks whose language is `sh`, in their order.
pub(crate) fn parse(text: &str) -> Result<Vec<Block>> {
    let (mut blocks, mut section) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix('#') {
            heading.trim_start_matches('#').trim().clone_into(&mut section);
        } else if let Some(language) = line.strip_prefix(FENCE) {
            let commands: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with(FENCE)).collect();
            if language.trim() == "sh" {
                blocks.push(Block { section: section.clone(), commands: commands.join("\n") });
            }
        }
    }
    ensure!(!blocks.is_empty(), "found no block of the language sh");
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_block_reads_back(blocks in prop::collection::vec(("[a-z]{1,5}", "[a-z#\n ]{1,20}"), 1..4)) {
            let block = |(section, commands): &(String, String)| format!("## {section}\n```sh\n{commands}\n```\n");
            let text: String = blocks.iter().map(block).collect();
            let read: Vec<_> = parse(&text).unwrap().into_iter().map(|block| (block.section, block.commands)).collect();
            prop_assert_eq!(read, blocks);
        }

        #[test]
        fn no_document_panics(text in "[#`sh\n ]{0,40}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn blocks_have_their_heading_and_their_commands() -> Result<()> {
        let text = "# a\n```sh\none\n# comment\n```\n## b c\n```toml\n# d\n```\n\n```sh\ntwo\n```\n";
        let blocks = parse(text)?;
        let blocks: Vec<_> =
            blocks.iter().map(|block| (block.section.as_str(), block.commands.as_str())).collect();
        assert_eq!(blocks, [("a", "one\n# comment"), ("b c", "two")]);
        assert!(parse("# a\n").is_err());
        Ok(())
    }
}
