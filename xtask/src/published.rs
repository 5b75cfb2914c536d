//! The crates that are published, as cargo describes them.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::run;

/// A crate of the workspace.
#[derive(Deserialize)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// The registries it may go to; all where there is no list.
    publish: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Crate>,
}

impl Crate {
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

/// Those that are published, by their names.
///
/// # Errors
/// Cargo does not say.
pub(crate) fn crates() -> Result<Vec<Crate>> {
    let printed = run::output(&mut run::cargo(["metadata", "--no-deps", "--format-version=1"]))?;
    let metadata: Metadata = serde_json::from_str(&printed).context("what cargo metadata printed")?;
    let all = metadata.packages.into_iter();
    Ok(all.filter(|package| package.publish.as_ref().is_none_or(|registries| !registries.is_empty())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_features_is_there_once() {
        let features = ["b", "default", "a"].map(|name| (name.to_owned(), Vec::new()));
        let package = Crate { name: "it".to_owned(), features: features.into(), publish: None };
        assert_eq!(package.feature_sets(), [vec![], vec!["a"], vec!["b"], vec!["a", "b"]]);
    }

    #[test]
    fn the_core_is_published_and_its_tests_are_not() {
        let names: Vec<String> = crates().expect("the crates").into_iter().map(|package| package.name).collect();
        assert!(names.iter().any(|name| name == "socks-proto"));
        assert!(!names.iter().any(|name| name == "socks-conformance" || name == "xtask"));
    }
}
