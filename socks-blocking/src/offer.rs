//! What to offer a server of the configuration.

use socks_config::Server;
use socks_proto::{Login, Offer, UserPass};

/// The login, where there is one, and no login as the second choice; in one round trip where the server takes that,
/// which leaves no second choice.
pub(crate) fn offer(server: &Server, credentials: Option<&UserPass>) -> Offer {
    match credentials.cloned() {
        Some(login) if server.pipeline => Offer::one_round_trip(login),
        Some(login) => Offer::stepwise(login).or(Login::None),
        None if server.pipeline => Offer::one_round_trip(Login::None),
        None => Offer::stepwise(Login::None),
    }
}
