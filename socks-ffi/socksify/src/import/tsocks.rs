//! tsocks.conf.

use super::lines;
use super::translation::{Proxy, Translation, net, server};

/// The words that begin a line of it.
pub(super) const WORDS: [&str; 8] =
    ["local", "reaches", "server", "server_type", "server_port", "default_user", "default_pass", "path"];

/// The settings of a server: outside of all blocks, or of one block.
#[derive(Clone, Default)]
struct Path<'t> {
    /// Where it begins.
    line: u32,
    reaches: Vec<(u32, String)>,
    server: Option<(u32, &'t str)>,
    kind: Option<&'t str>,
    port: Option<&'t str>,
    user: Option<&'t str>,
    password: Option<&'t str>,
}

pub(super) fn translate(text: &str) -> Translation {
    let mut to = Translation::default();
    let mut whole = Path::default();
    let mut block: Option<Path<'_>> = None;
    // It never asks a proxy for these.
    to.say(0, "noproxy 127.0.0.0/8");
    to.say(0, "noproxy 0.0.0.0");
    for (number, line) in lines(text) {
        // Comments may stand behind a setting; a password may hold the sign.
        let line = line.split_once(" #").map_or(line, |(line, _)| line).trim();
        if line == "}" {
            match block.take() {
                Some(path) => path.say(&mut to, &whole),
                None => to.lost(number, "`}` without its `path {`"),
            }
            continue;
        }
        if line.strip_prefix("path").is_some_and(|rest| rest.trim() == "{") {
            if block.replace(Path { line: number, ..Path::default() }).is_some() {
                to.lost(number, "a `path` within another");
            }
            continue;
        }
        let Some((word, value)) = line.split_once('=').map(|(word, value)| (word.trim(), value.trim())) else {
            to.lost(number, "a line that is no setting");
            continue;
        };
        let is_local = word == "local";
        if is_local || word == "reaches" {
            match (net(value), &mut block) {
                (Some(net), None) if is_local => {
                    // It is said already.
                    if net != "127.0.0.0/8" {
                        to.say(number, format!("noproxy {net}"));
                    }
                }
                (Some(net), Some(path)) if !is_local => path.reaches.push((number, net)),
                (None, None) if is_local => to.note(number, "local: no network that can be read; it is not direct"),
                _ => to.lost(number, &format!("`{word}` in this place or with this value")),
            }
            continue;
        }
        let path = block.as_mut().unwrap_or(&mut whole);
        match word {
            "server" => path.server = Some((number, value)),
            "server_type" => path.kind = Some(value),
            "server_port" => path.port = Some(value),
            "default_user" => path.user = Some(value),
            "default_pass" => path.password = Some(value),
            "fallback" => to.note(number, "fallback: what cannot reach its proxy never goes direct here"),
            _ => to.lost(number, &format!("`{}`, which is not known", socks_cli::shown(word.as_ref()))),
        }
    }
    if let Some(path) = block {
        to.lost(path.line, "a `path` without its `}`");
    }
    match whole.server {
        Some((number, _)) => {
            whole.reaches.push((number, "0.0.0.0/0".to_owned()));
            let own = whole.clone();
            own.say(&mut to, &whole);
        }
        // What no path reaches, tsocks does not reach either.
        None => to.say(0, "strict"),
    }
    to
}

impl Path<'_> {
    /// Its `proxy` lines.
    fn say(self, to: &mut Translation, whole: &Path<'_>) {
        let Some((number, host)) = self.server else { return to.lost(self.line, "a `path` without a server") };
        if self.kind.or(whole.kind) != Some("5") {
            return to.lost(number, "a server without `server_type = 5`: only SOCKS 5 is spoken here");
        }
        let user = self.user.or(whole.user);
        let password = self.password.or(whole.password);
        let login = to.login(number, user, password);
        let proxy = Proxy { server: server(host, self.port.or(whole.port).unwrap_or("1080")), login };
        for (line, net) in &self.reaches {
            to.proxy(*line, net, std::slice::from_ref(&proxy), "");
        }
    }
}
