//! The crates that are published, as cargo describes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::run;

/// A crate of the workspace.
#[derive(Deserialize)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// The registries it may go to; all where there is no list.
    publish: Option<Vec<String>>,
    manifest_path: PathBuf,
    description: Option<String>,
    license: Option<String>,
    readme: Option<PathBuf>,
    documentation: Option<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    keywords: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Crate>,
}

impl Crate {
    fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }

    /// What it does not say of itself, or does not have with it.
    fn lacks(&self) -> impl Iterator<Item = &'static str> {
        let folder = self.manifest_path.parent().unwrap_or_else(|| Path::new("."));
        let has = |file: &str| folder.join(file).is_file();
        let has_readme = self.readme.as_ref().is_some_and(|readme| folder.join(readme).is_file());
        [
            ("a description", self.description.is_some()),
            ("a licence", self.license.is_some()),
            ("the texts of its licences", has("LICENSE-MIT") && has("LICENSE-APACHE")),
            ("a readme", has_readme),
            ("where its documentation is", self.documentation.is_some()),
            ("categories", !self.categories.is_empty()),
            ("keywords", !self.keywords.is_empty()),
        ]
        .into_iter()
        .filter_map(|(what, has)| (!has).then_some(what))
    }

    /// All sets of its features, the empty one first. `default` is none: it is a name for some of the others.
    pub(crate) fn feature_sets(&self) -> Vec<Vec<&str>> {
        let features = self.features.keys().map(String::as_str).filter(|name| *name != "default");
        features.fold(vec![Vec::new()], |mut sets, feature| {
            let with = sets.iter().map(|set| [&set[..], &[feature]].concat()).collect::<Vec<_>>();
            sets.extend(with);
            sets
        })
    }
}

/// The line by which a manifest has the oldest toolchain of the workspace, for which clippy then looks at what it calls.
const RUST_VERSION: &str = "rust-version.workspace = true";

/// Manifests that have not the toolchain of the others, and published crates that do not say what they are.
///
/// # Errors
/// Cargo does not tell, or a manifest cannot be read.
pub(crate) fn faults() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for package in members()? {
        let manifest = fs::read_to_string(&package.manifest_path).with_context(|| package.name.clone())?;
        if !manifest.lines().any(|line| line == RUST_VERSION) {
            faults.push(format!("{}: no `{RUST_VERSION}`", package.name));
        }
        if package.is_published() {
            faults.extend(package.lacks().map(|what| format!("{} is published without {what}", package.name)));
        }
    }
    Ok(faults)
}

/// Those that are published.
///
/// # Errors
/// Cargo does not tell.
pub(crate) fn crates() -> Result<Vec<Crate>> {
    Ok(members()?.into_iter().filter(Crate::is_published).collect())
}

fn members() -> Result<Vec<Crate>> {
    let printed = run::output(&mut run::cargo(["metadata", "--no-deps", "--format-version=1"]))?;
    let metadata: Metadata = serde_json::from_str(&printed).context("what cargo metadata printed")?;
    Ok(metadata.packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Crate {
        serde_json::from_str(r#"{"name": "it", "features": {}, "manifest_path": "nowhere/Cargo.toml"}"#)
            .expect("a crate")
    }

    #[test]
    fn a_crate_that_says_nothing_lacks_everything() {
        assert!(nothing().is_published());
        assert_eq!(nothing().lacks().count(), 7);
    }

    #[test]
    fn the_manifests_of_this_tree_have_no_fault() {
        assert_eq!(faults().expect("the manifests"), Vec::<String>::new());
    }

    #[test]
    fn every_set_of_features_is_there_once() {
        let features = ["b", "default", "a"].map(|name| (name.to_owned(), Vec::new()));
        let package = Crate { features: features.into(), ..nothing() };
        assert_eq!(package.feature_sets(), [vec![], vec!["a"], vec!["b"], vec!["a", "b"]]);
    }

    #[test]
    fn the_core_is_published_and_its_tests_are_not() {
        let names: Vec<String> = crates().expect("the crates").into_iter().map(|package| package.name).collect();
        assert!(names.iter().any(|name| name == "socks-proto"));
        assert!(!names.iter().any(|name| name == "socks-conformance" || name == "xtask"));
    }
}
