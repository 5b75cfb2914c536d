//! What a Debian package says of itself.

use std::env;
use std::fmt::Write as _;

use super::VERSION;

/// Of the package, behind that of what is packed.
const REVISION: &str = "1";

/// One of the packages.
pub(super) struct Package {
    pub(super) name: &'static str,
    section: &'static str,
    /// The same files on every kind of machine.
    is_for_all: bool,
    multi_arch: Option<&'static str>,
    /// Those of ours, each in this version; what the files themselves need comes to it.
    depends: &'static [&'static str],
    recommends: Option<&'static str>,
    /// Packages that have files of the same names.
    conflicts: Option<&'static str>,
    summary: &'static str,
    description: &'static str,
    /// Further files of the package's control folder.
    pub(super) extra: &'static [(&'static str, &'static str)],
}

pub(super) const LIBRARY: &str = "libsocks0";
pub(super) const DEVELOPMENT: &str = "libsocks-dev";
pub(super) const COMMANDS: &str = "socksify";
pub(super) const COMMON: &str = "libsocks-common";

pub(super) const PACKAGES: [Package; 4] = [
    Package {
        name: LIBRARY,
        section: "libs",
        is_for_all: false,
        multi_arch: Some("same"),
        depends: &[],
        recommends: Some(COMMON),
        conflicts: None,
        summary: "SOCKS 5 client library, and the wrapper to preload",
        description: " C programs call Rconnect and its kin; libsockswrap has them under the names of\n the C \
                      library, for programs that never heard of SOCKS.",
        extra: &[
            ("triggers", "activate-noawait ldconfig\n"),
            ("shlibs", "libsocks 0 libsocks0 (>= @VERSION@)\nlibsockswrap 0 libsocks0 (>= @VERSION@)\n"),
        ],
    },
    Package {
        name: COMMON,
        section: "net",
        is_for_all: true,
        multi_arch: Some("foreign"),
        depends: &[],
        recommends: None,
        conflicts: None,
        summary: "configuration of the SOCKS 5 client library",
        description: " /etc/socksrc says which connections go through which proxy; socksrc(5)\n describes it.",
        extra: &[("conffiles", "/etc/socksrc\n")],
    },
    Package {
        name: DEVELOPMENT,
        section: "libdevel",
        is_for_all: false,
        multi_arch: Some("same"),
        depends: &[LIBRARY],
        recommends: None,
        conflicts: Some("libsocksd0-dev"),
        summary: "SOCKS 5 client library, to build programs with",
        description: " The header, the static library, what pkg-config says of both, and the manual of\n the functions.",
        extra: &[],
    },
    Package {
        name: COMMANDS,
        section: "net",
        is_for_all: false,
        multi_arch: Some("foreign"),
        depends: &[LIBRARY, COMMON],
        recommends: None,
        conflicts: Some("dante-client"),
        summary: "runs unmodified programs through a SOCKS 5 proxy",
        description: " socksify has a program connect through a proxy without its knowing;\n socksconnect is \
                      a ProxyCommand for ssh and git.",
        extra: &[],
    },
];

/// The version of the packages.
pub(super) fn version() -> String {
    format!("{VERSION}-{REVISION}")
}

/// Who makes the packages: what Debian's tools look at too.
fn maintainer() -> String {
    let say = |name: &str, usual: &str| env::var(name).unwrap_or_else(|_| usual.to_owned());
    format!("{} <{}>", say("DEBFULLNAME", "libsocks"), say("DEBEMAIL", "libsocks@localhost"))
}

impl Package {
    /// The name of its kind of machine, where this one has the name `here`.
    pub(super) fn architecture<'a>(&self, here: &'a str) -> &'a str {
        if self.is_for_all { "all" } else { here }
    }

    /// The file `control`.
    pub(super) fn control(&self, here: &str, needs: &[String], kibibytes: u64) -> String {
        let ours = self.depends.iter().map(|name| match *name {
            // On another kind of machine it is another package of the same version.
            COMMON => format!("{name} (>= {})", version()),
            name => format!("{name} (= {})", version()),
        });
        let depends: Vec<String> = ours.chain(needs.iter().cloned()).collect();
        let mut text = format!(
            "Package: {}\nSource: libsocks\nVersion: {}\nArchitecture: {}\nMaintainer: {}\nInstalled-Size: {kibibytes}\n",
            self.name,
            version(),
            self.architecture(here),
            maintainer(),
        );
        let fields = [
            ("Depends", (!depends.is_empty()).then(|| depends.join(", "))),
            ("Recommends", self.recommends.map(str::to_owned)),
            ("Conflicts", self.conflicts.map(str::to_owned)),
            ("Section", Some(self.section.to_owned())),
            ("Priority", Some("optional".to_owned())),
            ("Multi-Arch", self.multi_arch.map(str::to_owned)),
            ("Description", Some(format!("{}\n{}", self.summary, self.description))),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                // A String takes all that is written to it.
                let _ = writeln!(text, "{name}: {value}");
            }
        }
        text
    }

    /// The further files, filled in.
    pub(super) fn extra(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.extra.iter().map(|(name, text)| (*name, text.replace("@VERSION@", VERSION)))
    }
}

/// The file `copyright`; the texts of licences that Debian has everywhere are named by their places.
pub(super) fn copyright(mit: &str) -> String {
    let (notice, text) = mit.split_once("Permission").map_or((mit, String::new()), |(notice, text)| {
        let lines = format!("Permission{text}");
        (notice, lines.lines().map(|line| if line.is_empty() { " .\n".into() } else { format!(" {line}\n") }).collect())
    });
    let holder = notice.lines().find_map(|line| line.strip_prefix("Copyright (c) ")).unwrap_or_default();
    format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: libsocks\n\n\
         Files: *\nCopyright: {holder}\nLicense: Expat or Apache-2.0\n\n\
         License: Expat\n{text}\n\
         License: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n"
    )
}

/// The file `changelog.Debian`, with the date as `date -R` prints it.
pub(super) fn changelog(date: &str) -> String {
    format!(
        "libsocks ({}) unstable; urgency=medium\n\n  * Packaged by `cargo xtask dist`; what is new stands in changelog.gz.\n\n \
         -- {}  {date}\n",
        version(),
        maintainer()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_says_what_it_needs_and_what_it_is_not_beside() {
        let commands = PACKAGES.iter().find(|package| package.name == COMMANDS).expect("the package");
        let text = commands.control("riscv64", &["libc6 (>= 2.31)".to_owned()], 12);
        let version = version();
        for line in [
            "Architecture: riscv64",
            "Installed-Size: 12",
            &format!("Depends: libsocks0 (= {version}), libsocks-common (>= {version}), libc6 (>= 2.31)"),
            "Conflicts: dante-client",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(!text.contains("\n\n") && text.ends_with('\n'));
    }

    #[test]
    fn a_licence_has_no_empty_line() {
        let text = copyright("MIT License\n\nCopyright (c) 2026 Ann\n\nPermission is\ngranted\n\nTHE SOFTWARE\n");
        assert!(text.contains("\nCopyright: 2026 Ann\n"), "{text}");
        assert!(text.contains("License: Expat\n Permission is\n granted\n .\n THE SOFTWARE\n\n"), "{text}");
    }
}
