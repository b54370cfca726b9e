//! Imports between the files of every crate: no circle, and nothing from a file's own parent `mod.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use syn::{Item, UseTree};

/// A module, as the segments of its path. The crate's root has none.
type Module = Vec<String>;

/// The files of a crate by module, each with the paths that it imports.
struct Crate {
    files: BTreeMap<Module, PathBuf>,
    imports: BTreeMap<Module, Vec<Vec<String>>>,
}

impl Crate {
    /// Reads a crate from its root file.
    fn read(root: &Path) -> Result<Self> {
        let mut read = Self { files: BTreeMap::new(), imports: BTreeMap::new() };
        read.add(root, root.parent().context("no folder")?, &Vec::new())?;
        Ok(read)
    }

    /// Reads a file and the files of its modules, but not those of tests.
    fn add(&mut self, file: &Path, folder: &Path, module: &Module) -> Result<()> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let items = syn::parse_file(&text).with_context(|| file.display().to_string())?.items;
        self.files.insert(module.clone(), file.to_owned());
        for item in items {
            match item {
                Item::Use(item) if !is_for_tests(&item.attrs) => {
                    let paths = self.imports.entry(module.clone()).or_default();
                    flatten(&item.tree, &mut Vec::new(), paths);
                }
                Item::Mod(item) if item.content.is_none() && !is_for_tests(&item.attrs) => {
                    let name = item.ident.to_string();
                    let child = [module.as_slice(), std::slice::from_ref(&name)].concat();
                    let own = folder.join(&name);
                    let file = [own.with_extension("rs"), own.join("mod.rs")];
                    let file = file.iter().find(|file| file.is_file());
                    self.add(file.with_context(|| format!("no file of the module {name}"))?, &own, &child)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the module that a path in `module` leads to, and whether the path names something in it.
    fn target(&self, module: &Module, path: &[String]) -> Option<(Module, bool)> {
        let mut at = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            "self" => module.clone(),
            first => [module.as_slice(), &[first.to_owned()]].concat(),
        };
        if !self.files.contains_key(&at) {
            return None; // another crate
        }
        let mut rest = &path[1..];
        while let Some((next, more)) = rest.split_first() {
            if next == "super" {
                at.pop();
            } else {
                let child = [at.as_slice(), std::slice::from_ref(next)].concat();
                if !self.files.contains_key(&child) {
                    break;
                }
                at = child;
            }
            rest = more;
        }
        Some((at, !rest.is_empty()))
    }

    /// Returns the modules that each module imports.
    fn edges(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let edges = self.imports.iter().map(|(module, paths)| {
            let targets = paths.iter().filter_map(|path| Some(self.target(module, path)?.0));
            (module, targets.filter(|target| target != module).collect())
        });
        edges.collect()
    }

    /// Returns what is wrong, in a line for each circle and each import from a parent.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let shown = |module: &Module| self.files[module].display().to_string();
        for (module, paths) in &self.imports {
            for path in paths {
                let from_parent = self.target(module, path).is_some_and(|(target, names_item)| {
                    names_item && Some(target.as_slice()) == module.split_last().map(|(_, parent)| parent)
                });
                if from_parent {
                    faults.push(format!("{} imports {} from its own parent", shown(module), path.join("::")));
                }
            }
        }
        let edges = self.edges();
        let mut reported = BTreeSet::new();
        for start in self.files.keys() {
            if let Some(circle) = circle(&edges, start)
                && reported.insert(circle.iter().cloned().collect::<BTreeSet<_>>())
            {
                faults.push(format!("circle: {}", circle.iter().map(shown).collect::<Vec<_>>().join(" → ")));
            }
        }
        faults
    }
}

/// Returns the shortest path from a module back to itself.
fn circle(edges: &BTreeMap<&Module, BTreeSet<Module>>, start: &Module) -> Option<Vec<Module>> {
    let mut paths = VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        for target in path.last().and_then(|module| edges.get(module)).into_iter().flatten() {
            let longer = [path.as_slice(), std::slice::from_ref(target)].concat();
            if target == start {
                return Some(longer);
            }
            if seen.insert(target.clone()) {
                paths.push_back(longer);
            }
        }
    }
    None
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    let is_test = |list: &syn::MetaList| list.path.is_ident("cfg") && list.tokens.to_string() == "test";
    attributes.iter().any(|attribute| attribute.meta.require_list().is_ok_and(is_test))
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, prefix, paths)),
        UseTree::Name(syn::UseName { ident }) | UseTree::Rename(syn::UseRename { ident, .. }) => {
            let name = (ident != "self").then(|| ident.to_string());
            paths.push(prefix.iter().cloned().chain(name).collect());
        }
        UseTree::Glob(_) => paths.push(prefix.iter().cloned().chain(["*".to_owned()]).collect()),
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("..")).to_owned()
}

fn faults(root: &str) -> Result<Vec<String>> {
    Ok(Crate::read(&workspace().join(root))?.faults())
}

#[test]
fn the_service_has_no_circle() -> Result<()> {
    assert_eq!(faults("src/lib.rs")?, Vec::<String>::new());
    Ok(())
}

#[test]
fn the_load_test_has_no_circle() -> Result<()> {
    assert_eq!(faults("loadtest/src/lib.rs")?, Vec::<String>::new());
    assert_eq!(faults("loadtest/src/main.rs")?, Vec::<String>::new());
    Ok(())
}

#[test]
fn xtask_has_no_circle() -> Result<()> {
    assert_eq!(faults("xtask/src/main.rs")?, Vec::<String>::new());
    Ok(())
}

#[test]
fn circles_and_imports_from_the_parent_are_found() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("a"))?;
    for (name, text) in [
        ("lib.rs", "mod a; mod d; #[cfg(test)] mod tests;"),
        ("a/mod.rs", "mod b; mod c; pub struct A; pub use self::b::B;"),
        ("a/b.rs", "use std::fmt; use super::{A, c::C}; pub struct B;"),
        ("a/c.rs", "use crate::d::{self, D}; pub struct C;"),
        ("d.rs", "use crate::a::B; pub struct D; #[cfg(test)] mod tests { use super::*; }"),
    ] {
        fs::write(folder.path().join(name), text)?;
    }
    let faults = Crate::read(&folder.path().join("lib.rs"))?.faults();
    let faults: Vec<_> =
        faults.iter().map(|fault| fault.replace(&format!("{}/", folder.path().display()), "")).collect();
    assert_eq!(
        faults,
        [
            "a/b.rs imports super::A from its own parent",
            "circle: a/mod.rs → a/b.rs → a/mod.rs",
            "circle: a/c.rs → d.rs → a/mod.rs → a/b.rs → a/c.rs",
        ]
    );
    Ok(())
}

#[test]
fn the_table_of_rooms_has_every_room_of_the_service() -> Result<()> {
    let text = fs::read_to_string(workspace().join("ARCHITECTURE.md"))?;
    let table = text.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
    let rows: Result<BTreeSet<String>> = table
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let name = line.strip_prefix("| `").and_then(|rest| rest.split_once('`'));
            Ok(name
                .with_context(|| format!("expected a name in backticks at the start of {line}"))?
                .0
                .to_owned())
        })
        .collect();
    let rows = rows?;
    ensure!(!rows.is_empty(), "ARCHITECTURE.md has no table that begins with \"| room |\"");
    let rooms = fs::read_dir(workspace().join("src"))?.map(|entry| {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Ok(if entry.file_type()?.is_dir() { format!("{name}/") } else { name })
    });
    assert_eq!(rows, rooms.collect::<Result<BTreeSet<String>>>()?, "rows of ARCHITECTURE.md, rooms of src/");
    Ok(())
}
