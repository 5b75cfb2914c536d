//! Node, whose event loop waits with epoll.

use super::{Invocation, Program, error_name, seen_in_output};

const FETCH: &str = "
const pages = Array.from({ length: 50 }, () => new Promise((done, failed) =>
  require('http').get(process.argv[1], (answer) => {
    let page = '';
    answer.on('data', (part) => page += part).on('end', () => done(page));
  }).on('error', failed)));
Promise.all(pages).then((pages) => {
  if (pages.some((page) => page.split(' peer=')[0] !== pages[0].split(' peer=')[0])) throw new Error('pages differ');
  process.stdout.write(pages[0]);
}).catch((error) => { console.error(error.code, error.message); process.exit(1); });
";

/// Fifty pages at once.
pub const NODE: Program = Program {
    name: "node",
    needs: &["node"],
    services: &[],
    invocation: |call| Ok(Invocation::new("node", &["-e", FETCH, &call.url()])),
    reached: seen_in_output,
    reports: error_name,
};

/// The same where libuv would rather have an io_uring.
pub const NODE_URING: Program = Program {
    name: "node, io_uring",
    invocation: |call| {
        let environment = vec![("UV_USE_IO_URING", "1".to_owned())];
        Ok(Invocation { environment, ..(NODE.invocation)(call)? })
    },
    ..NODE
};

/// c-ares asks name servers itself, which must fail; the page comes all the same, by the name.
const RESOLVE_FIRST: &str = "
require('dns').resolve4(new URL(process.argv[1]).hostname, (error, addresses) => {
  console.error(error ? error.code : addresses);
  if (!error || error.code !== 'ECONNREFUSED') process.exit(1);
  require('http').get(process.argv[1], (answer) => answer.pipe(process.stdout)).on('error', (error) => {
    console.error(error.code, error.message);
    process.exit(1);
  });
});
";

/// A look-up that goes past the C library, then a page.
pub const RESOLVE: Program = Program {
    name: "node, dns.resolve4",
    invocation: |call| Ok(Invocation::new("node", &["-e", RESOLVE_FIRST, &call.url()])),
    ..NODE
};
